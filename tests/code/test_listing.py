"""The one walk through a folder of photos: what it leaves out and why, and that audit, new, fetch and predict agree."""

import os
import re
import sys
from pathlib import Path, PurePosixPath

import pytest
from own_photos import ROOT, fill, refused, shipped_project
from source_files import tree

from sortline import cli
from sortline._core.errors import UserError
from sortline.data.audit import audit_folder, walk
from sortline.data.audit_report import audit_report, describe
from sortline.data.layout import find_photos, photo_files
from sortline.data.listing import list_folder

JUNK = (
    "cat/@eaDir/000.png/SYNOPHOTO_THUMB_M.jpg", "$RECYCLE.BIN/S-1-5-21/1.jpg", ".Trashes/501/1.jpg", "cat/Thumbs.db",
    "cat/.DS_Store", "__MACOSX/cat/._000.png", ".thumbnails/1.jpg", "cat/._000.png", "..evil/1.jpg", ".hidden/1.jpg",
    "#recycle/cat/1.jpg", "cat/Icon\r", "LOST.DIR/1", "System Volume Information/x", "dog/desktop.ini",
)  # fmt: skip


def test_nothing_else_walks_through_folders():
    walks = re.compile(r"\b(os\.(walk|scandir|listdir)|rglob)\(")
    found = {path.name for path in (ROOT / "src").rglob("*.py") if walks.search(path.read_text(encoding="utf-8"))}
    # The others look through what is ours: half-written files, the library's own code.
    assert found == {"listing.py", "repair.py", "origin.py"}


@pytest.fixture
def photos(tmp_path) -> Path:
    return fill(tmp_path / "photos", {"cat": 4, "dog": 4, "dog/more": 2})


@pytest.fixture
def forbid(monkeypatch):
    """Make a path unreadable, for root too."""

    def refuse(path: Path) -> None:
        scan, opened = os.scandir, Path.open

        def denied(name, work, *arguments, **named):
            if not isinstance(name, int) and Path(name) == path:
                raise PermissionError(13, "Permission denied", str(path))
            return work(name, *arguments, **named)

        monkeypatch.setattr(os, "scandir", lambda name: denied(name, scan))
        monkeypatch.setattr(Path, "open", lambda self, *rest, **named: denied(self, opened, *rest, **named))

    return refuse


def latin(photos: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has file names that are not Unicode")
    (photos / "cat/000.png").rename(Path(os.fsdecode(os.fsencode(photos / "cat") + b"/caf\xe9.png")))


def agreed(photos: Path) -> list[str]:
    """Return the photos that audit finds; fail where fetch or predict would take others."""
    audited = [entry.path for entry in walk(photos).entries]
    fetched, _ = photo_files(photos)
    assert sorted(map(str, fetched)) == audited
    assert sorted(path.relative_to(photos).as_posix() for path in find_photos([str(photos)]).photos) == audited
    return audited


def test_what_systems_and_cameras_leave_behind_is_left_out_and_named(photos):
    before = agreed(photos)
    for name in JUNK:
        (photos / name).parent.mkdir(parents=True, exist_ok=True)
        (photos / name).write_bytes(b"x")
    assert agreed(photos) == before
    audit = audit_folder(photos)
    assert audit.class_folders() == ["cat", "dog"] and not audit.problems
    tops = {next(part for part in Path(name).parts if part not in ("cat", "dog")) for name in JUNK}
    assert {one.path.name for one in audit.tree.left_out} == tops
    assert {Path(name).name for name in audit_report(audit)["junk"]} == {name.replace("\r", r"\r") for name in tops}
    (line,) = [line for line in describe(audit, every=True) if "left behind" in line]
    assert all(f"'{name}'" in line for name in ("@eaDir", "$RECYCLE.BIN", "..evil", r"Icon\r"))
    assert find_photos([str(photos)]).junk == len({*list_folder(photos).left_out})


def test_a_name_that_is_no_unicode_is_left_out_alike(photos):
    latin(photos)
    assert len(agreed(photos)) == 9
    (one,) = list_folder(photos).unread
    assert "UTF-8" in one.what and one.path.name == "caf\udce9.png"
    assert [problem.path for problem in audit_folder(photos).problems] == [r"cat/caf\udce9.png"]


def test_a_photo_that_may_not_be_read_is_left_out_alike(photos, forbid):
    forbid(photos / "cat/001.png")
    assert "cat/001.png" not in agreed(photos)
    audit = audit_folder(photos)
    assert [(problem.path, problem.what) for problem in audit.problems] == [
        ("cat/001.png", "cannot be read (Permission denied)")
    ]
    assert "9 usable photos of 10 files" in describe(audit)[0]
    assert find_photos([str(photos)]).problems == [f"{photos / 'cat/001.png'}: cannot be read (Permission denied)"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_not_waited_for(photos):
    os.mkfifo(photos / "cat/new.jpg")
    assert len(agreed(photos)) == 10
    assert "not a file" in audit_folder(photos).problems[0].what


def test_what_new_leaves_out_fetch_leaves_out(photos, forbid, fetching, tmp_path, monkeypatch, capsys):
    shipped_project(tmp_path, monkeypatch)
    latin(photos)
    forbid(photos / "dog/001.png")
    assert cli.main(["new", "mine", str(photos)]) == 0
    said = capsys.readouterr().out
    about, _ = fetching.photos({"kind": "folder", "path": str(photos)}, local=False)
    assert set(tree(fetching.raw)) == {entry.path for entry in walk(photos).entries}
    assert [path for path, _ in about["left_out"]] == [r"cat/caf\udce9.png", "dog/001.png"]
    assert all(f"{path}: {what}" in said for path, what in about["left_out"])
    assert about["files"] == 8


def test_a_folder_that_may_not_be_read_is_refused_by_new_and_fetch_and_named_by_the_others(
    photos, forbid, fetching, tmp_path, monkeypatch
):
    """With it a class would be gone."""
    shipped_project(tmp_path, monkeypatch)
    forbid(photos / "dog")
    assert f"{photos / 'dog'}: this folder cannot be read" in refused("new", "mine", photos)
    with pytest.raises(UserError, match="dog: this folder cannot be read"):
        fetching.photos({"kind": "folder", "path": str(photos)}, local=False)
    assert [problem.path for problem in audit_folder(photos).problems] == ["dog"]
    assert find_photos([str(photos)]).problems == [f"{photos / 'dog'}: this folder cannot be read (Permission denied)"]
    forbid(photos)
    assert f"{photos}: this folder cannot be read" in find_photos([str(photos)]).problems[0]


def test_beside_a_folder_that_may_not_be_read_no_folder_is_a_wrapper(tmp_path, forbid, monkeypatch):
    shipped_project(tmp_path, monkeypatch)
    photos = fill(tmp_path / "photos", {"cat/lot1": 4, "cat/lot2": 4, "dog": 4})
    forbid(photos / "dog")
    assert f"{photos / 'dog'}: this folder cannot be read" in refused("new", "mine", photos)


def test_links_to_folders_are_named_not_followed(photos):
    try:
        (photos / "dog/all").symlink_to(photos, target_is_directory=True)
        (photos / "dog/round").symlink_to("round")
    except OSError:
        pytest.skip("this system does not let this user make links")
    assert [problem.path for problem in audit_folder(photos).problems] == ["dog/all", "dog/round"]
    found = find_photos([str(photos)])
    assert len(found.photos) == 10 and len(found.problems) == 2


def test_the_order_is_not_the_disks(photos, monkeypatch):
    expected, scan = list_folder(photos), os.scandir

    class Backwards:
        def __init__(self, name):
            with scan(name) as entries:
                self.entries = sorted(entries, key=lambda entry: entry.name, reverse=True)

        def __enter__(self):
            return self.entries

        def __exit__(self, *_):
            pass

    monkeypatch.setattr(os, "scandir", Backwards)
    assert list_folder(photos) == expected


def test_the_listing_of_a_folder_inside_is_what_listing_it_gives(photos):
    for name in (".hidden/1.jpg", "more/.DS_Store", "more/1.txt"):
        (photos / "dog" / name).parent.mkdir(exist_ok=True)
        (photos / "dog" / name).write_bytes(b"x")
    whole = list_folder(photos)
    assert whole.below(PurePosixPath("dog")) == list_folder(photos / "dog") and whole.below(PurePosixPath()) == whole


@pytest.mark.parametrize(
    "beside", [{"bus/lot1": 4, "car/lot1": 4}, {"bus": 4}, {"bus": 4, "test/lot1": 4}, {"bus/a/b": 4, "Test/lot3": 4}]
)
def test_a_train_that_may_be_a_class_is_asked_about(tmp_path, monkeypatch, fetching, beside):
    shipped_project(tmp_path, monkeypatch)
    vehicles = fill(tmp_path / "vehicles", {"train/lot1": 4, "train/lot2": 4} | beside)
    line = refused("new", "vehicles", vehicles)
    assert "'train'" in line and "'bus'" in line and "other names" in line
    assert ("'Test'" in line or "'test'" in line) == any(name.casefold().startswith("test") for name in beside)
    with pytest.raises(UserError, match="'train' .*could be a split"):
        fetching.photos({"kind": "folder", "path": str(vehicles)}, local=False)
    with pytest.raises(UserError, match="'train' .*could be a split"):
        audit_folder(vehicles)
    for name in ("train", "test", "Test"):
        if (vehicles / name).exists():
            (vehicles / name).rename(vehicles / f"{name} lines")
    assert cli.main(["new", "vehicles", str(vehicles)]) == 0


def test_a_train_without_a_val_beside_photos_of_no_class_is_a_split(tmp_path):
    """As competitions have it: train/ of class folders, test/ of photos without labels."""
    tree = walk(fill(tmp_path / "p", {"train/cat": 2, "train/dog": 2, "test": 2}))
    assert tree.classes == {"": ["cat", "dog"]} and len(tree.ignored) == 2


@pytest.mark.parametrize("val", ["val", "Valid", "validation"])
def test_beside_train_and_val_other_photos_are_no_class_and_are_told(tmp_path, val):
    tree = walk(fill(tmp_path / "p", {"train/cat": 2, "train/dog": 2, f"{val}/cat": 2, "test/cat": 2, "more": 3}))
    assert [path for path in tree.ignored if path.startswith("more/")] == tree.ignored and len(tree.ignored) == 3
