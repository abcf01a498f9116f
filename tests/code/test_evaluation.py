"""The stage evaluate and what it is made of, on six drawn photos and a head whose answers are written down here."""

import runpy
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sortline import evaluation, files, prepared
from sortline.errors import UserError

STAGE = Path(__file__).parents[2] / "stages" / "evaluate.py"
# Photos a, c, d, e are val; the class table has two bins: {cup, can} and {peel}.
SPLIT = [
    ["a.png", 0, "val", "", 0, 0, 0],
    ["b.png", 0, "train", 0, 1, 0, 0],
    ["c.png", 1, "val", "", 2, 1, 0],
    ["d.png", 2, "val", "", 3, 0, 1],
    ["e.png", 0, "val", "", 4, 0, 0],
    ["f.png", 1, "dropped", "", 5, 0, 0],
]
# a right; c right; d taken for a can (another bin), sure of it; e taken for a can (its own bin), less sure.
ANSWERS = {"a": [0.7, 0.2, 0.1], "c": [0.1, 0.8, 0.1], "d": [0.05, 0.9, 0.05], "e": [0.4, 0.5, 0.1]}
BINS = [
    {"id": "dry", "en": "Dry", "zh": "干垃圾", "colour": "#6f7782"},
    {"id": "wet", "en": "Wet", "zh": "湿垃圾", "colour": "#27853b"},
]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Path:
    """A folder with everything evaluate reads; channel i of the mean pooling holds the log-probability of class i."""
    root = tmp_path / "垃圾 分类"
    header = ["image", "label", "split", "fold", "group", "in_train_exact", "in_train_near"]
    files.write_csv(root / "prepared" / "split.csv", header, SPLIT)
    rows = [{"code": f"00_0{i}", "en": en, "zh": "", "bin": b} for i, (en, b) in
            enumerate([("Cup", "dry"), ("Can", "dry"), ("Peel", "wet")])]  # fmt: skip
    files.write_json(root / "prepared" / "classes.json", {"classes": rows, "bins": BINS, "table": "garbage"})
    pooled = np.zeros((6, 2, 2, 3), dtype=np.float32)
    pooled[:, 1] = 99  # an augmented view: never scored
    for place, row in enumerate(SPLIT):
        pooled[place, 0, 0] = np.log(ANSWERS.get(row[0][0], [1 / 3] * 3))
    (root / "features").mkdir()
    np.save(root / "features" / "pooled.npy", pooled)
    files.write_json(root / "features" / "features.json", {"dataset": "0123456789abcdef"})
    files.write_json(root / "data.json", {"dataset": "0123456789abcdef", "duplicate_threshold": 76})
    files.write_json(root / "source.json", {"name": "drawn", "note": ""})
    files.write_text(root / "params.yaml", "tiny:\n  evaluate:\n    sheet_columns: 3\n")
    (root / "raw").mkdir()
    for row in SPLIT:
        Image.new("RGB", (30, 20), (120, 40, 10)).save(root / "raw" / row[0])
    monkeypatch.chdir(root)
    return root


class Head:
    def probabilities(self, pooled: np.ndarray) -> np.ndarray:
        assert pooled.shape == (4, 2, 3) and pooled.dtype == np.float32
        scores = np.exp(pooled[:, 0].astype(float))
        return scores / scores.sum(axis=1, keepdims=True)


def run_stage(monkeypatch) -> int:
    """Run the script as DVC does, with the stand-in head; return its exit code."""
    heads = types.ModuleType("sortline.heads")
    heads.load_head = lambda folder: Head()
    monkeypatch.setitem(sys.modules, "sortline.heads", heads)
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
    assert metrics["duplicate_threshold"] == 76 and "note" not in metrics
    assert {"macro_f1", "log_loss", "ece", "confused_pairs"} <= set(metrics)
    for name in ("accuracy", "accuracy_deduplicated", "top5", "bin_accuracy"):
        assert {f"{name}_low", f"{name}_high"} <= set(metrics)
    assert "50.0% on val" in capsys.readouterr().out


def test_the_stage_writes_tables_and_pictures_the_same_twice(project, monkeypatch):
    run_stage(monkeypatch)
    first = {path.relative_to(project).as_posix(): path.read_bytes() for path in (project / "plots").rglob("*.*")}
    run_stage(monkeypatch)
    assert first == {name: (project / name).read_bytes() for name in first}
    assert sorted(first) == [f"plots/{name}" for name in (
        "confusion.csv", "confusion.png", "per_class.csv", "per_class.png", "photos/wrong.png", "predictions.csv",
        "reliability.csv", "reliability.png", "wrong.csv")]  # fmt: skip


def test_tables(project, monkeypatch):
    run_stage(monkeypatch)
    predictions = files.read_csv(project / "plots" / "predictions.csv")
    assert [row["image"] for row in predictions] == ["a.png", "c.png", "d.png", "e.png"]
    assert predictions[1] == {"image": "c.png", "truth": "Can", "predicted": "Can", "probability": "0.8000",
                              "correct": "1", "in_train_exact": "1", "in_train_near": "0"}  # fmt: skip
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
    val = prepared.read_val(project / "prepared" / "split.csv")
    answers = evaluation.Answers(val, classes, np.array(list(ANSWERS.values())))
    sheet = evaluation.wrong_sheet(answers, project / "raw", "tiny", columns=3, limit=5)
    colours = {colour for _, colour in sheet.getcolors(maxcolors=1 << 20)}
    assert (0x6F, 0x77, 0x82) in colours and (0x27, 0x85, 0x3B) not in colours  # both were taken for a dry thing
    one = evaluation.wrong_sheet(answers, project / "raw", "tiny", columns=3, limit=1)
    assert one.tobytes() != sheet.tobytes()


def test_a_sheet_without_errors_needs_no_photo(project):
    classes = prepared.read_classes(project / "prepared" / "classes.json")
    val = prepared.read_val(project / "prepared" / "split.csv")
    right = evaluation.Answers(val, classes, np.eye(3)[val.labels])
    assert evaluation.wrong_sheet(right, project / "nowhere", "tiny", columns=3, limit=5).height < 60


def test_a_task_without_bins(project, monkeypatch):
    rows = [{"code": name, "en": name, "zh": "", "bin": ""} for name in ("0", "1", "塑料瓶")]
    files.write_json(project / "prepared" / "classes.json", {"classes": rows, "bins": [], "table": None})
    assert run_stage(monkeypatch) == 0
    metrics = files.read_json(project / "metrics" / "evaluate.json")
    assert not any("bin" in key for key in metrics)
    assert "塑料瓶" in metrics["per_class"]


def test_features_of_other_photos_are_refused(project, monkeypatch, capsys):
    files.write_json(project / "features" / "features.json", {"dataset": "another"})
    assert run_stage(monkeypatch) == 2
    assert "run the stage extract again" in capsys.readouterr().err
    files.write_json(project / "features" / "features.json", {"dataset": "0123456789abcdef"})
    np.save(project / "features" / "pooled.npy", np.zeros((5, 2, 2, 3), dtype=np.float32))
    assert run_stage(monkeypatch) == 2


def test_an_empty_val_is_one_line(tmp_path):
    files.write_csv(tmp_path / "split.csv", ["image", "label", "split"], [["a.png", 0, "train"]])
    with pytest.raises(UserError, match="no photo in val"):
        prepared.read_val(tmp_path / "split.csv")


def test_importing_it_loads_no_mindspore():
    import subprocess

    code = "import sys, sortline.evaluation; sys.exit('mindspore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
