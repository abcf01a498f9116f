"""Photos without labels go through the real line: none is scored, and only a head that is asked to learns from them."""

import json
import shutil

import pytest
from conftest import photo

from sortline._core.files import read_csv
from sortline.cli import main

ORDER = ("fetch", "prepare", "extract", "train_head", "evaluate", "diagnose", "export")


@pytest.fixture
def bare(project):
    """The tiny project with four photos without a label: two new ones, a copy of one of val, a copy of one of train."""
    folder = project.data / "tiny" / "Unlabeled"
    (folder / "phone").mkdir(parents=True)
    photo(900, (200, 60, 60)).save(folder / "phone" / "a.png")
    photo(901, (60, 180, 80)).save(folder / "b.png")
    shutil.copy(project.data / "tiny/val/Can/01.png", folder / "of_val.png")
    shutil.copy(project.data / "tiny/train/Can/02.png", folder / "of_train.png")
    return project


def test_photos_without_labels_teach_where_they_are_asked_to(bare, capsys):
    before = bare.content("train_head")
    for stage in ORDER[:4]:
        bare.run_here(stage)
    assert "4 without a label" in capsys.readouterr().out
    rows = {row["image"]: row for row in read_csv(bare.root / "data/prepared/tiny/split.csv")}
    own = {name: row for name, row in rows.items() if row["split"] == "unlabelled"}
    assert sorted(own) == [f"unlabelled/{name}.png" for name in ("b", "of_train", "of_val", "phone/a")]
    assert {(row["label"], row["fold"]) for row in own.values()} == {("-1", "")}
    data = json.loads((bare.root / "metrics/tiny/data.json").read_text(encoding="utf-8"))
    assert (data["unlabelled"], data["unlabelled_held_out"], data["label_conflicts"]) == (4, 1, 0)
    # Nobody has asked for them: the heads are what they were without them.
    after = bare.content("train_head")
    assert all(after[path] == content for path, content in before.items() if path.endswith(".safetensors"))

    bare.set("train_head.pseudo", {"threshold": 0.0, "rounds": 2})
    for stage in ORDER[3:]:
        changed = bare.run_here(stage)
        assert stage != "train_head" or "models/tiny/head/last.safetensors" in changed
    train = json.loads((bare.root / "metrics/tiny/train.json").read_text(encoding="utf-8"))
    assert (train["unlabelled"], train["pseudo_labelled"]) == (3, [3, 3])  # all but the copy of val's
    assert bare.run_here("train_head") == set()  # the same bytes again
    evaluated = json.loads((bare.root / "metrics/tiny/evaluate.json").read_text(encoding="utf-8"))
    assert evaluated["n"] == data["val"]


def test_an_audit_says_how_many_have_no_label(bare, capsys):
    main(["audit", str(bare.data / "tiny")])
    said = capsys.readouterr().out
    assert "unlabelled: 4 photos without a label" in said and "two classes" not in said
