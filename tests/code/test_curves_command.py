"""`sortline curves`: what is said of a training log, the floor of its loss with it, and what is drawn."""

import csv
from pathlib import Path

import pytest
from PIL import Image
from scipy.stats import entropy
from test_training_log import TWO, log

from sortline import cli
from sortline._core.errors import UserError
from sortline._core.files import write_json
from sortline.report.log_report import describe
from sortline.training.targets import smoothing_minimum


@pytest.mark.parametrize(("classes", "smoothing"), [(26, 0.1), (9, 0.1), (2, 0.3), (10, 0.0)])
def test_floor_is_the_entropy_of_the_targets(classes, smoothing):
    targets = [1 - smoothing, *[smoothing / (classes - 1)] * (classes - 1)]
    assert smoothing_minimum(classes, smoothing) == pytest.approx(entropy(targets))


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ("0.648", "no loss is below it"),
        ("0.6465", "no loss is below it"),  # half precision
        ("0.640", "label smoothing is not active in this loss, unless it is spread over all classes"),
        ("0.12", "first below it in epoch 3, lowest 0.12: label smoothing is not active in this loss"),
    ],
)
def test_a_loss_below_the_floor(loss, said):
    found = log(TWO + f"epoch: 3 step: 5, loss is {loss}")
    words = "\n".join(describe("x", found, 0.1, 26))
    assert "0.647 is the minimum loss that smoothing 0.1 over 26 classes allows" in words
    assert said in words
    assert said.endswith("all classes") == ("nn.CrossEntropyLoss (minimum 0.626)" in words)
    assert "minimum loss" not in "\n".join(describe("x", found))


def test_more_steps_than_photos_are_pointed_out():
    found = log("epoch: 1 step: 18810, loss is 0.78")
    assert "passes over them 3 times or more" in "\n".join(describe("x", found, photos=6714))
    assert "repeat" not in "\n".join(describe("x", found, photos=18810))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("train.log").write_text(TWO, encoding="utf-8")
    return tmp_path


def test_command_draws_and_says(folder, capsys):
    text = TWO + "epoch: 3 step: 5, loss is nan\nepoch: 1 step: 5, loss is 0.5\nwhat\n"
    Path("train.log").write_text(text, encoding="utf-8")
    assert cli.main(["curves", "train.log", "--smoothing", "0.1", "--classes", "26", "--csv", "out/t.csv"]) == 0
    out = capsys.readouterr().out
    for said in (
        "train.log: 3 epochs (1 to 3), 5 steps each\n",
        "2 (epoch 1) to 0.5 (epoch 1), lowest 0.5 (epoch 1); the one printed in each epoch\n",
        "0.009 s an epoch (median; 0.008 s to 0.01 s), 0.018 s in all\n",
        "part 2      line 6 goes back to epoch 1 after epoch 3",
        "not finite  epoch 3: 1 loss nan or inf, first at step 5 (line 5)\n",
        "first below it in epoch 1, lowest 0.5",
        "1 line, the first:\n              line 7: what\n",
    ):
        assert said in out
    with Image.open("train-curves.png") as picture:
        assert min(picture.size) > 300
    with Path("out/t.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["part"], row["epoch"], row["loss_mean"]) for row in rows] == [
        ("1", "1", "2"), ("1", "2", "1"), ("1", "3", ""), ("2", "1", "0.5"),
    ]  # fmt: skip
    assert (rows[0]["seconds"], rows[2]["not_finite"], rows[3]["seconds"]) == ("0.01", "1", "")


def test_lines_that_are_not_read_are_named_those_much_like_a_loss_first(folder, capsys):
    Path("train.log").write_text(TWO + "what\nepoch: 3 step: 5, loss is about 2\nwhy\n", encoding="utf-8")
    cli.main(["curves", "train.log"])
    said = [line.strip() for line in capsys.readouterr().out.splitlines()]
    first = said.index("not read    3 lines, 1 of them much like a loss or a time, the first:")
    assert [line.split(":")[0] for line in said[first + 1 : first + 4]] == ["line 6", "line 5", "line 7"]


def test_command_goes_on_with_the_logs_that_can_be_read(folder, capsys):
    Path("空.log").write_bytes(b"")
    Path("二.log").write_text("Train epoch time: 5.0 ms\n", encoding="utf-8")
    assert cli.main(["curves", "空.log", "train.log", "二.log", "gone.log", "--out", "both.png"]) == 1
    out, err = capsys.readouterr()
    assert len(err.splitlines()) == 2
    assert "log 2 in the figure is 二.log" in out
    assert "loss        none in this log" in out
    assert Path("both.png").is_file()


def test_command_is_quiet_about_its_only_log_and_the_same_twice(folder):
    Path("other.log").write_text(TWO, encoding="utf-8")
    assert cli.main(["curves", "train.log", "--out", "a.png"]) == 0
    assert cli.main(["curves", "train.log", "train.log", "--out", "b.png"]) == 0
    assert cli.main(["curves", "train.log", "other.log", "--out", "c.png"]) == 0
    first, second, third = (Path(name).read_bytes() for name in ("a.png", "b.png", "c.png"))
    assert first == second != third


def test_command_takes_smoothing_and_photos_from_the_task(folder, capsys):
    section = "tasks: [mine]\nmine: {train_head: {label_smoothing: 0.2}}\n"
    Path("params.yaml").write_text(section, encoding="utf-8")
    with pytest.raises(UserError, match="dvc repro prepare@mine"):
        cli.main(["curves", "train.log", "--task", "mine"])
    write_json(folder / "metrics/mine/data.json", {"train": 3, "classes": 4})
    assert cli.main(["curves", "train.log", "--task", "mine"]) == 0
    out = capsys.readouterr().out
    assert f"{entropy([0.8, *[0.2 / 3] * 3]):.3f} is the minimum loss that smoothing 0.2 over 4 classes" in out
    assert "5 steps an epoch, with 3 train photos" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.log"], "gone.log: cannot be read"),
        (["."], "cannot be read"),
        (["train.log", "--out", "x.jpg"], "must end in .png"),
        (["train.log", "--csv", "."], "is a folder"),
        (["train.log", "--csv", "train.log"], "was not made by this command"),
        (["train.log", "--csv", "x.png", "--out", "x.png"], "same file"),
        (["train.log", "--smoothing", "0.1"], "go together"),
        (["train.log", "--smoothing", "1", "--classes", "9"], "'1' is not a number from 0 to below 1"),
        (["train.log", "--smoothing", "0.1", "--classes", "1"], "'1' is not a whole number of 2 or more"),
    ],
)
def test_command_errors(folder, arguments, message):
    with pytest.raises(UserError, match=message):
        cli.main(["curves", *arguments])
    assert {path.name for path in folder.iterdir()} == {"train.log"}
