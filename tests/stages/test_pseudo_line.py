"""Photos without labels go through the real line: none is scored, and only a head that is asked to learns from them."""

import json
import shutil

import pytest
from conftest import FOLDER, draw_photos, photo

from sortline._core.files import read_csv
from sortline.cli import main

TO_HEAD = ("fetch", "prepare", "extract", "train_head")
AFTER = ("evaluate", "diagnose", "export")


@pytest.fixture
def tiny(tmp_path, new):
    draw_photos(tmp_path / "photos" / "tiny")
    return new(tmp_path / FOLDER, tmp_path / "photos")


def add_unlabelled(project):
    """Add two new photos without a label, a copy of one of val, and a copy of one of train."""
    folder = project.data / "tiny" / "Unlabeled"
    (folder / "phone").mkdir(parents=True)
    photo(900, (200, 60, 60)).save(folder / "phone" / "a.png")
    photo(901, (60, 180, 80)).save(folder / "b.png")
    shutil.copy(project.data / "tiny/val/Can/01.png", folder / "of_val.png")
    shutil.copy(project.data / "tiny/train/Can/02.png", folder / "of_train.png")


def test_photos_without_labels_teach_where_they_are_asked_to(tiny, capsys):
    for stage in ("weights", *TO_HEAD):
        tiny.run_here(stage)
    before = tiny.content("train_head")
    add_unlabelled(tiny)
    for stage in TO_HEAD:
        tiny.run_here(stage)
    assert "4 without a label" in capsys.readouterr().out
    rows = {row["image"]: row for row in read_csv(tiny.root / "data/prepared/tiny/split.csv")}
    own = {name: row for name, row in rows.items() if row["split"] == "unlabelled"}
    assert sorted(own) == [f"unlabelled/{name}.png" for name in ("b", "of_train", "of_val", "phone/a")]
    assert {(row["label"], row["fold"]) for row in own.values()} == {("-1", "")}
    data = json.loads((tiny.root / "metrics/tiny/data.json").read_text(encoding="utf-8"))
    assert (data["unlabelled"], data["unlabelled_held_out"], data["label_conflicts"]) == (4, 1, 0)
    # Nobody has asked for them: the heads are what they were without them.
    after = tiny.content("train_head")
    assert all(after[path] == content for path, content in before.items() if path.endswith(".safetensors"))

    tiny.set("train_head.pseudo", {"threshold": 0.0, "rounds": 2})
    assert "models/tiny/head/last.safetensors" in tiny.run_here("train_head")
    for stage in AFTER:
        tiny.run_here(stage)
    train = json.loads((tiny.root / "metrics/tiny/train.json").read_text(encoding="utf-8"))
    assert (train["unlabelled"], train["pseudo_labelled"]) == (3, [3, 3])  # all but the copy of val's
    assert tiny.run_here("train_head") == set()  # the same bytes again
    evaluated = json.loads((tiny.root / "metrics/tiny/evaluate.json").read_text(encoding="utf-8"))
    assert evaluated["n"] == data["val"]


def test_an_audit_says_how_many_have_no_label(tiny, capsys):
    add_unlabelled(tiny)
    main(["audit", str(tiny.data / "tiny")])
    said = capsys.readouterr().out
    assert "unlabelled: 4 photos without a label" in said and "two classes" not in said
