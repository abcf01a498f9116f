"""The first source that works is used; the others are named with their reasons; outputs are whole or not there."""

import errno
import hashlib
import os

import pytest
from pydantic import TypeAdapter, ValidationError
from source_files import PHOTOS, oracle, tree, write_tree, zipped

from sortline._core.errors import UserError
from sortline.data import sources
from sortline.data.sources import FetchParams
from sortline.data.sources import folder as module
from sortline.data.sources.base import data_folder, reachable


def test_an_archive_is_downloaded_unpacked_and_removed(fetching, web):
    inner = {f"repo-9cdb/ori_data/{name}": content for name, content in PHOTOS.items()}
    content = zipped(inner | {"repo-9cdb/readme.md": b"x"})
    (web.folder / "photos.zip").write_bytes(content)
    about, passed_over = fetching.photos(
        {"kind": "folder", "path": "set"},
        {
            "kind": "archive",
            "url": web.url("photos.zip"),
            "inside": "ori_data",
            "sha256": hashlib.sha256(content).hexdigest(),
            "content_sha256": oracle(PHOTOS),
        },
    )
    assert tree(fetching.raw) == PHOTOS
    assert about == {
        "kind": "archive",
        "address": web.url("photos.zip"),
        "name": "photos",
        "content_sha256": oracle(PHOTOS),
        "files": 3,
        "note": "",
    }
    assert passed_over == [f"folder set: {fetching.local / 'set'} does not exist"]
    assert fetching.left_over() == []


def test_missing_refused_and_wrong_archives_are_passed_over(fetching, web, refused):
    (web.folder / "wrong.zip").write_bytes(zipped({"train/a/1.jpg": b"another"}))
    (web.folder / "evil.zip").write_bytes(zipped(PHOTOS | {"../evil.jpg": b"evil"}))
    (web.folder / "bad.zip").write_bytes(b"no zip")
    (web.folder / "large.zip").write_bytes(bytes(1_000_001))
    (web.folder / "good.zip").write_bytes(zipped(PHOTOS))
    about, passed_over = fetching.photos(
        {"kind": "archive", "url": refused},
        {"kind": "archive", "url": web.url("missing.zip")},
        {"kind": "archive", "url": web.url("wrong.zip"), "sha256": "0" * 64},
        {"kind": "archive", "url": web.url("wrong.zip"), "content_sha256": "0" * 64},
        {"kind": "archive", "url": web.url("evil.zip")},
        {"kind": "archive", "url": web.url("bad.zip")},
        {"kind": "archive", "url": web.url("good.zip"), "inside": "ori_data"},
        {"kind": "archive", "url": web.url("large.zip"), "max_mb": 1},
        {"kind": "archive", "url": web.url("good.zip"), "name": "good"},
    )
    assert about["name"] == "good"
    assert tree(fetching.raw) == PHOTOS
    reasons = [
        "could not connect",
        "404",
        "wrong checksum",
        "content_sha256",
        "outside its folder",
        "not a zip",
        "no folder 'ori_data'",
        "more than max_mb",
    ]
    assert [words in line for words, line in zip(reasons, passed_over, strict=True)] == [True] * 8
    assert fetching.left_over() == []


def test_a_broken_archive_is_fetched_anew_next_time(fetching, web):
    (web.folder / "a.zip").write_bytes(b"broken")
    source = {"kind": "archive", "url": web.url("a.zip")}
    with pytest.raises(UserError, match="not a zip"):
        fetching.photos(source)
    (web.folder / "a.zip").write_bytes(zipped(PHOTOS))
    fetching.photos(source)
    assert tree(fetching.raw) == PHOTOS


def test_where_nothing_works_one_line_says_all(fetching, refused):
    write_tree(fetching.raw, {"train/old/x.jpg": b"old"})
    with pytest.raises(UserError) as caught:
        fetching.photos({"kind": "folder", "path": "set"}, {"kind": "archive", "url": refused}, local=False)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith("no photos for 't': folder set: SORTLINE_DATA is not set; archive http://127.0.0.1:")
    assert line.count(refused) == 1
    assert "could not connect" in line
    assert line.endswith(
        "; set SORTLINE_DATA to the folder that holds set, or run the built-in task: "
        "make run TASK=sample (dvc repro export@sample)"
    )
    assert tree(fetching.raw) == {"train/old/x.jpg": b"old"}


def failing(number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    return fail


def test_a_full_disk_ends_it_in_one_line(fetching, monkeypatch, web):
    write_tree(fetching.local / "set", PHOTOS)
    (web.folder / "a.zip").write_bytes(zipped(PHOTOS))
    monkeypatch.setattr(module, "copy_hashed", failing(errno.ENOSPC))
    with pytest.raises(UserError, match="photos for 't': No space left on device; make room"):
        fetching.photos({"kind": "folder", "path": "set"}, {"kind": "archive", "url": web.url("a.zip")})
    assert fetching.left_over() == []
    assert not fetching.raw.exists()


def test_a_read_error_moves_on_to_the_next_source(fetching, monkeypatch, web):
    write_tree(fetching.local / "set", PHOTOS)
    (web.folder / "a.zip").write_bytes(zipped(PHOTOS))
    monkeypatch.setattr(module, "copy_hashed", failing(errno.EIO))
    _, passed_over = fetching.photos({"kind": "folder", "path": "set"}, {"kind": "archive", "url": web.url("a.zip")})
    assert passed_over == [f"folder set: {os.strerror(errno.EIO)}"]
    assert tree(fetching.raw) == PHOTOS


def test_toy_photos_carry_their_note(fetching):
    about, _ = fetching.photos({"kind": "toy", "per_class": 1, "side": 16, "seed": 7})
    drawn = tree(fetching.raw)
    assert about == {
        "kind": "toy",
        "address": None,
        "name": "sample",
        "content_sha256": oracle(drawn),
        "files": len(drawn),
        "note": "built-in sample: proves the pipeline, not the accuracy",
    }


def test_one_file_adds_a_kind_of_source(fetching, tmp_path, monkeypatch):
    folder = tmp_path / "more"
    folder.mkdir()
    (folder / "grey_square.py").write_text(NEW_KIND, encoding="utf-8")
    monkeypatch.setattr(sources, "__path__", [*sources.__path__, str(folder)])
    about, _ = fetching.photos({"kind": "grey", "level": 3})
    assert tree(fetching.raw) == {"a/0.png": b"\3"}
    assert (about["kind"], about["name"], about["content_sha256"]) == ("grey", "grey 3", oracle({"a/0.png": b"\3"}))
    with pytest.raises(ValidationError, match="'archive', .*'grey'"):
        FetchParams(sources=[{"kind": "green"}])


NEW_KIND = """
import hashlib
from typing import Literal

from sortline.config.fetch import Fetched, Source


class Grey(Source):
    kind: Literal["grey"]
    level: int = 1

    def fetch(self, out, downloads, data_folder):
        (out / "a").mkdir()
        (out / "a/0.png").write_bytes(bytes([self.level]))
        return Fetched(f"grey {self.level}", {"a/0.png": hashlib.sha256(bytes([self.level])).hexdigest()})
"""


@pytest.mark.parametrize("name", sources.DATASETS)
def test_a_known_data_set_stands_for_its_sources(name):
    known = FetchParams(dataset=name)
    assert known.sources == FetchParams(sources=sources.DATASETS[name]).sources


def test_no_address_of_a_known_data_set_stands_twice():
    addresses = [source.get("url", source.get("path")) for known in sources.DATASETS.values() for source in known]
    assert len({*addresses} - {None}) == len([address for address in addresses if address])


def within_reach(schema, *sources, local):
    return reachable(TypeAdapter(schema).validate_python({"sources": list(sources)}).sources, local)


def test_what_is_within_reach_is_told_without_fetching(fetching, web, refused):
    folder, away = {"kind": "folder", "path": "set"}, {"kind": "archive", "url": refused}
    here = {"kind": "archive", "url": web.url("a.zip")}
    ok, why = within_reach(FetchParams, folder, away, here, local=None)
    assert not ok
    assert why.startswith("folder set: SORTLINE_DATA is not set; archive http")
    assert "could not connect" in why
    assert "404" in why

    (web.folder / "a.zip").write_bytes(b"x")
    assert within_reach(FetchParams, folder, away, here, local=None) == (True, f"archive {web.url('a.zip')}")
    write_tree(fetching.local, {"set/readme.txt": b""})
    assert within_reach(FetchParams, folder, local=fetching.local)[0] is False
    write_tree(fetching.local / "set", PHOTOS)
    assert within_reach(FetchParams, folder, local=fetching.local) == (True, "folder set")
    assert within_reach(FetchParams, {"kind": "toy"}, local=None)[0] is True
    assert not fetching.data.exists()


def test_a_home_that_nobody_has_is_one_line(monkeypatch):
    monkeypatch.setenv("SORTLINE_DATA", "~nobody-of-this-name/data")
    with pytest.raises(UserError, match="~nobody-of-this-name/data: .*no such user"):
        data_folder()


def test_an_address_that_cannot_be_one_is_a_wrong_parameter():
    with pytest.raises(ValidationError, match="Invalid IPv6"):
        FetchParams(sources=[{"kind": "archive", "url": "http://[x/a.zip"}])
