"""Photos from a folder: copied, described, and refused where they are none or lead out of it."""

import os
from pathlib import Path

import pytest
from source_files import PHOTOS, oracle, tree, write_tree

from sortline._core.errors import UserError


def test_a_folder_is_copied_and_described(fetching):
    write_tree(fetching.local / "set", PHOTOS | {"label.txt": b"x", "train/00_00/.DS_Store": b"x", "other/d.jpg": b"x"})
    about, passed_over = fetching.photos({"kind": "folder", "path": "set"})
    assert tree(fetching.raw) == PHOTOS
    assert about == {
        "kind": "folder",
        "address": None,
        "name": "set",
        "content_sha256": oracle(PHOTOS),
        "files": 3,
        "note": "",
    }
    assert (passed_over, fetching.left_over()) == ([], [])


def test_an_absolute_folder_needs_no_data_folder(fetching):
    write_tree(fetching.local / "垃圾 分类", PHOTOS)
    fetching.photos({"kind": "folder", "path": str(fetching.local / "垃圾 分类")}, local=False)
    assert tree(fetching.raw) == PHOTOS


def test_a_second_fetch_replaces_the_first(fetching):
    write_tree(fetching.raw, {"train/old/x.jpg": b"old"})
    write_tree(fetching.local / "set", PHOTOS)
    fetching.photos({"kind": "folder", "path": "set"})
    assert tree(fetching.raw) == PHOTOS


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"readme.txt": b""}, "no photos in it; expected class folders"),
        ({"train/a/notes.txt": b""}, "no photos in it"),
        ({"photo.jpg": b""}, "no photos in it"),
    ],
)
def test_a_folder_without_photos(fetching, files, words):
    write_tree(fetching.local / "set", files)
    with pytest.raises(UserError, match=f"folder set: {words}"):
        fetching.photos({"kind": "folder", "path": "set"})
    assert not fetching.raw.exists()


def test_a_file_in_place_of_the_folder(fetching):
    write_tree(fetching.local, {"set": b""})
    with pytest.raises(UserError, match="is not a folder"):
        fetching.photos({"kind": "folder", "path": "set"})


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("train/00_00/link.jpg", "outside/00_00/secret.jpg"),
        ("train/00_02", "outside/00_00"),
        ("val", "outside"),
        ("val", "local/set/train"),
    ],
)
def test_links_to_folders_or_out_of_the_folder_are_refused(fetching, link, target):
    write_tree(fetching.root / "outside", {"00_00/secret.jpg": b"secret"})
    write_tree(fetching.local / "set", {"train/00_00/a.jpg": b"one"})
    target = fetching.root / target
    try:
        (fetching.local / "set" / link).symlink_to(target, target_is_directory=target.is_dir())
    except OSError:
        pytest.skip("this system does not let this user make links")
    with pytest.raises(UserError, match=r"a link (to a folder|out of)"):
        fetching.photos({"kind": "folder", "path": "set"})
    assert not fetching.raw.exists()


@pytest.mark.parametrize("target", ["nowhere", "b.jpg"])
def test_a_link_that_leads_nowhere_is_named(fetching, target):
    write_tree(fetching.local / "set", {"train/00_00/a.jpg": b"one"})
    try:
        (fetching.local / "set/train/00_00/b.jpg").symlink_to(target)
    except OSError:
        pytest.skip("this system does not let this user make links")
    with pytest.raises(UserError, match="b.jpg: a link that leads nowhere"):
        fetching.photos({"kind": "folder", "path": "set"})


def test_a_link_to_a_file_inside_is_copied_as_a_file(fetching):
    write_tree(fetching.local / "set", {"train/00_00/a.jpg": b"one"})
    try:
        (fetching.local / "set/train/00_00/b.jpg").symlink_to("a.jpg")
    except OSError:
        pytest.skip("this system does not let this user make links")
    fetching.photos({"kind": "folder", "path": "set"})
    assert tree(fetching.raw) == {"train/00_00/a.jpg": b"one", "train/00_00/b.jpg": b"one"}
    assert not (fetching.raw / "train/00_00/b.jpg").is_symlink()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root can read everything")
def test_an_unreadable_folder_is_named(fetching):
    write_tree(fetching.local / "set", PHOTOS)
    (fetching.local / "set/train/00_00").chmod(0)
    with pytest.raises(UserError, match="folder set: Permission denied: .*00_00"):
        fetching.photos({"kind": "folder", "path": "set"})
    (fetching.local / "set/train/00_00").chmod(0o700)


@pytest.mark.data
@pytest.mark.skipif(not os.environ.get("SORTLINE_DATA"), reason="SORTLINE_DATA is not set")
def test_the_real_photos(fetching):
    fetching.local = Path(os.environ["SORTLINE_DATA"]).absolute()
    about, _ = fetching.photos({"kind": "folder", "path": "garbage26"})
    assert about["files"] == 2128 + 130
    # From `find train val -type f | LC_ALL=C sort | xargs sha256sum | sha256sum` in that folder.
    assert about["content_sha256"] == "1dc817ecd2e242830595fd9bf4ff079a37d9966773a998ca5e4a100a683ade23"
