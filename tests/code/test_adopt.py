"""A published checkpoint with its own classifier predicts, and says what it saw: `sortline adopt`."""

from pathlib import Path

import mindspore
import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file

from sortline import cli
from sortline._core import runtime
from sortline._core.errors import UserError
from sortline.backbones import registry
from sortline.backbones.registry import NORM
from sortline.export import adopted
from sortline.export import checkpoint as written
from sortline.export.classifier import Classifier
from sortline.features.heads import softmax

ROOT = Path(__file__).parents[2]
CLASSES = 9


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """A ResNet-50 of random weights under the names of the course's checkpoint: `resnet-50_209.ckpt`."""
    runtime.prepare()
    network = registry.get("resnet50")
    release = network.release("course")
    net = network.net(release)
    drawn = network.draw({name: one.shape for name, one in net.parameters_dict().items()}, 3)
    arrays = {}
    for name, parameter in net.parameters_dict().items():
        value = drawn.get(name, parameter.asnumpy()).astype(np.float32)
        parameter.set_data(mindspore.Tensor(value))
        cell, part = name.rsplit(".conv.", 1) if ".conv." in name else name.rsplit(".norm.", 1)
        convolution, norm = release.names(cell)
        theirs = f"{convolution}.weight" if part == "weight" else f"{norm}.{release.norm[NORM.index(part)]}"
        arrays[theirs] = value
    random = np.random.default_rng(1)
    arrays["end_point.weight"] = random.normal(size=(CLASSES, 2048)).astype(np.float32) / 8
    arrays["end_point.bias"] = random.normal(size=CLASSES).astype(np.float32)
    arrays |= {f"moments.{name}": np.zeros_like(value) for name, value in list(arrays.items())[:3]}  # of its training
    path = tmp_path_factory.mktemp("course") / "resnet-50_209.ckpt"
    mindspore.save_checkpoint([{"name": key, "data": mindspore.Tensor(one)} for key, one in arrays.items()], str(path))
    net.set_train(False)
    return path, net, release, arrays


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tables").symlink_to(ROOT / "tables")
    return tmp_path


def adopt(path, *more):
    return cli.main(["adopt", str(path), "--backbone", "resnet50", "--release", "course", "--table", "mushrooms",
                     "--name", "mushroom_course", *more])  # fmt: skip


@pytest.mark.slow  # a ResNet-50, as it is published
def test_the_courses_checkpoint_predicts_by_itself_and_says_that_it_saw_all_its_photos(project, checkpoint, capsys):
    path, net, release, arrays = checkpoint
    assert adopt(path) == 0
    assert "trained it on all photos" in capsys.readouterr().out
    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 3), np.uint8)
    Image.fromarray(pixels).save("photo.png")
    features = net(mindspore.Tensor(release.preprocessing(pixels[None]))).asnumpy().mean((2, 3))[0]
    expected = softmax((arrays["end_point.weight"] @ features + arrays["end_point.bias"]).astype(np.float64))
    found = Classifier(Path("models/mushroom_course/export")).probabilities(Image.open("photo.png").convert("RGB"))
    assert found == pytest.approx(expected, abs=2e-4)

    assert cli.main(["predict", "photo.png", "--model", "models/mushroom_course/export"]) == 0
    said = capsys.readouterr()
    assert "no accuracy on these is of photos held out" in said.err and "no accuracy of it was measured" in said.err
    genera = [
        "Agaricus",
        "Amanita",
        "Boletus",
        "Cortinarius",
        "Entoloma",
        "Hygrocybe",
        "Lactarius",
        "Russula",
        "Suillus",
    ]
    assert genera[int(expected.argmax())] in said.out and "no advice on eating" in said.out

    with pytest.raises(UserError, match="is there already"):
        adopt(path)


@pytest.mark.parametrize("content", [None, b""])
def test_a_checkpoint_that_is_not_there_or_empty_is_one_line(project, content):
    if content is not None:
        Path("x.ckpt").write_bytes(content)
    with pytest.raises(UserError, match="x.ckpt: no such file, or an empty one") as caught:
        adopt("x.ckpt")
    assert "params.yaml" not in str(caught.value)


@pytest.mark.slow
def test_another_table_is_refused(project, checkpoint):
    with pytest.raises(UserError, match="knows 9 classes.*26"):
        adopt(checkpoint[0], "--table", "garbage")
    assert not Path("models").exists() or not any(Path("models").rglob("model.onnx"))


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({}, "none"),
        ({"end_point.weight": np.zeros((9, 7))}, r"\(9, 7\)"),
        ({"end_point.weight": np.zeros((9, 8)), "head.weight": np.zeros((3, 8))}, "head"),
        ({"end_point.weight": np.full((9, 8), np.nan)}, "NaN"),
        ({"end_point.weight": np.zeros((9, 8)), "end_point.bias": np.zeros(4)}, "bias"),
    ],
    ids=["none", "of other features", "two", "nan", "another bias"],
)
def test_a_checkpoint_without_one_classifier_is_refused(arrays, said):
    with pytest.raises(UserError, match=said):
        adopted.classifier_of(arrays, 8, "x.ckpt")


def test_a_classifier_that_is_a_convolution_is_a_dense_layer():
    weight = np.arange(24, dtype=np.float32).reshape(3, 8)
    head = adopted.classifier_of({"classifier.weight": weight[:, :, None, None]}, 8, "x.ckpt")
    assert np.array_equal(head.weight, weight) and np.array_equal(head.bias, np.zeros(3))


@pytest.mark.parametrize("suffix", [".ckpt", ".safetensors"])
def test_a_checkpoint_is_what_mindspore_or_safetensors_reads(tmp_path, suffix):
    random = np.random.default_rng(2)
    arrays = {"head.weight": random.normal(size=(3, 8)).astype(np.float32), "head.bias": np.zeros(3, np.float32)}
    path = tmp_path / f"out{suffix}"
    written.write(path, arrays)
    if suffix == ".ckpt":
        found = {name: one.asnumpy() for name, one in mindspore.load_checkpoint(str(path)).items()}
    else:
        found = load_file(path)
    assert found.keys() == arrays.keys() and all(np.array_equal(found[name], arrays[name]) for name in arrays)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    with pytest.raises(UserError, match="should end in"):
        written.write(tmp_path / "out.pth", arrays)
