"""`sortline report`: one HTML file that holds everything, asks for nothing, and shows photos only when asked."""

import re
from html.parser import HTMLParser

import pytest
from own_photos import ROOT, fill, refused

from sortline import cli
from sortline._core.files import read_json, write_csv, write_json
from sortline.cli._shared import changes
from sortline.report.task_page import _with_intervals

NAMES = ["a <b>", "hat"]


@pytest.fixture
def measured(tmp_path, monkeypatch):
    """A project with the metrics of a task; its files are what evaluate writes, few of them."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("tasks: [toy]\ntoy: {prepare: {min_per_class: 3}}\n", encoding="utf-8")
    share = {"accuracy": 0.75, "accuracy_low": 0.4093, "accuracy_high": 0.9288, "n": 8}
    write_json(
        tmp_path / "metrics/toy/evaluate.json", share | {"split": "val", "dataset": "0123", "note": "drawn & so"}
    )
    write_json(tmp_path / "metrics/toy/data.json", {"train": 20, "copies": {"cropped": 2}})
    fill(tmp_path / "data/raw/toy", {"val/x": 3})
    header = ["image", "truth", "predicted", "probability", "truth_probability"]
    rows = [[f"val/x/{i:03d}.png", NAMES[0], NAMES[1], "0.9000", "0.1000"] for i in range(2)]
    write_csv(tmp_path / "plots/toy/evaluate/wrong.csv", header, rows)
    confusion = tmp_path / "plots/toy/evaluate/confusion.png"
    confusion.write_bytes((ROOT / "plots/sample/evaluate/confusion.png").read_bytes())
    monkeypatch.setattr(changes, "has_git", lambda: False)
    return tmp_path


class Sources(HTMLParser):
    """What a page asks for, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attributes):
        self.asked += [value for name, value in attributes if name in ("src", "href", "data", "action")]

    def handle_data(self, data):
        self.text += data


def made(folder, *options: str) -> Sources:
    assert cli.main(["report", "toy", "--out", "r.html", *options]) == 0
    page = Sources()
    page.feed((folder / "r.html").read_text(encoding="utf-8"))
    return page


def test_it_holds_figures_numbers_and_parameters_and_asks_for_nothing(measured):
    page = made(measured)
    assert page.asked and all(one.startswith(("data:", "#part-")) for one in page.asked)
    assert sum(one.startswith("data:image/png") for one in page.asked) == 1
    for text in ("75.0 %", "40.9 %", "92.9 %", "drawn & so", "min_per_class: 3", "cropped 2", "a <b>"):
        assert text in page.text, text
    assert "$" not in re.sub(r"<style>.*?</style>", "", (measured / "r.html").read_text("utf-8"), flags=re.S)


def test_photos_are_in_it_only_when_asked_for(measured):
    assert not [one for one in made(measured).asked if one.startswith("data:image/jpeg")]
    page = made(measured, "--photos")
    assert len([one for one in page.asked if one.startswith("data:image/jpeg")]) == 2
    assert "a <b> taken for hat (2)" in page.text


def test_a_file_of_the_users_is_left_alone(measured):
    (measured / "r.html").write_text("<title>mine</title>", encoding="utf-8")
    assert "no report of 'toy'" in refused("report", "toy", "--out", "r.html")
    assert "HTML" in refused("report", "toy", "--out", "r.pdf")


def test_a_task_that_was_not_measured_is_one_line(measured):
    (measured / "metrics/toy/evaluate.json").unlink()
    assert "not measured" in refused("report", "toy")


def test_what_changed_since_the_commit_is_told_key_by_key(measured, monkeypatch):
    committed = {
        "metrics/toy/evaluate.json": b'{"accuracy": 0.5, "gone": 1, "n": 8}',
        "params.yaml": b"toy: {prepare: {min_per_class: 5}}",
    }

    def git(*words: str) -> bytes | None:
        return committed.get(words[-1].removeprefix("HEAD:./"), None if words[0] == "cat-file" else b"abc")

    monkeypatch.setattr(changes, "has_git", lambda: True)
    monkeypatch.setattr(changes, "git", git)
    found = {what: (before, now) for what, before, now in changes.since_commit("toy")}
    assert found["metrics/toy/evaluate.json: accuracy"] == ("0.5", "0.75")
    assert found["metrics/toy/evaluate.json: gone"] == ("1", "")
    assert found["metrics/toy/data.json: copies.cropped"] == ("", "2")
    assert found["params.yaml: toy: prepare.min_per_class"] == ("5", "3")
    assert "metrics/toy/evaluate.json: n" not in found


def test_without_a_commit_nothing_is_said_to_have_changed(measured, monkeypatch):
    assert "no commit to compare with" in made(measured).text
    monkeypatch.setattr(changes, "has_git", lambda: True)
    monkeypatch.setattr(changes, "git", lambda *_: None)
    assert changes.since_commit("toy") is None


def test_every_accuracy_of_the_real_metrics_comes_with_its_n():
    trained = read_json(ROOT / "metrics/garbage/train.json")
    found = {key: n for key, _, _, _, n in _with_intervals(trained)}
    assert {"cv_accuracy", "cv_by_photo_accuracy", "answered_accuracy", "cv_scene_accuracy"} <= set(found)
    assert found["cv_by_photo_accuracy"] == trained["cv_n"] and all(found.values())
