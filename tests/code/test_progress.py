"""What a training shows while it runs: the lines of its log, and that `sortline curves` reads them back."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sortline import cli
from sortline._core.files import read_csv
from sortline.report.training_log import read_log
from sortline.training.loop import Epoch
from sortline.training.progress import Progress, log_of

ROWS = [
    {"train_loss": 1.5, "oof_accuracy": 0.5, "train_accuracy": 0.75},
    {"train_loss": 0.25, "oof_accuracy": 0.8125, "train_accuracy": 0.9375},
]


def epochs(first=1):
    """Two epochs of 5 steps each, the first trained here being `first`: 2 s, then half a second."""
    for number, seconds in ((1, 2.0), (2, 0.5)):
        spent = (seconds, 5) if number >= first else (0, 0)
        yield Epoch(number, np.ones(1), np.ones(1), 0.1 / number, np.zeros(1), *spent)


def show(log, first=1):
    progress = Progress("train", 2, 100, log)
    for epoch, row in zip(progress.watch(epochs(first)), ROWS, strict=False):
        progress.note(epoch, row)
    progress.end()


def test_a_log_is_read_back(tmp_path, capsys):
    log = tmp_path / "logs" / "train.log"
    show(log)
    assert "100 ms a step, 200 samples a second" in capsys.readouterr().out  # without the first, which compiles
    (part,) = read_log(log).parts
    assert list(part.epochs) == [1, 2]
    found = part.epochs[2]
    assert (list(found.losses), found.last_step, found.seconds, found.step_ms) == ([0.25], 5, 0.5, 100)
    assert (found.samples, found.train_accuracy, found.held_accuracy) == (200, 0.9375, 0.8125)


def test_another_training_begins_the_log_anew_and_one_that_goes_on_does_not(tmp_path):
    log = tmp_path / "train.log"
    show(log)
    before = log.read_text("utf-8")
    show(log, first=2)
    assert log.read_text("utf-8").startswith(before) and len(log.read_text("utf-8").splitlines()) == 3
    show(log)
    assert len(log.read_text("utf-8").splitlines()) == 2


def test_without_a_log_nothing_is_said(capsys):
    show(None)
    assert capsys.readouterr().out == ""


def test_curves_of_a_log_of_sortline_s_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    log = log_of("garbage", "train_head")
    show(log)
    assert cli.main(["curves", str(log), "--csv", "t.csv"]) == 0
    out = capsys.readouterr().out
    assert "81.2 % not trained on, 93.8 % on train (+12.5 points on train), epoch 2" in out
    assert "samples a second" in out and "not read" not in out
    row = read_csv(Path("t.csv"))[-1]
    said = [row[key] for key in ("samples_per_second", "train_accuracy", "held_accuracy")]
    assert said == ["200", "0.9375", "0.8125"]
    with Image.open("train_head-curves.png") as picture:
        assert picture.width > 1000 and picture.height > 700  # four panels


def test_curves_of_the_reports_logs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("a.log").write_text(
        "epoch[28/30], iter[81] cost: 2465.107, per step time: 30.433, avg loss: 0.760\n"
        "epoch[29/30], iter[81] cost: 2430.000, per step time: 30.000, avg loss: 0.750\n"
        "train samples per second of cluster: 1183.2\n",
        encoding="utf-8",
    )
    Path("b.log").write_text(
        "epoch: [ 1/100], step:[ 12/ 23], loss:[14.831/9.093], time:[2933.124], lr:[0.030]\n", encoding="utf-8"
    )
    assert cli.main(["curves", "a.log", "b.log", "--csv", "t.csv", "--batch-size", "32"]) == 0
    assert "not read" not in capsys.readouterr().out
    rows = {(row["log"], row["epoch"]): row for row in read_csv(Path("t.csv"))}
    speeds = {key: float(row["samples_per_second"]) for key, row in rows.items()}
    assert speeds == pytest.approx(
        {("a.log", "28"): 32 / 0.030433, ("a.log", "29"): 1183.2, ("b.log", "1"): 32 / 2.933124}, rel=1e-4
    )
