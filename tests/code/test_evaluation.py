"""The stage evaluate and what it is made of, on six drawn photos and a head whose predictions are written down here."""

import runpy
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from sortline import predictor
from sortline._core import files
from sortline._core.errors import UserError
from sortline.data import prepared
from sortline.evaluation.predictions import Predictions
from sortline.features import similarity
from sortline.features.heads import Head, save_heads
from sortline.report import evaluation
from sortline.report.evaluation import wrong_sheet

STAGE = Path(__file__).parents[2] / "stages" / "evaluate.py"
# Photos a, c, d, e are val; the class table has two bins: {cup, can} and {peel}.
SPLIT = [
    ["a.png", 0, "val", "", "", 0, 0, 0],
    ["b.png", 0, "train", 0, 0, 1, 0, 0],
    ["c.png", 1, "val", "", "", 2, 1, 0],
    ["d.png", 2, "val", "", "", 3, 0, 1],
    ["e.png", 0, "val", "", "", 4, 0, 0],
    ["f.png", 1, "dropped", "", "", 5, 0, 0],
]
# a right; c right; d taken for a can (another bin), sure of it; e taken for a can (its own bin), less sure.
HEAD = Head(np.eye(3, dtype=np.float32), np.zeros(3, np.float32), "mean")
PREDICTED = {"a": [0.7, 0.2, 0.1], "c": [0.1, 0.8, 0.1], "d": [0.05, 0.9, 0.05], "e": [0.4, 0.5, 0.1]}
BINS = [
    {"id": "dry", "en": "Dry", "zh": "干垃圾", "colour": "#6f7782"},
    {"id": "wet", "en": "Wet", "zh": "湿垃圾", "colour": "#27853b"},
]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder with everything evaluate reads; channel i of the mean pooling holds the log-probability of class i."""
    root = tmp_path / "垃圾 分类"
    header = ["image", "label", "split", "fold", "photo_fold", "scene", "in_train_exact", "in_train_near"]
    files.write_csv(root / "prepared" / "split.csv", header, SPLIT)
    rows = [{"code": f"00_0{i}", "en": en, "zh": "", "bin": b} for i, (en, b) in
            enumerate([("Cup", "dry"), ("Can", "dry"), ("Peel", "wet")])]  # fmt: skip
    files.write_json(root / "prepared" / "classes.json", {"classes": rows, "bins": BINS, "table": "garbage"})
    pooled = np.zeros((6, 2, 2, 3), dtype=np.float32)
    pooled[:, 1] = 99  # an augmented view: never scored
    for place, row in enumerate(SPLIT):
        pooled[place, 0, 0] = np.log(PREDICTED.get(row[0][0], [1 / 3] * 3))
    (root / "features").mkdir()
    np.save(root / "features" / "pooled.npy", pooled)
    about = {"dataset": "0123456789abcdef", "image_size": 64, "backbone": {"mean": [0, 0, 0], "std": [1, 1, 1]}}
    files.write_json(root / "features" / "features.json", about)
    backbone(root / "features" / "backbone.onnx")
    (root / "head").mkdir()
    save_heads(root / "head", {"last": HEAD}, {"checkpoint": "last", "threshold": 0.6})
    # Trained on two photos like c and d, and one like nothing here.
    similarity.fit(np.log(np.array([PREDICTED["c"], PREDICTED["d"], [0.98, 0.01, 0.01]], np.float32))).write(
        root / "head" / "reference.safetensors"
    )
    files.write_json(root / "data.json", {"dataset": "0123456789abcdef", "duplicate_search": "geometry"})
    files.write_json(root / "source.json", {"name": "drawn", "note": ""})
    files.write_text(root / "params.yaml", "tiny:\n  evaluate:\n    sheet_columns: 3\n")
    (root / "raw").mkdir()
    for row in SPLIT:
        Image.new("RGB", (30, 20), (120, 40, 10)).save(root / "raw" / row[0])
    monkeypatch.chdir(root)
    return root


def backbone(path: Path) -> None:
    """Write a backbone whose map is its input, every 16 pixels."""
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 3, None, None]) for name in ("x", "map")]
    node = helper.make_node("AveragePool", ["x"], ["map"], kernel_shape=[16, 16], strides=[16, 16])
    graph = helper.make_graph([node], "tiny", values[:1], values[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def run_stage(monkeypatch) -> int:
    """Run the script as DVC does; return its exit code."""
    words = "evaluate tiny --prepared prepared --features features --head head --raw raw --source source.json"
    words += " --data data.json --metrics metrics/evaluate.json --plots plots"
    monkeypatch.setattr(sys, "argv", words.split())
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(STAGE), run_name="__main__")
    return ended.value.code


def test_the_stage_writes_its_metrics(project, monkeypatch, capsys):
    assert run_stage(monkeypatch) == 0
    metrics = files.read_json(project / "metrics" / "evaluate.json")
    assert metrics["accuracy"] == 0.5 and metrics["n"] == 4
    assert metrics["accuracy_deduplicated"] == 0.5 and metrics["n_deduplicated"] == 2  # a right, e wrong
    assert metrics["bin_accuracy"] == 0.75 and metrics["top5"] == 1.0
    assert metrics["per_bin"]["wet"]["n"] == 1 and metrics["per_class"]["Cup"]["accuracy"] == 0.5
    assert metrics["dataset"] == "0123456789abcdef" and metrics["source"] == "drawn" and metrics["split"] == "val"
    assert metrics["duplicate_search"] == "geometry" and "note" not in metrics
    assert {"macro_f1", "log_loss", "ece", "confused_pairs"} <= set(metrics)
    assert metrics["threshold"] == 0.6 and metrics["answered"] == 0.75 and metrics["answered_n"] == 3  # all but e
    assert metrics["answered_accuracy"] == pytest.approx(2 / 3, abs=5e-5)
    for name in ("accuracy", "accuracy_deduplicated", "top5", "bin_accuracy"):
        assert {f"{name}_low", f"{name}_high"} <= set(metrics)
    assert "50.0% on val" in capsys.readouterr().out


def test_the_stage_writes_tables_and_pictures_the_same_twice(project, monkeypatch):
    run_stage(monkeypatch)
    first = {path.relative_to(project).as_posix(): path.read_bytes() for path in (project / "plots").rglob("*.*")}
    run_stage(monkeypatch)
    assert first == {name: (project / name).read_bytes() for name in first}
    assert sorted(first) == [f"plots/{name}" for name in (
        "confusion.csv", "confusion.png", "novelty.csv", "novelty.png", "per_class.csv", "per_class.png",
        "photos/predictions.png", "photos/wrong.png", "predictions.csv", "reliability.csv", "reliability.png",
        "wrong.csv")]  # fmt: skip


def test_tables(project, monkeypatch):
    run_stage(monkeypatch)
    predictions = files.read_csv(project / "plots" / "predictions.csv")
    assert [row["image"] for row in predictions] == ["a.png", "c.png", "d.png", "e.png"]
    assert predictions[1] == {"image": "c.png", "truth": "Can", "predicted": "Can", "probability": "0.8000",
                              "correct": "1", "in_train_exact": "1", "in_train_near": "0",
                              "similarity": "1.0000", "scene": "2"}  # fmt: skip
    assert float(predictions[0]["similarity"]) < 0.999  # a is unlike what was trained on
    wrong = files.read_csv(project / "plots" / "wrong.csv")
    assert [(row["image"], row["truth"], row["predicted"]) for row in wrong] == [
        ("d.png", "Peel", "Can"),  # the most confident error first
        ("e.png", "Cup", "Can"),
    ]
    assert wrong[1]["truth_probability"] == "0.4000"
    confusion = files.read_csv(project / "plots" / "confusion.csv")
    assert [(row["actual"], row["predicted"]) for row in confusion] == [
        ("Cup", "Cup"), ("Can", "Can"), ("Peel", "Can"), ("Cup", "Can")]  # fmt: skip


def test_a_note_is_loud(project, monkeypatch, capsys):
    quiet = run_stage(monkeypatch), (project / "plots" / "confusion.png").read_bytes()
    files.write_json(project / "source.json", {"name": "drawn", "note": "built-in sample: proves the pipeline"})
    assert run_stage(monkeypatch) == 0
    assert files.read_json(project / "metrics" / "evaluate.json")["note"] == "built-in sample: proves the pipeline"
    assert "NOTE: built-in sample" in capsys.readouterr().out
    assert (project / "plots" / "confusion.png").read_bytes() != quiet[1]


def test_wrong_photos_are_framed_in_the_predicted_bins_colour(project):
    classes = prepared.read_classes(project / "prepared" / "classes.json")
    val = prepared.read_part(project / "prepared" / "split.csv")
    found = Predictions(val, classes, np.array(list(PREDICTED.values())))
    model = predictor.load(Path("head"), Path("features"))
    sheet = wrong_sheet(found, project / "raw", "tiny", columns=3, limit=5, predictor=model)
    colours = {colour for _, colour in sheet.getcolors(maxcolors=1 << 20)}
    assert (0x6F, 0x77, 0x82) in colours and (0x27, 0x85, 0x3B) not in colours  # both were taken for a dry thing
    one = wrong_sheet(found, project / "raw", "tiny", columns=3, limit=1, predictor=model)
    assert one.tobytes() != sheet.tobytes()


def test_a_sheet_decodes_a_large_photo_no_further_than_it_shows_it(project, monkeypatch):
    """Of more than 4 megapixels."""
    classes = prepared.read_classes(project / "prepared" / "classes.json")
    val = prepared.read_part(project / "prepared" / "split.csv")
    found = Predictions(val, classes, np.array(list(PREDICTED.values())))
    rows, columns = np.mgrid[:1950, :2600]
    waves = np.stack([np.sin(rows / 300), np.cos(columns / 200), np.sin((rows + columns) / 250)], -1)
    Image.fromarray(np.uint8(128 + 100 * waves)).save(project / "raw" / "large.jpg", quality=95)
    tiles = []
    monkeypatch.setattr(evaluation, "contact_sheet", lambda found, *rest: tiles.extend(found))
    val.images[2] = "large.jpg"
    evaluation.predictions_sheet(found, project / "raw", "tiny", columns=3, limit=5)
    whole, shown = Image.open(project / "raw" / "large.jpg"), tiles[2].image
    assert 2 * 160 <= min(shown.size) < min(whole.size) / 2
    small = [np.asarray(one.resize((160, 120)), float) for one in (whole, shown)]
    assert np.abs(small[0] - small[1]).mean() < 1


def test_a_sheet_without_errors_needs_no_photo(project):
    classes = prepared.read_classes(project / "prepared" / "classes.json")
    val = prepared.read_part(project / "prepared" / "split.csv")
    correct = Predictions(val, classes, np.eye(3)[val.labels])
    sheet = wrong_sheet(correct, project / "nowhere", "tiny", columns=3, limit=5, predictor=None)
    assert sheet.height < 60


def test_a_task_without_bins(project, monkeypatch):
    rows = [{"code": name, "en": name, "zh": "", "bin": ""} for name in ("0", "1", "塑料瓶")]
    files.write_json(project / "prepared" / "classes.json", {"classes": rows, "bins": [], "table": None})
    assert run_stage(monkeypatch) == 0
    metrics = files.read_json(project / "metrics" / "evaluate.json")
    assert not any("bin" in key for key in metrics)
    assert "塑料瓶" in metrics["per_class"]


def test_features_of_other_photos_are_refused(project, monkeypatch, capsys):
    files.write_json(project / "features" / "features.json", {"dataset": "another", "image_size": 64})
    assert run_stage(monkeypatch) == 2
    assert "expected 6 photos of 0123456789abcdef; run `dvc repro` again" in capsys.readouterr().err
    files.write_json(project / "features" / "features.json", {"dataset": "0123456789abcdef", "image_size": 64})
    np.save(project / "features" / "pooled.npy", np.zeros((5, 2, 2, 3), dtype=np.float32))
    assert run_stage(monkeypatch) == 2


def test_an_empty_val_is_one_line(tmp_path):
    files.write_csv(tmp_path / "split.csv", ["image", "label", "split", "fold"], [["a.png", 0, "train", 0]])
    with pytest.raises(UserError, match="no photo in val"):
        prepared.read_part(tmp_path / "split.csv")
