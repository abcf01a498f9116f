"""Auditing a folder: what is listed, what is left out and why, what is counted."""

import shutil
import sys
from pathlib import Path

import pytest
from pictures import drawn
from PIL import Image, ImageOps

from sortline._core.errors import UserError
from sortline._core.files import sha256_file
from sortline.config.prepare import PrepareParams
from sortline.data.audit import audit_folder, refuse_problems, walk
from sortline.data.audit_report import audit_report, describe


def draw(path: Path, seed: int, size: tuple[int, int] = (120, 90)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn(seed, *size, 40).save(path)
    return path


@pytest.fixture
def given(tmp_path) -> Path:
    """train and valid, two classes, in a folder with a Chinese name and a space."""
    root = tmp_path / "垃圾 分类"
    for i, path in enumerate(
        ["train/hat/a.png", "train/hat/b.jpg", "train/橙皮/a.png", "valid/hat/c.png", "valid/橙皮/d.png"]
    ):
        draw(root / path, i)
    return root


def problems(root: Path, **limits: int) -> dict[str, str]:
    return {problem.path: problem.what for problem in audit_folder(root, PrepareParams(**limits)).problems}


def test_given_splits_are_found_whatever_val_is_called(given):
    audit = audit_folder(given)
    assert audit.tree.given
    assert [photo.path for photo in audit.photos] == [
        "train/hat/a.png", "train/hat/b.jpg", "train/橙皮/a.png", "valid/hat/c.png", "valid/橙皮/d.png",
    ]  # fmt: skip
    assert [photo.split for photo in audit.photos] == ["train"] * 3 + ["val"] * 2
    assert audit.counts() == {"train": {"hat": 2, "橙皮": 1}, "val": {"hat": 1, "橙皮": 1}}
    assert audit.mask("val").tolist() == [False, False, False, True, True]
    for photo in audit.photos:
        assert photo.sha256 == sha256_file(given / photo.path)


def test_val_comes_before_test(given):
    """Beside a val, test is a part of its own, which is scored apart; without one it is the val."""
    shutil.copytree(given / "valid", given / "test")
    tree = walk(given)
    assert [entry.split for entry in tree.entries if entry.path.startswith("test/")] == ["test", "test"]
    assert [entry.split for entry in tree.entries if entry.path.startswith("valid/")] == ["val", "val"]
    shutil.rmtree(given / "valid")
    assert walk(given).classes == {"train": ["hat", "橙皮"], "val": ["hat", "橙皮"]}


def test_class_folders_without_splits(given):
    shutil.rmtree(given / "valid")
    tree = walk(given)
    assert not tree.given
    assert tree.classes == {"": ["hat", "橙皮"]}
    assert walk(given / "train").classes == {"": ["hat", "橙皮"]}
    assert [entry.folder for entry in walk(given / "train").entries] == ["hat", "hat", "橙皮"]


def test_a_class_of_trains_is_no_split(tmp_path):
    draw(tmp_path / "train" / "a.png", 0)
    draw(tmp_path / "bus" / "a.png", 1)
    assert walk(tmp_path).classes == {"": ["bus", "train"]}


def test_photos_alone_can_be_audited_but_not_prepared(tmp_path):
    draw(tmp_path / "a.png", 0)
    audit = audit_folder(tmp_path)
    assert len(audit.photos) == 1
    assert "1 usable photo of 1 file" in describe(audit)[0]
    with pytest.raises(UserError, match="no class folders"):
        audit.class_folders()


def test_hidden_and_system_files_do_not_count_and_loose_files_are_named(given):
    for name in ("train/hat/.DS_Store", "train/hat/Thumbs.db", "train/.git/config", ".cache/x/y.jpg"):
        (given / name).parent.mkdir(parents=True, exist_ok=True)
        (given / name).write_bytes(b"x")
    (given / "label.txt").write_text("hat", encoding="utf-8")
    (given / "train" / "notes.md").write_text("hat", encoding="utf-8")
    tree = walk(given)
    assert len(tree.entries) == 5
    assert tree.ignored == ["label.txt", "train/notes.md"]
    assert tree.classes["train"] == ["hat", "橙皮"]


def test_nested_folders_belong_to_their_class(given):
    draw(given / "train" / "hat" / "from phone" / "x.png", 9)
    entry = next(entry for entry in walk(given).entries if entry.path.endswith("x.png"))
    assert (entry.path, entry.split, entry.folder) == ("train/hat/from phone/x.png", "train", "hat")


def test_unusable_files_are_named_and_the_rest_go_on(given):
    hat = given / "train" / "hat"
    (hat / "empty.jpg").touch()
    (hat / "words.jpg").write_text("not a photo", encoding="utf-8")
    whole = (hat / "b.jpg").read_bytes()
    (hat / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    draw(hat / "large.png", 7, (300, 200))
    found = problems(given, max_pixels=59_999)
    assert list(found) == [f"train/hat/{name}" for name in ("cut.jpg", "empty.jpg", "large.png", "words.jpg")]
    assert "truncated" in found["train/hat/cut.jpg"]
    assert "zero bytes" in found["train/hat/empty.jpg"]
    assert "300 x 200" in found["train/hat/large.png"]
    assert "not a photo" in found["train/hat/words.jpg"]
    audit = audit_folder(given, PrepareParams(max_pixels=59_999))
    assert len(audit.photos) == 5
    assert audit.duplicates.picture.size == 5
    with pytest.raises(UserError, match=r"cut\.jpg: truncated.*4 such files"):
        refuse_problems(audit)
    lines = describe(audit, every=True)
    assert "5 usable photos of 9 files" in lines[0]
    assert "    train/hat/empty.jpg: empty file (zero bytes)" in lines


def test_a_class_without_a_usable_photo_is_counted_as_0(given):
    for path in (given / "train" / "橙皮").iterdir():
        path.write_bytes(b"")
    assert audit_folder(given).counts()["train"] == {"hat": 2, "橙皮": 0}


def test_a_folder_of_broken_files_alone(tmp_path):
    for name in ("a/1.jpg", "b/1.jpg"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"broken")
    audit = audit_folder(tmp_path)
    assert len(audit.problems) == 2
    assert audit_report(audit)["usable"] == 0
    assert "0 usable photos of 2 files" in describe(audit)[0]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names that are not Unicode")
def test_a_name_that_is_no_unicode_is_reported(given):
    path = str(given / "train" / "hat" / "b.jpg").encode()
    Path(path.replace(b"b.jpg", b"b\xff.jpg").decode(errors="surrogateescape")).write_bytes(
        Path(path.decode()).read_bytes()
    )
    assert "UTF-8" in problems(given)["train/hat/b\\udcff.jpg"]


def test_nothing_to_audit(tmp_path):
    with pytest.raises(UserError, match="no such folder"):
        audit_folder(tmp_path / "none")
    (tmp_path / "train" / "hat").mkdir(parents=True)
    with pytest.raises(UserError, match="no files"):
        audit_folder(tmp_path)


def test_copies_are_reported(given):
    shutil.copy(given / "train/hat/a.png", given / "valid/hat/copy.png")
    # The same pixels in another format are an exact copy too; here under another class.
    Image.open(given / "train/hat/a.png").save(given / "train/橙皮/same.bmp")
    ImageOps.mirror(Image.open(given / "valid/橙皮/d.png")).resize((160, 120)).save(given / "train/橙皮/large.jpg")
    audit = audit_folder(given)
    report = audit_report(audit)
    exact = ["train/hat/a.png", "train/橙皮/same.bmp", "valid/hat/copy.png"]
    assert report["exact_groups"] == [exact]
    assert report["label_conflicts"] == [exact]
    assert report["near_groups"] == [["train/橙皮/large.jpg", "valid/橙皮/d.png"]]
    val = {row["photo"]: row for row in report["val_in_train"]}
    assert val["valid/hat/copy.png"] == {
        "photo": "valid/hat/copy.png", "copy": "train/hat/a.png", "agreement": 1.0, "how": "exact copy", "exact": True,
        "same_class": True,
    }  # fmt: skip
    near = val["valid/橙皮/d.png"]
    assert near["copy"] == "train/橙皮/large.jpg" and near["how"] == "mirrored" and not near["exact"]
    assert 0.8 < near["agreement"] <= 1
    assert report["near_pairs"] == [near | {"photo": near["copy"], "copy": near["photo"]}]
    assert report["scenes"] == 5 and report["copies"]["pairs"] == report["copies"]["mirrored"] == 1
    text = "\n".join(describe(audit, every=True))
    assert "of val's 3 photos, 2 show a scene of train, 1 of them as exact copies\n" in text
    assert "    valid/hat/copy.png = train/hat/a.png\n" in text
    assert "copies in train: 5 photos show 4 scenes, 1 are exact copies" in text
    assert "the same photo in two classes: " + " = ".join(exact) in text


def test_the_result_does_not_depend_on_the_number_of_threads(given):
    reports = [audit_report(audit_folder(given, workers=workers)) for workers in (1, 5)]
    assert reports[0] == reports[1]
