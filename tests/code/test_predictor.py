"""The predictor: a net runs from the files that training wrote, with any checkpoint's parameters in them; strictly."""

from pathlib import Path

import mindspore
import numpy as np
import pytest
from mindspore import nn
from PIL import Image
from safetensors.numpy import load_file, save_file
from scipy.special import softmax

from sortline import predictor
from sortline._core import files, graphs, runtime
from sortline._core.errors import UserError
from sortline.backbones.preprocessing import GREY, Preprocessing
from sortline.data import prepared
from sortline.data.images import open_rgb, resize
from sortline.export.network import network_of

SIZE, MEAN, STD = 8, (0.5, 0.4, 0.3), (0.3, 0.25, 0.2)
HEADER = ["image", "label", "split", "fold", "photo_fold", "scene", "in_train_exact", "in_train_near"]
SPLIT = [["a", 0, "train"], ["b", 1, "val"], ["c", 2, "train"], ["d", 0, "val"], ["e", 1, "val"]]


class Net(nn.Cell):
    """A convolution, a batch norm, and a dense layer on the mean."""

    def __init__(self, channels, seed):
        super().__init__()
        self.conv = nn.Conv2d(channels, 4, 3, has_bias=True)
        self.norm, self.relu, self.tail = nn.BatchNorm2d(4), nn.ReLU(), Tail()
        random = np.random.default_rng(seed)
        for parameter in self.get_parameters():
            parameter.set_data(mindspore.Tensor(random.uniform(0.1, 1, parameter.shape).astype(np.float32)))
        self.set_train(False)

    def construct(self, x):
        return self.tail(self.relu(self.norm(self.conv(x))))


class Tail(nn.Cell):
    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(4, 3)

    def construct(self, x):
        return self.dense(x.mean((2, 3)))


class Dense(nn.Cell):
    """The tail as it is exported: its parameters bear the names that they have in the net."""

    def __init__(self, net):
        super().__init__(auto_prefix=False)
        self.tail = net.tail

    def construct(self, x):
        return self.tail(x)


@pytest.fixture(scope="module", params=[1, 3], ids=["grey", "colour"])
def trained(request, tmp_path_factory):
    """models/<task>/head as training leaves it, two checkpoints, and data/features/<task> with pixels."""
    runtime.prepare()
    root, channels = tmp_path_factory.mktemp("垃圾"), request.param
    head, kept = root / "head", root / "features"
    head.mkdir()
    kept.mkdir()
    nets = {"best": Net(channels, 1), "last": Net(channels, 2)}
    for name, net in nets.items():
        save_file({key: one.asnumpy() for key, one in net.parameters_dict().items()}, head / f"{name}.safetensors")
    whole = graphs.to_onnx(nets["best"], (1, channels, SIZE, SIZE), ("logits",))
    (head / "net.onnx").write_bytes(whole.SerializeToString())
    (head / "net.mindir").write_bytes(graphs.to_mindir(nets["best"], SIZE, channels))
    tail = graphs.to_onnx(Dense(Net(channels, 1)), (1, 4, 1, 1), ("logits",))
    (head / "tail.onnx").write_bytes(tail.SerializeToString())
    mean, std = (GREY.mean, GREY.std) if channels == 1 else (MEAN, STD)
    about = {"net": "tiny", "options": {}, "classes": 3, "image_size": SIZE, "checkpoint": "best", "threshold": None}
    files.write_json(head / "head.json", about | {"mean": mean, "std": std})
    shape = (len(SPLIT), SIZE, SIZE, *([3] if channels == 3 else []))
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.save(kept / "pixels.npy", pixels)
    files.write_json(kept / "features.json", {"dataset": "0123", "image_size": SIZE})
    rows = [[*row, "", "", i, 0, 0] for i, row in enumerate(SPLIT)]
    files.write_csv(root / "split.csv", HEADER, rows)
    return root, nets, Preprocessing(tuple(mean), tuple(std)), pixels


def opened(root, checkpoint=None):
    return predictor.load(root / "head", root / "features", checkpoint)


@pytest.mark.parametrize("checkpoint", [None, "last"])
def test_a_net_gives_what_mindspore_gives_with_any_checkpoint(trained, checkpoint):
    root, nets, preprocessing, pixels = trained
    model, val = opened(root, checkpoint), prepared.read_part(root / "split.csv")
    wanted = graphs.run_cell(nets[checkpoint or "best"], preprocessing(pixels[val.rows]))
    assert model.checkpoint == (checkpoint or "best") and model.size == SIZE
    assert model.probabilities(val, "0123") == pytest.approx(softmax(wanted.astype(float), 1), abs=1e-5)
    pictures = np.repeat(pixels[..., None], 3, -1) if pixels.ndim == 3 else pixels  # as they are opened
    assert model.logits(pictures[val.rows]) == pytest.approx(wanted, abs=1e-4)
    assert np.ptp(wanted, 0).min() > 1e-3  # photos are told apart
    assert model.evidence(pictures[0], 1) is None


def test_a_large_photo_is_opened_as_extract_opens_it(trained, tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (2100, 2100, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.jpg")
    whole, fraction = (resize(open_rgb(tmp_path / "large.jpg", side=side), SIZE) for side in (None, SIZE))
    found = opened(trained[0]).open(tmp_path / "large.jpg")
    assert np.array_equal(found, fraction) and not np.array_equal(found, whole)


def test_labels_are_doubted_where_a_net_was_not_trained(trained):
    root, _, _, pixels = trained
    seen = opened(root).unseen(root / "split.csv")
    assert seen.part.split == "val" and seen.features.shape == (3, pixels[0].size) and seen.features.dtype == np.float32
    assert seen.probabilities == pytest.approx(opened(root).probabilities(seen.part))


@pytest.mark.parametrize(("scenes", "asked"), [([0, 1, 2, 0, 4], [1, 4]), ([0, 2, 2, 0, 2], [1, 3, 4])])
def test_a_net_is_asked_anew_only_about_scenes_that_train_does_not_show(trained, tmp_path, scenes, asked):
    rows = [[*row, "", "", scene, 0, 0] for row, scene in zip(SPLIT, scenes, strict=True)]
    files.write_csv(tmp_path / "split.csv", HEADER, rows)
    model = opened(trained[0])
    held = model.held_out(tmp_path / "split.csv")
    assert held.part.images == [SPLIT[row][0] for row in asked] and held.part.rows.tolist() == asked
    assert held.new == (len(asked) < 3) and held.folds == [None] * len(asked) and held.similarity is None
    assert held.part.labels.tolist() == [SPLIT[row][1] for row in asked]
    assert held.probabilities == pytest.approx(model.probabilities(held.part))


def test_a_net_on_cached_features_is_run_from_its_tail(trained):
    root, nets, _, _ = trained
    kept = root / "pooled"
    kept.mkdir(exist_ok=True)
    pooled = np.random.default_rng(5).normal(size=(len(SPLIT), 2, 2, 4)).astype(np.float32)
    np.save(kept / "pooled.npy", pooled)
    files.write_json(kept / "features.json", {"dataset": "0123", "image_size": SIZE, "backbone": {}})
    val = prepared.read_part(root / "split.csv")
    found = predictor.load(root / "head", kept, "last").probabilities(val)
    dense = nets["last"].tail.dense
    logits = pooled[val.rows, 0, 0] @ dense.weight.asnumpy().T + dense.bias.asnumpy()
    assert found == pytest.approx(softmax(logits.astype(float), 1), abs=1e-5)


def test_pictures_of_another_data_set_are_refused(trained):
    root = trained[0]
    with pytest.raises(UserError, match="expected 5 photos of another"):
        opened(root).probabilities(prepared.read_part(root / "split.csv"), "another")


WRONG = {
    "one missing": lambda arrays: {key: one for key, one in arrays.items() if key != "norm.gamma"},
    "one more": lambda arrays: arrays | {"conv.scale": np.ones(4, np.float32)},
    "another shape": lambda arrays: arrays | {"conv.bias": np.ones(5, np.float32)},
    "not finite": lambda arrays: arrays | {"conv.bias": np.full(4, np.nan, np.float32)},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_parameters_that_are_not_the_nets_are_refused(trained, wrong):
    root = trained[0]
    arrays = WRONG[wrong](load_file(root / "head" / "best.safetensors"))
    save_file(arrays, root / "head" / "epoch-00001.safetensors")
    with pytest.raises(UserError, match="epoch-00001.safetensors: .*(not the parameters of this net|NaN).*dvc repro"):
        opened(root, "epoch-00001")


@pytest.mark.parametrize("name", ["best.safetensors", "net.onnx"])
@pytest.mark.parametrize("content", [None, b"", b"\xffno"])
def test_a_missing_or_damaged_file_is_one_line(trained, tmp_path, name, content):
    for path in (trained[0] / "head").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    Path(tmp_path / name).unlink()
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name}: .*dvc repro"):
        predictor.load(tmp_path, trained[0] / "features")


def test_the_exported_network_is_the_checkpoints(trained):
    """The MindIR is written by replacing bytes, and run by letting MindSpore replace them: both are the net's."""
    root, nets, preprocessing, pixels = trained
    network = network_of(opened(root, "last"), root / "nowhere")
    x = preprocessing(pixels)
    wanted = graphs.run_cell(nets["last"], x)
    assert network.run(x) == pytest.approx(wanted, abs=1e-6)
    (root / "model.mindir").write_bytes(network.mindir)
    assert graphs.run_mindir(root / "model.mindir", x) == pytest.approx(wanted, abs=1e-6)
    assert not network.explains and network.info["channel_order"] == ("grey" if preprocessing.channels == 1 else "RGB")
