"""`sortline export TASK --to`: OpenVINO's and LiteRT's files predict as the ONNX does, or there are none."""

import json
import os
import platform
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from PIL import Image
from small_model import SIZE, small_model
from test_predict import LABELS, colour_model, write_export

from sortline._core.errors import UserError
from sortline._core.files import write_csv, write_json
from sortline._core.runtime import uncapped
from sortline.cli import main
from sortline.data.images import resize
from sortline.data.sources.toy import picture
from sortline.export import formats, trial
from sortline.export.classifier import Classifier

GOLDEN = Path(__file__).parents[1] / "golden/small.tflite"  # made by make_litert.py there, with onnx2tf itself
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the runtimes are installed on Linux alone")
X86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="and LiteRT's on x86-64 alone")
LITERT = pytest.param("litert", marks=X86)
COLOURS = [(250, 30, 20), (20, 200, 40), (10, 60, 220), (90, 90, 90), (130, 128, 126)]


@pytest.fixture
def made(tmp_path):
    return write_export(tmp_path / "垃圾 分类" / "export", small_model())


def folder_of(name, make, tmp_path):
    """Return a folder as `export --to` leaves it, in a place whose name is not ASCII."""
    folder = tmp_path / "模型" / name
    folder.mkdir(parents=True)
    make(folder)
    write_json(folder / "labels.json", LABELS)
    return folder


def images():
    noise = np.random.default_rng(0).integers(0, 256, (41, 30, 3), np.uint8)
    plain = [Image.new("RGB", (30 + 7 * i, 50), colour) for i, colour in enumerate(COLOURS)]
    return [*plain, Image.fromarray(noise), picture("star", 1, 300, 1), Image.new("RGB", (1, 1), "red")]


@pytest.mark.parametrize("form", ["openvino", LITERT])
def test_it_predicts_as_the_onnx_does_from_several_threads(made, tmp_path, form):
    def make(folder):
        if form == "openvino":
            formats.to_openvino(made / "model.onnx", folder, {"labels": LABELS})
            # OpenVINO now and then loses the scale of a constant in 8 bits.
            assert 'element_type="i8"' not in (folder / "model.xml").read_text(encoding="utf-8")
        else:
            (folder / "model.tflite").write_bytes(GOLDEN.read_bytes())

    folder = folder_of(form, make, tmp_path)
    paths = []
    for number, image in enumerate(images()):
        paths.append(tmp_path / f"{number}.png")
        image.save(paths[-1])
    ours, theirs = Classifier(made, threads=1), Classifier(folder, threads=1)
    for image in images():
        assert np.abs(ours.probabilities(image) - theirs.probabilities(image)).max() < 0.02
        assert ours(image).similarity == pytest.approx(theirs(image).similarity, abs=0.02)
    found = formats.agreement(ours, theirs, paths * 5)
    assert (found["accuracy"], found["n"]) == (1, 5 * len(paths))
    trial.check(folder)  # as predict --model does
    with pytest.raises(UserError, match="no features"):
        theirs.features(image)


def test_openvinos_file_alone_resizes_as_pillow_does(made, tmp_path):
    """A fine pattern, large: without Pillow's antialiasing its mean would be far from this."""
    import openvino

    folder = folder_of("openvino", lambda out: formats.to_openvino(made / "model.onnx", out, {}), tmp_path)
    stripes = np.zeros((400, 400, 3), np.uint8)
    stripes[:, ::3, 0] = 255
    with uncapped():
        graph = openvino.Core().read_model((folder / "model.xml").read_bytes(), (folder / "model.bin").read_bytes())
        alone = openvino.compile_model(graph, "CPU")
    shrunk = resize(Image.fromarray(stripes), SIZE)
    whole, small = (alone(pixels)["logits"].copy() for pixels in (stripes, shrunk))
    assert whole == pytest.approx(small, abs=0.05)
    assert Classifier(folder).logits(Image.fromarray(stripes)) == pytest.approx(small, abs=0.05)


def test_a_graph_of_fixed_size_gives_what_the_whole_one_does(made):
    fixed = onnxruntime.InferenceSession(formats.of_fixed_size(small_model()).SerializeToString())
    for image in images():
        found = fixed.run(["logits", "probabilities", "similarity"], {"image": resize(image, SIZE)[None]})
        whole = onnxruntime.InferenceSession(small_model().SerializeToString())
        resized = np.asarray(Image.fromarray(resize(image, SIZE)))
        expected = whole.run(["logits", "probabilities", "similarity"], {"image": resized})
        for ours, theirs in zip(found, expected, strict=True):
            assert ours[0] == pytest.approx(theirs, abs=1e-5)


def test_one_that_predicts_otherwise_is_refused_with_the_figure(tmp_path):
    first = Classifier(write_export(tmp_path / "a", colour_model()))
    swapped = colour_model()
    swapped.graph.node[-2].input[0] = "turned"
    swapped.graph.node.insert(2, onnx.helper.make_node("Gather", ["means", "order"], ["turned"]))
    swapped.graph.initializer.append(onnx.numpy_helper.from_array(np.array([1, 0, 2]), "order"))
    second = Classifier(write_export(tmp_path / "b", swapped))
    paths = [tmp_path / f"{name}.png" for name in ("red", "green", "blue")]
    for path in paths:
        Image.new("RGB", (2, 2), path.stem).save(path)
    with pytest.raises(UserError, match=r"33\.33% of 3 photos, below 99\.9%"):
        formats.agreement(first, second, paths)
    with pytest.raises(UserError, match="of 0 photos"):
        formats.agreement(first, first, [])


def test_whose_model_it_is_stands_in_it(made, tmp_path):
    about = {"commit": "0123", "params": "45", "labels": LABELS}
    folder = folder_of("openvino", lambda out: formats.to_openvino(made / "model.onnx", out, about), tmp_path)
    import openvino

    model = openvino.Core().read_model((folder / "model.xml").read_bytes(), (folder / "model.bin").read_bytes())
    assert model.get_rt_info(["sortline", "commit"]).astype(str) == "0123"
    write_json(folder / "labels.json", LABELS | {"task": "another"})
    with pytest.raises(UserError, match="labels.json is not the one"):
        Classifier(folder)
    with zipfile.ZipFile(GOLDEN) as archive:
        assert json.loads(archive.read("about.json")) == {"task": "colours"}


@pytest.mark.parametrize("name", ["model.xml", "model.bin", pytest.param("model.tflite", marks=X86)])
@pytest.mark.parametrize("keep", [0, 0.4])
def test_damaged_files_are_a_line(made, tmp_path, name, keep):
    folder = folder_of("damaged", lambda out: formats.to_openvino(made / "model.onnx", out, {}), tmp_path)
    if name == "model.tflite":
        (folder / "model.xml").unlink()
        (folder / name).write_bytes(GOLDEN.read_bytes())
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(keep * len(content))])
    with pytest.raises(UserError) as error:
        trial.check(folder)
    assert "model." in str(error.value) and "\n" not in str(error.value)


# Puts the golden file where onnx2tf would; fails where it is told so.
STAND_IN = """
import os, pathlib, shutil, sys
if os.environ.get("BREAK"):
    sys.exit("cannot convert this")
out = pathlib.Path(sys.argv[sys.argv.index("-o") + 1])
out.mkdir()
shutil.copy({golden!r}, out / "model_float32.tflite")
"""


@pytest.fixture
def project(made, tmp_path, monkeypatch):
    """A project with an exported model and its photos; onnx2tf is a stand-in."""
    root = made.parent / "project"
    (root / "models/shop").mkdir(parents=True)
    made.rename(root / "models/shop/export")
    monkeypatch.chdir(root)
    Path("params.yaml").write_text("tasks: [shop]\nshop: {}\n")
    Path("dvc.lock").write_text(
        "schema: '2.0'\nstages:\n  export@shop:\n    cmd: x\n    params: {params.yaml: {a: 1}}\n"
    )
    write_json(Path("metrics/shop/export.json"), {"dataset": "abc"})
    for number, image in enumerate(images()):
        path = Path(f"data/raw/shop/train/a/{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        image.save(path)
    photos = sorted(Path("data/raw/shop").rglob("*.png"))
    rows = [[photo.relative_to("data/raw/shop").as_posix(), 0] for photo in photos]
    write_csv(Path("data/prepared/shop/split.csv"), ["image", "label"], rows)
    script = tmp_path / "bin" / formats.ONNX2TF
    script.parent.mkdir()
    script.write_text(f"#!{sys.executable}\n{STAND_IN.format(golden=str(GOLDEN))}")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.filterwarnings("ignore:Duplicate name")  # the golden file has about.json already
@pytest.mark.parametrize("form", ["openvino", LITERT])
def test_the_command_makes_a_folder_that_predict_takes(project, capsys, form):
    assert main(["export", "shop", "--to", form]) == 0
    assert f"models/shop/{form}" in capsys.readouterr().out
    about = json.loads(Path(f"models/shop/{form}/about.json").read_text())
    assert about["agreement"]["accuracy"] == 1 and about["agreement"]["n"] == len(images())
    assert about["format"] == form and about["dataset"] == "abc" and len(about["params"]) == 64
    assert main(["export", "--task", "shop", "--to", form]) == 0  # again, over what it made
    capsys.readouterr()
    assert main(["predict", "data/raw/shop/train/a/0.png", "--model", f"models/shop/{form}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["class"]["en"] == "Red"


def test_what_cannot_be_made_leaves_nothing_and_says_why(project, monkeypatch):
    with pytest.raises(UserError, match="coremltools reads no ONNX"):
        main(["export", "shop", "--to", "coreml"])
    monkeypatch.setenv("BREAK", "1")
    with pytest.raises(UserError, match="cannot convert this"):
        main(["export", "shop", "--to", "litert"])
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="onnx2tf is not on the PATH"):
        main(["export", "shop", "--to", "litert"])
    with pytest.raises(UserError, match="TASK"):
        main(["export", "--to", "openvino"])
    with pytest.raises(UserError, match="one of them"):
        main(["export", "shop", "--task", "shop", "--to", "openvino"])
    Path("own").mkdir()
    Path("own/letter.txt").write_text("mine")
    with pytest.raises(UserError, match="name another --out"):
        main(["export", "shop", "--to", "openvino", "--out", "own"])
    Path("data/prepared/shop/split.csv").unlink()
    with pytest.raises(UserError, match="dvc repro export@shop"):
        main(["export", "shop", "--to", "openvino"])
    assert sorted(path.name for path in Path("models/shop").iterdir()) == ["export"]
    assert [path.name for path in Path("own").iterdir()] == ["letter.txt"]


def test_a_runtime_that_is_not_installed_is_named(made, tmp_path, monkeypatch):
    folder = folder_of("openvino", lambda out: formats.to_openvino(made / "model.onnx", out, {}), tmp_path)
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(UserError, match=r"pip install 'sortline\[openvino\]'"):
        Classifier(folder)
