"""A report replayed: what its checks find, what its runs give as they were and as they should be, `sortline replay`."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_progress import show

from sortline import cli
from sortline._core import files
from sortline._core.errors import UserError
from sortline.config.replay import Report, read_report
from sortline.config.training import TrainHeadParams
from sortline.data.handwriting import SIDE
from sortline.data.prepared import read_classes
from sortline.evaluation.claims import CHECKS, Seen, check
from sortline.library.replay import Place, replay
from sortline.report import replayed
from sortline.training import heads

ROOT = Path(__file__).parents[2]
SMOOTHED = 0.533  # nats: the minimum for smoothing 0.1 over 9 classes


def found(report, **seen):
    return {one.check: one.found for one in check(Report(title="x", **report), Seen(**seen))}


def test_what_a_report_does_not_say_is_unknown():
    assert found({}) == dict.fromkeys(CHECKS, "unknown")


@pytest.mark.parametrize(
    ("report", "seen", "name", "expected"),
    [
        ({"chosen_on": "test"}, {}, "selection on the test set", "yes"),
        ({"chosen_on": "val"}, {}, "selection on the test set", "no"),
        ({"split": "none"}, {}, "photos in both parts", "yes"),
        ({"split": "scene"}, {}, "photos in both parts", "no"),
        ({"split": "photo"}, {"in_both": 3, "held": 9}, "photos in both parts", "yes"),
        ({"split": "photo"}, {"in_both": 0, "held": 9}, "photos in both parts", "no"),
        ({"split": "photo"}, {}, "photos in both parts", "unknown"),
        ({}, {"in_both": 3, "held": 9}, "photos in both parts", "unknown"),
        ({"drops_remainder": True, "held_n": 260, "batch_size": 32}, {}, "samples dropped by batching", "yes"),
        ({"drops_remainder": True, "held_n": 256, "batch_size": 32}, {}, "samples dropped by batching", "no"),
        ({"drops_remainder": True}, {}, "samples dropped by batching", "unknown"),
        ({"drops_remainder": False}, {}, "samples dropped by batching", "no"),
        ({"train_n": 6714, "batch_size": 32}, {"steps": 18810}, "repeats inside epochs", "yes"),
        ({"train_n": 6714, "batch_size": 32}, {"steps": 209}, "repeats inside epochs", "no"),
        ({"train_n": 6714, "batch_size": 32, "steps": 210}, {}, "repeats inside epochs", "no"),
        ({"train_n": 6714}, {"steps": 18810}, "repeats inside epochs", "yes"),  # whatever the batch size
        ({"train_n": 6714}, {"steps": 209}, "repeats inside epochs", "unknown"),
        ({"label_smoothing": 0.1}, {"minimum": SMOOTHED, "lowest_loss": 0.2}, "smoothing that is inactive", "yes"),
        ({"label_smoothing": 0.1}, {"minimum": SMOOTHED, "lowest_loss": 0.7}, "smoothing that is inactive", "unknown"),
        ({"label_smoothing": 0.1}, {"minimum": SMOOTHED}, "smoothing that is inactive", "unknown"),
        ({"label_smoothing": 0.0}, {"minimum": 0.0}, "smoothing that is inactive", "no"),
        ({"net_ends_in": "softmax"}, {}, "softmax twice", "yes"),
        ({"net_ends_in": "logits"}, {}, "softmax twice", "no"),
        ({"tested_by": "sampling"}, {}, "testing by sampling", "yes"),
        ({"tested_by": "argmax"}, {}, "testing by sampling", "no"),
        ({"classes": 26}, {"losses": [14.8, 9.1]}, "a rate that diverges", "yes"),  # ln 26 is 3.26
        ({"classes": 26}, {"losses": [3.2, 1.0]}, "a rate that diverges", "no"),
        ({"classes": 26}, {"losses": [3.2, 1.0], "not_finite": 1}, "a rate that diverges", "yes"),
        ({}, {"runs": {"a": {"was": {"diverged": "NaN"}, "curves": {"loss": []}}}}, "a rate that diverges", "yes"),
        ({"classes": 9}, {"runs": {"a": {"was": {}, "curves": {"loss": [7.9]}}}}, "a rate that diverges", "yes"),
        ({"classes": 9}, {"runs": {"a": {"was": {}, "curves": {"loss": [2.1]}}}}, "a rate that diverges", "no"),
    ],
)
def test_each_check(report, seen, name, expected):
    assert found(report, **seen)[name] == expected


def test_the_mushrooms_epochs_are_90_passes_each():
    report = read_report(ROOT / "studies/reports/mushrooms.yaml")
    told = {one.check: one for one in replayed.findings(report, {}, None)}
    assert "90 passes" in told["repeats inside epochs"].why
    smoothing = told["smoothing that is inactive"].why
    assert "0.780" in smoothing and "0.533" in smoothing  # 0.9 ln(1 / 0.9) + 0.1 ln(80)


@pytest.mark.parametrize(("lines", "expected"), [
    (["epoch: 1 step: 1, loss is 2.1", "epoch: 1 step: 2, loss is nan"], "yes"),
    (["epoch: 1 step: 1, loss is 2.1", "epoch: 2 step: 1, loss is inf"], "yes"),
    (["epoch: 1 step: 1, loss is nan"], "yes"),
    (["epoch: 1 step: 1, loss is 2.1"], "no"),
])  # fmt: skip
def test_a_log_with_a_loss_that_is_no_number_tells_of_a_rate_that_diverges(lines, expected):
    told = replayed.findings(Report(title="x", classes=26, log=lines), {}, None)
    assert {one.check: one.found for one in told}["a rate that diverges"] == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title: x\nlearning_rate: 3\n", "learning_rate"),
        ("claims: nothing\n", "title"),
        ("title: x\nruns: {a: {says: {accuracy: 0.9}}}\n", "train_head, train"),
        ("title: x\nruns: {a: {train_head: {lr: fast}}}\n", "lr"),
        ("title: x\nruns: {a: {train_head: {}, instead: {epoch: 3}}}\n", "epoch"),
        ("title: x\nchosen_on: luck\n", "chosen_on"),
        ("- 1\n", "x.yaml"),
    ],
)
def test_a_mistake_in_a_report_is_one_line(tmp_path, text, said):
    (tmp_path / "x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=said) as caught:
        read_report(tmp_path / "x.yaml")
    assert "\n" not in str(caught.value)


def test_a_report_that_is_not_there_is_one_line(tmp_path):
    with pytest.raises(UserError, match="none.yaml: no such file"):
        read_report(tmp_path / "none.yaml")


def test_the_studys_reports_are_valid_and_their_cuts_are_of_keys_that_they_have():
    for path in sorted((ROOT / "studies/reports").glob("*.yaml")):
        if path.stem not in ("params", "dvc"):
            report = read_report(path)
            assert report.runs and report.claims
            for run in report.runs.values():
                assert run.cut.keys() <= (run.train_head or run.train).keys()


# ---- runs, on features where a photo's copies tell its label and nothing else does


@pytest.fixture
def place(tmp_path):
    """60 scenes of 4 copies in 3 classes: the features are the scene's own, so that a new scene is a guess."""
    random = np.random.default_rng(0)
    scenes = np.repeat(np.arange(60), 4)
    labels, folds, photo_folds = scenes % 3, scenes % 5, np.arange(240) % 5
    rows = [
        [f"{i:03d}.png", labels[i], "train", folds[i], photo_folds[i], scenes[i], 0, 0] for i in range(240)
    ]  # fmt: skip
    header = ["image", "label", "split", "fold", "photo_fold", "scene", "in_train_exact", "in_train_near"]
    files.write_csv(tmp_path / "prepared" / "split.csv", header, rows)
    names = [{"code": str(i), "en": name, "zh": "", "bin": ""} for i, name in enumerate(("Cup", "Can", "Peel"))]
    files.write_json(tmp_path / "prepared" / "classes.json", {"classes": names, "bins": [], "table": None})
    own = random.normal(size=(60, 200))[scenes] + random.normal(scale=0.05, size=(240, 200))
    (tmp_path / "features").mkdir()
    pooled = np.repeat(own[:, None, None].astype(np.float32), 2, 2)
    np.save(tmp_path / "features" / "pooled.npy", pooled)
    files.write_json(tmp_path / "features" / "features.json", {"dataset": "0123456789abcdef", "views": 1})
    return Place(tmp_path / "prepared", tmp_path / "features", tmp_path / "weights", tmp_path)


HEAD = {"lr": 0.3, "epochs": 6, "batch_size": 32, "weight_decay": 0.0, "warmup_epochs": 0.0, "schedule": "constant"}


@pytest.mark.usefixtures("graph_mode")
def test_a_figure_that_is_recall_of_copies_is_gone_on_new_scenes(place):
    report = Report(title="x", split="photo", chosen_on="test", batch_size=32, drops_remainder=True,
                    runs={"head": {"train_head": HEAD, "instead": {"epochs": 12}, "cut": {"epochs": 5}}})  # fmt: skip
    result = replay(report, place)["head"]
    was, should = result["was"], result["should"]
    assert was["accuracy"] > 0.95 and was["n"] == 224  # whole batches of 32 out of 240
    assert was["new_scenes"] < 0.6 and should["accuracy"] < 0.6
    assert was["new_scenes_low"] < was["new_scenes"] < was["new_scenes_high"] and was["new_scenes_n"] == 240
    assert (should["n"], should["scenes"]) == (240, 60) and should["low"] < should["accuracy"] < should["high"]
    curve = result["curves"]["was"]
    assert (len(curve), len(result["curves"]["should"])) == (5, 12)
    assert was["epoch"] == int(np.argmax(curve)) + 1 and was["best_epoch"] == max(curve)
    told = {one.check: one for one in replayed.findings(report, {"head": result}, place.prepared / "split.csv")}
    assert told["photos in both parts"].found == "yes" and "240 of 240" in told["photos in both parts"].why


@pytest.mark.usefixtures("graph_mode")
def test_a_rate_that_diverges_is_a_finding_and_no_failure(place):
    report = Report(title="x", classes=3, runs={"head": {"train_head": {**HEAD, "lr": 100, "momentum": 0.99,
                    "weight_decay": 10.0, "epochs": 40}, "instead": HEAD | {"weight_decay": 0.0}}})  # fmt: skip
    result = replay(report, place)
    assert "diverged" in result["head"]["was"]["diverged"] and result["head"]["should"]["n"] == 240
    told = {one.check: one.found for one in replayed.findings(report, result, None)}
    assert told["a rate that diverges"] == "yes"
    assert "none: training diverged" in "\n".join(replayed.describe(report, check(report, Seen()), result))


@pytest.mark.usefixtures("graph_mode")
def test_a_heads_targets_are_those_of_the_stage(place, monkeypatch):
    rows = files.read_csv(place.prepared / "split.csv")
    uneven = [row | {"label": 0 if i < 120 else row["label"]} for i, row in enumerate(rows)]
    files.write_csv(place.prepared / "split.csv", list(rows[0]), [list(row.values()) for row in uneven])
    learned, epochs = [], heads.epochs
    monkeypatch.setattr(heads, "epochs", lambda rows, *a, **k: learned.append(a[0]) or epochs(rows, *a, **k))
    settings = HEAD | {"class_weights": "balanced", "label_smoothing": 0.1, "epochs": 1}
    replay(Report(title="x", split="scene", runs={"head": {"train_head": settings}}), place)
    params, classes = TrainHeadParams(**settings), read_classes(place.prepared / "classes.json")
    heads.train_by_steps(heads.read(uneven, classes, place.features, params), params)
    assert np.array_equal(learned[0], learned[-1]) and np.ptp(learned[0].sum(1)) > 1


@pytest.mark.usefixtures("graph_mode")
def test_a_draw_from_a_heads_logits_is_of_their_softmax_whatever_else_ends_in_softmax(place):
    runs = {"head": {"train_head": HEAD | {"epochs": 1}}}
    drawn = [
        replay(Report(title="x", split="scene", tested_by="sampling", net_ends_in=end, runs=runs), place)["head"]["was"]
        for end in ("logits", "softmax")
    ]
    assert drawn[0] == drawn[1] and 0 < drawn[0]["accuracy"] < 1


@pytest.mark.parametrize(("report", "settings", "said"), [
    ({"split": "none"}, {}, "head.*folds"),
    ({}, {"patience": 3}, "patience"),
    ({}, {"init_from": "old.safetensors"}, "init_from"),
    ({}, {"optimizer": "lbfgs"}, "lbfgs"),
])  # fmt: skip
def test_what_cannot_be_replayed_is_refused_before_anything_runs(place, report, settings, said):
    runs = {"fine": {"train_head": HEAD}, "head": {"train_head": HEAD, "instead": settings}}
    with pytest.raises(UserError, match=said) as caught:
        replay(Report(title="x", runs=runs, **report), place, place.prepared / "runs")
    assert "\n" not in str(caught.value) and not (place.prepared / "runs").exists()


def test_a_head_needs_folds(digits):
    with pytest.raises(UserError, match="head.*folds"):
        replay(Report(title="x", runs={"head": {"train_head": HEAD}}), digits)


@pytest.fixture
def digits(tmp_path):
    """Pictures of 28 pixels that a dense net tells apart: one of three thirds is bright. No folds, a val part."""
    random = np.random.default_rng(1)
    labels = np.arange(120) % 3
    pixels = random.integers(0, 60, (120, SIDE, SIDE), np.uint8)
    for picture, label in zip(pixels, labels, strict=True):
        picture[9 * label : 9 * label + 9] += 120
    rows = [[f"{i:03d}", label, "train" if i < 90 else "val", "", "", i, 0, 0] for i, label in enumerate(labels)]
    header = ["image", "label", "split", "fold", "photo_fold", "scene", "in_train_exact", "in_train_near"]
    files.write_csv(tmp_path / "prepared" / "split.csv", header, rows)
    names = [{"code": str(i), "en": str(i), "zh": "", "bin": ""} for i in range(3)]
    files.write_json(tmp_path / "prepared" / "classes.json", {"classes": names, "bins": [], "table": None})
    (tmp_path / "features").mkdir()
    np.save(tmp_path / "features" / "pixels.npy", pixels)
    about = {"dataset": "0123456789abcdef", "channels": 1, "image_size": SIDE, "count": 120}
    files.write_json(tmp_path / "features" / "features.json", about)
    return Place(tmp_path / "prepared", tmp_path / "features", tmp_path / "weights", tmp_path)


def test_softmax_in_the_net_and_a_draw_from_it_are_run_as_the_report_had_them(digits):
    train = {"net": "dense", "lr": 0.05, "epochs": 3, "batch_size": 16, "checkpoint": "last"}
    report = Report(title="x", net_ends_in="softmax", tested_by="sampling", photos=64, held=24,
                    runs={"net": {"train": train}})  # fmt: skip
    result = replay(report, digits)["net"]
    was, should = result["was"], result["should"]
    assert was["n"] == should["n"] == 24 and should["accuracy"] > 0.9
    # What a draw scores on average is never above the most probable class, but for a tie.
    assert was["accuracy"] < was["by_argmax"] <= 1
    # Cross-entropy over probabilities of 3 classes lies between these, whatever the net.
    lowest, highest = np.log(np.exp(1) + 2) - 1, np.log(np.exp(1) + 2)
    assert all(lowest - 1e-3 < loss < highest + 1e-3 for loss in result["curves"]["loss"])
    assert min(result["curves"]["should_loss"]) < lowest


def test_scored_on_the_photos_it_was_trained_on(digits):
    train = {"net": "dense", "lr": 0.05, "epochs": 2, "batch_size": 16, "checkpoint": "last"}
    result = replay(Report(title="x", split="none", runs={"net": {"train": train}}), digits)["net"]
    assert (result["was"]["n"], result["should"]["n"]) == (90, 30)


# ---- the command


def test_any_log_can_be_given(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("train.log").write_text("epoch: 1 step: 9, loss is 2.5\nepoch: 2 step: 9, loss is 1.5\n", encoding="utf-8")
    assert cli.main(["replay", "train.log"]) == 0
    out = capsys.readouterr().out
    assert out.count("unknown") == len(CHECKS) - 1 and "no       a rate that diverges" in out
    show(Path("own.log"))
    capsys.readouterr()
    assert cli.main(["replay", "own.log", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"]["softmax twice"]["found"] == "unknown"


@pytest.mark.usefixtures("graph_mode")
def test_the_command_checks_runs_and_draws(place, monkeypatch, capsys):
    root = place.prepared.parent
    monkeypatch.chdir(root)
    for kind in ("prepared", "features"):
        (root / "data" / kind).mkdir(parents=True)
        (root / kind).rename(root / "data" / kind / "toy")
    Path("params.yaml").write_text("toy: {}\n", encoding="utf-8")
    run = {"says": {"accuracy": 0.9, "n": 60}, "train_head": HEAD, "cut": {"epochs": 2}}
    files.write_json(Path("report.yaml"), {"title": "A report", "task": "toy", "split": "photo", "runs": {"head": run}})
    assert cli.main(["replay", "report.yaml", "--checks"]) == 0
    assert "240 of 240" in (checked := capsys.readouterr().out) and "as it was" not in checked
    assert cli.main(["replay", "report.yaml", "--picture", "replayed.png"]) == 0
    out = capsys.readouterr().out
    assert "90.0 %, n = 60" in out and "epochs 6 to 2" in out and "as it should be" in out
    with Image.open("replayed.png") as picture:
        assert picture.width > 300
    files.write_json(Path("report.yaml"), {"title": "A report", "task": "none", "runs": {"head": run}})
    with pytest.raises(UserError, match="no task 'none'"):
        cli.main(["replay", "report.yaml"])
