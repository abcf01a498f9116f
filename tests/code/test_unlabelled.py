"""A folder of photos without labels beside train/: where it is taken for one, and what prepare makes of it."""

import csv
import json
import shutil
from pathlib import PurePosixPath

import pytest
from own_photos import fill, photo
from pictures import two_classes
from test_prepare_stage import PARAMS, run_stage

from sortline._core.errors import UserError
from sortline._core.files import sha256_file, write_csv
from sortline.data import corrections
from sortline.data.audit import audit_folder
from sortline.data.audit_report import audit_report, describe
from sortline.data.layout import photo_paths, split_folders
from sortline.data.own_folder import class_root
from sortline.data.suggest import leaves_every_class, suggest


def placed(*paths):
    return sorted(str(path) for path in photo_paths([PurePosixPath(path) for path in paths]).values())


@pytest.mark.parametrize("name", ["unlabelled", "Unlabelled", "unlabeled"])
@pytest.mark.parametrize("val", [(), ("val/a/3.jpg", "val/b/4.jpg")])
def test_it_may_be_spelled_either_way_and_hold_photos_alone_or_folders(name, val):
    train = ("train/a/1.jpg", "train/b/2.jpg")
    found = placed(*train, *val, f"{name}/x.jpg", f"{name}/phone/2024/y.jpg")
    assert found == [*train, "unlabelled/phone/2024/y.jpg", "unlabelled/x.jpg", *val]


def test_it_is_one_folder_and_no_class():
    both = [PurePosixPath(path) for path in ("train/a/1.jpg", "unlabeled/x.jpg", "unlabelled/x.jpg")]
    with pytest.raises(UserError, match="'unlabeled' and 'unlabelled' are one name"):
        split_folders(both)
    assert split_folders([PurePosixPath("a/1.jpg"), PurePosixPath("unlabelled/1.jpg")]) == {}


def test_beside_class_folders_it_would_be_a_class_and_is_refused(tmp_path):
    with pytest.raises(UserError, match="'unlabelled' would be a class; put the class folders into train/"):
        class_root(fill(tmp_path / "photos", {"a": 3, "b": 3, "unlabelled": 3}), [])


@pytest.fixture
def raw(tmp_path):
    """Two classes, a photo without a label, and copies of one of val and of one of train."""
    root = two_classes(tmp_path / "raw")
    (root / "unlabelled").mkdir()
    photo(4321).save(root / "unlabelled" / "new.png")
    for side in ("train", "val"):
        source = sorted((root / side / "hat").iterdir())[0]
        shutil.copy(source, root / "unlabelled" / f"of_{side}{source.suffix}")
    return root


def test_prepare_lists_them_without_label_or_fold_and_leaves_the_others_as_they_were(tmp_path, raw, monkeypatch):
    found = run_stage(tmp_path, raw, PARAMS, monkeypatch, "found")
    shutil.move(raw / "unlabelled", tmp_path / "away")
    without = run_stage(tmp_path, raw, PARAMS, monkeypatch, "without")

    def rows(files):
        return {row["image"]: row for row in csv.DictReader(files["split.csv"].decode().splitlines())}

    own = {name: row for name, row in rows(found).items() if row["split"] == "unlabelled"}
    assert len(own) == 3
    assert {(row["label"], row["fold"], row["photo_fold"]) for row in own.values()} == {("-1", "", "")}
    labelled = {name: row | {"scene": ""} for name, row in rows(found).items() if name not in own}
    assert labelled == {name: row | {"scene": ""} for name, row in rows(without).items()}
    assert found["classes.json"] == without["classes.json"]
    (copied,) = {row["scene"] for name, row in own.items() if "of_train" in name}
    assert [row["split"] for row in rows(found).values() if row["scene"] == copied].count("unlabelled") == 1
    data, before = (json.loads(files["data.json"]) for files in (found, without))
    assert (data["unlabelled"], data["unlabelled_held_out"]) == (3, 1) and "unlabelled" not in before
    assert (data["train"], data["val"], data["label_conflicts"]) == (before["train"], before["val"], 0)
    pairs = json.loads(found["audit.json"])["val_in_train"]
    assert not any("unlabelled" in pair["photo"] for pair in pairs)


def test_a_person_s_decisions_are_of_labelled_photos(tmp_path, raw, monkeypatch):
    hat = sorted((raw / "train/hat").iterdir())[0]  # one that lies in unlabelled/ too
    corrections.create(tmp_path / "toy.csv")
    header = (tmp_path / "toy.csv").read_text(encoding="utf-8").strip().split(",")
    line = {"sha256": sha256_file(hat), "photo": "a hat", "old": "hat", "new": "drop"}
    write_csv(tmp_path / "toy.csv", header, [[line.get(name, "") for name in header]])
    found = run_stage(tmp_path, raw, PARAMS, monkeypatch, "found", "--corrections toy.csv")
    split = [row["split"] for row in csv.DictReader(found["split.csv"].decode().splitlines())]
    assert (split.count("unlabelled"), split.count("dropped")) == (3, 2)  # one as a copy of val's
    assert json.loads(found["data.json"])["corrections"]["dropped"] == 1


def test_of_photos_without_a_val_none_of_them_is_held_out(tmp_path):
    root = fill(tmp_path / "photos", {"train/a": 12, "train/b": 12, "unlabelled/more": 7})
    audit = audit_folder(class_root(root, []))
    said = "\n".join(describe(audit))
    assert "24 photos in 2 classes, 12 each" in said and "unlabelled: 7 photos without a label" in said
    assert audit_report(audit)["classes"]["unlabelled"] == {"": 7}
    found = suggest(audit, tmp_path)
    assert found.why["prepare.split.val_fraction"].startswith("only 24 photos")
    parts = dict.fromkeys(found.split.split.tolist())
    assert set(parts) == {"train", "val", "unlabelled"} and (found.split.split == "unlabelled").sum() == 7
    assert leaves_every_class(found.split)
