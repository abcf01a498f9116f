"""The exported model, on one whose predictions are known: a photo's mean red, green and blue are the probabilities."""

import json
import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

import sortline
from sortline._core.errors import UserError
from sortline.data.images import BadImage
from sortline.export.classifier import Classifier, predict_files

LABELS = {
    "task": "colours",
    "classes": [
        {"code": "00_00", "en": "Red", "zh": "红", "bin": "warm"},
        {"code": "00_01", "en": "Green", "zh": "绿", "bin": "cold"},
        {"code": "00_02", "en": "Blue", "zh": "蓝", "bin": "cold"},
    ],
    "bins": [
        {"id": "warm", "en": "Warm", "zh": "暖", "colour": "#d9363e"},
        {"id": "cold", "en": "Cold", "zh": "冷", "colour": "#2278cf"},
    ],
    "note": "",
}


def colour_model(labels=LABELS, input_type=TensorProto.UINT8, cam=False, similarity=False):
    """uint8 (H, W, 3) -> each channel's mean over the sum of the means: probabilities (3,); their logs: logits (3,).

    With `cam`, the channels themselves are the maps (3, H, W).
    """
    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float", "axes"], ["means"], keepdims=0),
        helper.make_node("ReduceSum", ["means"], ["sum"], keepdims=1),
        helper.make_node("Div", ["means", "sum"], ["probabilities"]),
        helper.make_node("Log", ["probabilities"], ["logits"]),
    ]
    image = helper.make_tensor_value_info("image", input_type, ["height", "width", 3])
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("probabilities", "logits")]
    if cam:
        nodes.append(helper.make_node("Transpose", ["float"], ["cam"], perm=[2, 0, 1]))
        outputs.append(helper.make_tensor_value_info("cam", TensorProto.FLOAT, [3, "height", "width"]))
    values = [numpy_helper.from_array(np.array([0, 1], np.int64), "axes")]
    if similarity:  # the brightness of blue
        values += [numpy_helper.from_array(np.array([at], np.int64), name) for name, at in (("from", 2), ("to", 3))]
        values.append(numpy_helper.from_array(np.array(255, np.float32), "white"))
        nodes.append(helper.make_node("Slice", ["means", "from", "to"], ["blue"]))
        nodes.append(helper.make_node("Div", ["blue", "white"], ["similarity"]))
        outputs.append(helper.make_tensor_value_info("similarity", TensorProto.FLOAT, [1]))
    graph = helper.make_graph(nodes, "colours", [image], outputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(model, {"labels": json.dumps(labels, ensure_ascii=False), "sortline_version": "0"})
    onnx.checker.check_model(model)
    return model


def write_export(folder, model=None, labels=LABELS):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes((model or colour_model(labels)).SerializeToString())
    (folder / "labels.json").write_text(json.dumps(labels, ensure_ascii=False), encoding="utf-8")
    return folder


@pytest.fixture
def export(tmp_path):
    return write_export(tmp_path / "垃圾 分类" / "export")


def test_probabilities_class_and_bin_are_the_models(export):
    prediction = Classifier(export)(Image.new("RGB", (7, 5), (20, 120, 60)))
    assert prediction.label == LABELS["classes"][1]
    assert prediction.bin == LABELS["bins"][1]
    assert prediction.probability == pytest.approx(120 / 200, abs=1e-6)
    assert [guess.label["en"] for guess in prediction.top] == ["Green", "Blue", "Red"]
    assert [guess.probability for guess in prediction.top] == pytest.approx([0.6, 0.3, 0.1], abs=1e-6)


def test_channels_are_red_green_blue(export):
    classifier = Classifier(export)
    for index, colour in enumerate(["#ff0000", "#00ff00", "#0000ff"]):
        assert classifier(Image.new("RGB", (1, 1), colour)).label == LABELS["classes"][index]


def test_top_limits_the_guesses_and_ties_go_to_the_lower_class(export):
    classifier = Classifier(export)
    gray = Image.new("RGB", (4, 4), (90, 90, 90))
    assert [guess.label["en"] for guess in classifier(gray, top=2).top] == ["Red", "Green"]
    assert len(classifier(gray, top=99).top) == 3


def test_dict_is_json_with_names_in_both_languages(export):
    content = Classifier(export)(Image.new("RGB", (2, 2), "#0000ff"), top=1).as_dict()
    assert json.loads(json.dumps(content)) == {
        "class": LABELS["classes"][2],
        "bin": LABELS["bins"][1],
        "probability": 1.0,
        "sure": True,
        "similarity": None,
        "familiar": True,
        "sets": {},
        "top": [{"class": LABELS["classes"][2], "bin": LABELS["bins"][1], "probability": 1.0}],
    }


def test_below_the_threshold_it_is_not_sure(tmp_path):
    export = write_export(tmp_path / "export", labels=LABELS | {"threshold": 0.55})
    sure, unsure = Image.new("RGB", (2, 2), (20, 120, 60)), Image.new("RGB", (2, 2), (60, 100, 40))
    classifier = Classifier(export)
    assert classifier(sure).sure and not classifier(unsure).sure
    assert classifier(unsure).label == LABELS["classes"][1]  # the best guess is told all the same
    assert Classifier(write_export(tmp_path / "without"))(unsure).sure
    never = Classifier(write_export(tmp_path / "never", labels=LABELS | {"threshold": "never"}))
    assert never(Image.new("RGB", (2, 2), "#0000ff")).doubt == "not sure"  # though its probability is 1


def test_a_photo_unlike_those_trained_on_is_told(tmp_path):
    labels = LABELS | {"unfamiliar_below": 0.5}
    classifier = Classifier(write_export(tmp_path / "export", colour_model(labels, similarity=True), labels))
    near, far = (classifier(Image.new("RGB", (2, 2), (10, 10, blue))) for blue in (204, 51))
    assert near.similarity == pytest.approx(0.8) and near.familiar and near.sure
    assert far.similarity == pytest.approx(0.2) and not far.familiar and far.label == near.label
    assert far.as_dict()["similarity"] == 0.2 and far.as_dict()["familiar"] is False


def test_classes_without_bins(tmp_path):
    classes = [{"code": name, "en": name, "zh": "", "bin": ""} for name in "abc"]
    labels = {"task": "letters", "classes": classes, "bins": [], "note": "x"}
    classifier = Classifier(write_export(tmp_path / "export", labels=labels))
    assert classifier(Image.new("RGB", (2, 2), "#00ff00")).bin is None
    assert classifier.note == "x"


def test_an_image_of_another_mode_is_what_its_file_would_be(export, tmp_path):
    for name, image in {
        "grey": Image.new("L", (2, 3), 90), "clear": Image.new("RGBA", (2, 2), (200, 0, 0, 128)),
        "turned": Image.effect_mandelbrot((8, 6), (-2, -1, 1, 1), 9).convert("RGB"),
    }.items():  # fmt: skip
        exif = Image.Exif()
        exif[0x0112] = 6
        image.save(tmp_path / f"{name}.png", exif=exif)
        with Image.open(tmp_path / f"{name}.png") as opened:
            assert Classifier(export)(opened) == Classifier(export)(tmp_path / f"{name}.png")


def test_files_keep_their_order_and_a_bad_one_does_not_stop_the_rest(export, tmp_path):
    photos = []
    for index in range(9):
        photos.append(tmp_path / f"照片 {index}.png")
        Image.new("RGB", (3, 3), [(255, 0, 0), (0, 255, 0), (0, 0, 255)][index % 3]).save(photos[-1])
    photos[4].write_bytes(photos[4].read_bytes()[:20])
    photos[5].write_bytes(b"")
    outcomes = list(predict_files(Classifier(export), photos, top=1))
    assert [photo for photo, _ in outcomes] == photos
    for index, (photo, outcome) in enumerate(outcomes):
        if index in (4, 5):
            assert isinstance(outcome, BadImage)
            assert photo.name in str(outcome)
            assert "\n" not in str(outcome)
        else:
            assert outcome.label == LABELS["classes"][index % 3]


def test_files_are_opened_one_by_one(export, tmp_path, monkeypatch):
    opened = []
    red = Image.new("RGB", (1, 1), "red")
    monkeypatch.setattr("sortline.export.classifier.rgb_of", lambda photo, side: opened.append(photo) or red)
    next(predict_files(Classifier(export), [tmp_path / str(index) for index in range(100)]))
    assert len(opened) == 1


def test_missing_files_are_named(tmp_path, export):
    with pytest.raises(UserError, match="labels.json: no such file"):
        Classifier(tmp_path)
    (export / "model.onnx").unlink()
    with pytest.raises(UserError, match="model.onnx: no such file"):
        Classifier(export)


def test_broken_files_are_named_in_one_line(export, capfd):
    model = (export / "model.onnx").read_bytes()
    for damaged in (model[: len(model) // 2], model.replace(b"ReduceMean", b"ReduceMea\xff")):
        (export / "model.onnx").write_bytes(damaged)
        with pytest.raises(UserError, match="model.onnx") as error:
            Classifier(export)
        assert "\n" not in str(error.value)
        assert capfd.readouterr() == ("", "")  # of what ONNX Runtime itself says
    (export / "labels.json").write_text('{"classes": [', encoding="utf-8")
    with pytest.raises(UserError, match="labels.json: not the labels"):
        Classifier(export)


def test_labels_of_another_export_are_refused(export):
    for classes in (LABELS["classes"][::-1], LABELS["classes"][:2]):
        labels = {**LABELS, "classes": classes}
        (export / "labels.json").write_text(json.dumps(labels), encoding="utf-8")
        with pytest.raises(UserError, match="labels.json"):
            Classifier(export)


def test_another_kind_of_model_is_refused(tmp_path):
    export = write_export(tmp_path / "export", colour_model(input_type=TensorProto.FLOAT))
    with pytest.raises(UserError, match="not exported by sortline"):
        Classifier(export)


def loaded(code):
    """Return the top-level modules that are there after `code`."""
    code += "\nimport sys; print(*{name.partition('.')[0] for name in sys.modules})"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_from_python_a_model_is_loaded_by_its_folder_or_task(export, tmp_path, monkeypatch):
    photo = tmp_path / "红.png"
    Image.new("RGB", (4, 4), (200, 40, 10)).save(photo)
    assert sortline.load(export)(photo).label["en"] == sortline.Classifier(export)(str(photo)).label["en"] == "Red"
    (tmp_path / "models" / "colours").mkdir(parents=True)
    export.rename(tmp_path / "models" / "colours" / "export")
    monkeypatch.chdir(tmp_path)
    assert sortline.load("colours")(photo).label["en"] == "Red"
    with pytest.raises(AttributeError, match="nothing"):
        _ = sortline.nothing


def test_what_importing_loads(export):
    """The package alone is quick to import; the exported model needs nothing of the training side."""
    assert not {"numpy", "onnxruntime", "mindspore"} & loaded("import sortline")
    with_model = loaded(f"import sortline; sortline.load({str(export)!r})")
    assert "onnxruntime" in with_model
    assert not {"mindspore", "sklearn", "matplotlib", "onnx", "scipy", "dvc"} & with_model


def test_one_photo_that_the_model_fails_on_does_not_end_the_batch(tmp_path):
    """As one of 4 x 20,000,000 pixels does, which ONNX Runtime cannot resize."""
    model = colour_model()
    model.graph.node[0].input[0] = "kept"
    model.graph.node.insert(0, helper.make_node("Reshape", ["image", "shape"], ["kept"]))
    model.graph.initializer.append(numpy_helper.from_array(np.array([3, 4, 3], np.int64), "shape"))
    export = write_export(tmp_path / "export", model)
    photos = [tmp_path / f"{height}.png" for height in (3, 5, 3)]
    for photo in photos:
        Image.new("RGB", (4, int(photo.stem)), "#0000ff").save(photo)
    found = [outcome for _, outcome in predict_files(Classifier(export), photos)]
    assert found[0] == found[2] and found[0].label["en"] == "Blue"
    assert isinstance(found[1], BadImage) and str(photos[1]) in str(found[1]) and "4 x 5 pixels" in str(found[1])


@pytest.mark.parametrize("where", ["probabilities", "similarity"])
def test_an_answer_that_is_no_number_is_refused(tmp_path, where):
    labels = LABELS | {"unfamiliar_below": 0.5}
    model = colour_model(labels, similarity=True)
    if where == "probabilities":
        model.graph.node[3].input[0] = "damaged"
        model.graph.initializer.append(numpy_helper.from_array(np.full(3, np.nan, np.float32), "damaged"))
    else:
        white = next(one for one in model.graph.initializer if one.name == "white")
        white.CopyFrom(numpy_helper.from_array(np.array(np.nan, np.float32), "white"))
    classifier = Classifier(write_export(tmp_path / "export", model, labels))
    with pytest.raises(UserError, match=f"its {where} are not a number"):
        classifier(Image.new("RGB", (2, 2), "#0000ff"))
