"""What was worked out of a photo is not again: after a kill, with more photos; and the features are the same bytes."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sortline._core import photo_cache, unfinished
from sortline._core.photo_cache import Place, opened
from sortline.config.augment import ViewParams
from sortline.config.extract import ExtractParams
from sortline.data import audit
from sortline.data.prepared import Photo
from sortline.features.extraction import extract

KINDS = {"pooled": (np.float32, (2, 3)), "maps": (np.float16, (4,))}
PLAIN = ViewParams(count=1)


@pytest.fixture
def photos(tmp_path) -> list[Photo]:
    (tmp_path / "照片").mkdir()
    found = []
    for number in range(6):
        path = tmp_path / "照片" / f"{number}.png"
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (9, 9, 3), dtype=np.uint8)).save(path)
        found.append(Photo(path.name, path, f"{number:064x}"))
    return found


class Work:
    """Something to be worked out of a photo, and of which photos it was."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def __call__(self, photo: Photo) -> dict[str, np.ndarray]:
        self.done.append(photo.name)
        draw = np.random.default_rng(len(photo.path.read_bytes()) + int(photo.sha256, 16))
        return {
            "pooled": draw.normal(size=(2, 3)).astype(np.float32),
            "maps": draw.normal(size=4).astype(np.float16),
            "other": draw,
        }


def asked(folder: Path, photos: list[Photo], **made_of) -> tuple[list[str], list[dict[str, np.ndarray]]]:
    """Ask for each photo; return the names of those that were worked out, and what came of all."""
    work = Work()
    with opened(Place(folder, made_of), KINDS) as cache:
        found = [cache.of(photo, work) for photo in photos]
    return work.done, found


def test_each_photo_is_worked_out_once_and_comes_back_to_the_bit(tmp_path, photos):
    first, one = asked(tmp_path / "c", photos[:4])
    second, two = asked(tmp_path / "c", photos)
    assert first == ["0.png", "1.png", "2.png", "3.png"] and second == ["4.png", "5.png"]
    for photo, found in zip(photos, two, strict=True):
        expected = Work()(photo)
        assert found["pooled"].dtype == np.float32 and found["maps"].dtype == np.float16
        assert np.array_equal(found["pooled"], expected["pooled"])
        assert np.array_equal(found["maps"], expected["maps"])
    assert len(one) == 4


def test_copies_in_one_run_are_no_photos_of_before(tmp_path, photos, capsys):
    copy = Path(photos[0].path.with_name("copy.png"))
    copy.write_bytes(photos[0].path.read_bytes())
    again = [*photos, replace(photos[0], name="copy.png", path=copy)]
    assert len(asked(tmp_path / "c", again)[0]) == 6 and "before" not in capsys.readouterr().out
    asked(tmp_path / "c", again)
    assert "7 photos were worked out before" in capsys.readouterr().out


def test_what_a_photo_is_named_by(tmp_path, photos):
    """Another content or other draws of its views are another photo; another name is none."""
    asked(tmp_path / "c", photos)
    moved = replace(photos[0], name="z.png", path=photos[0].path.rename(tmp_path / "z.png"))
    redrawn = replace(photos[1], sha256="f" * 64)
    photos[2].path.write_bytes(photos[2].path.read_bytes() + b"more")
    assert asked(tmp_path / "c", [moved, redrawn, photos[2], photos[3]])[0] == ["1.png", "2.png"]


def test_what_decides_the_result_makes_all_be_worked_out_and_the_old_is_gone(tmp_path, photos, monkeypatch):
    folder = tmp_path / "c"
    assert len(asked(folder, photos, size=32)[0]) == 6
    (old,) = folder.iterdir()
    assert len(asked(folder, photos, size=64)[0]) == 6
    (new,) = folder.iterdir()
    assert old != new
    assert asked(folder, photos, size=64)[0] == []
    monkeypatch.setenv(unfinished.FRESH, "1")
    assert len(asked(folder, photos, size=64)[0]) == 6


def test_photos_that_left_leave_the_cache(tmp_path, photos):
    asked(tmp_path / "c", photos)
    (file,) = (tmp_path / "c").iterdir()
    size = file.stat().st_size
    asked(tmp_path / "c", photos[3:])
    assert file.stat().st_size == size // 2
    assert asked(tmp_path / "c", photos)[0] == ["0.png", "1.png", "2.png"]


def test_more_than_the_limit_is_not_left(tmp_path, photos, monkeypatch):
    monkeypatch.setattr(photo_cache, "LIMIT", 100)
    asked(tmp_path / "c", photos)
    assert list((tmp_path / "c").iterdir()) == []


def test_a_cut_or_damaged_file_costs_what_is_cut_or_damaged(tmp_path, photos):
    _, whole = asked(tmp_path / "c", photos)
    (file,) = (tmp_path / "c").iterdir()
    content = file.read_bytes()
    size = len(content) // 6
    for start in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[start] ^= 1
        file.write_bytes(damaged)
        done, found = asked(tmp_path / "c", photos)
        assert done == [f"{start // size}.png"]
        assert all(np.array_equal(a[name], b[name]) for a, b in zip(found, whole, strict=True) for name in KINDS)
        assert sorted(_records(file, size)) == sorted(_records_of(content, size))
    for end in (0, 10, size, 3 * size + 1, len(content) - 1):
        file.write_bytes(content[:end])
        assert asked(tmp_path / "c", photos)[0] == [f"{number}.png" for number in range(end // size, 6)]


def _records(file: Path, size: int) -> list[bytes]:
    return _records_of(file.read_bytes(), size)


def _records_of(content: bytes, size: int) -> list[bytes]:
    return [content[start : start + size] for start in range(0, len(content), size)]


def test_an_error_leaves_what_was_worked_out(tmp_path, photos):
    with pytest.raises(FileNotFoundError):
        asked(tmp_path / "c", [*photos[:3], Photo("gone", tmp_path / "gone", "0"), *photos])
    assert asked(tmp_path / "c", photos)[0] == ["3.png", "4.png", "5.png"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a full disk is made of /dev/full")
def test_without_room_for_the_cache_the_work_is_done(tmp_path, photos, monkeypatch):
    full = os.open("/dev/full", os.O_WRONLY)
    opened = photo_cache.PhotoCache(tmp_path / "c.bin", KINDS)
    monkeypatch.setattr(opened, "stream", _Full(opened.stream, full))
    expected = Work()(photos[0])
    for _ in range(2):
        assert np.array_equal(opened.of(photos[0], Work())["pooled"], expected["pooled"])
    opened.finish()
    assert (tmp_path / "c.bin").stat().st_size == 0
    os.close(full)


class _Full:
    """A file to which nothing can be written."""

    def __init__(self, stream, full: int) -> None:
        self.stream, self.write = stream, lambda content: os.write(full, content)

    def __getattr__(self, name):
        return getattr(self.stream, name)


def test_the_store_is_the_same_with_and_without(tmp_path, photos):
    params = ExtractParams(pixels=True, colour=True, image_size=8)
    content = []
    for name, some, cache in (("a", photos, None), ("b", photos[:3], "c"), ("b", photos, "c"), ("b", photos, "c")):
        extract(some, PLAIN, params, tmp_path, tmp_path / name, cache and tmp_path / cache)
        content.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert content[0] == content[2] == content[3] != content[1]


def test_an_audit_goes_on_from_what_is_known_of_each_photo(tmp_path, monkeypatch):
    for number in range(6):
        pixels = np.random.default_rng(number).integers(0, 256, (60, 80, 3), dtype=np.uint8)
        path = tmp_path / "photos" / "ab"[number % 2] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    looked, plain = [], audit.audit_folder(tmp_path / "photos")
    sketch = audit.sketch
    monkeypatch.setattr(audit, "sketch", lambda image: looked.append(image) or sketch(image))
    for seen in (6, 0):
        looked.clear()
        found = audit.audit_folder(tmp_path / "photos", cache=tmp_path / "c")
        assert len(looked) == seen
        assert found.photos == plain.photos and np.array_equal(found.duplicates.scene, plain.duplicates.scene)
        assert np.array_equal(found.duplicates.pairs, plain.duplicates.pairs)
    (tmp_path / "photos/a/0.png").write_bytes(b"cut")
    found = audit.audit_folder(tmp_path / "photos", cache=tmp_path / "c")
    assert len(found.photos) == 5 and len(found.problems) == 1
