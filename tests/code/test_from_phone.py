"""Photos that come back from the app in a zip: what is taken in, and what is refused."""

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from own_photos import photo
from pictures import drawn
from PIL import Image, ImageOps

from sortline._core.errors import UserError
from sortline._core.files import sha256_file
from sortline.data import inbox
from sortline.data.prepared import Photo
from sortline.review.phone import LIST, take_in


def jpeg(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=92)
    return stream.getvalue()


def row(name: str, **more: object) -> dict:
    return {"file": name, "sure": False, "guesses": [{"name": "can", "probability": 0.4}]} | more


def packed(path: Path, photos: dict[str, bytes], rows: list | None = None, task: str = "toy", **more: object) -> Path:
    about = {"task": task, "photos": [row(name) for name in photos] if rows is None else rows} | more
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(LIST, json.dumps(about))
        for name, content in photos.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def raw(tmp_path) -> Path:
    (tmp_path / "raw/can").mkdir(parents=True)
    for number in range(3):
        drawn(number, 160, 120, 40).save(tmp_path / f"raw/can/{number}.png")
    return tmp_path / "raw"


def taken(tmp_path: Path, raw: Path, archive: Path):
    files = sorted(raw.rglob("*.png"))
    known = [Photo(path.relative_to(raw).as_posix(), path, sha256_file(path)) for path in files]
    return take_in(archive, "toy", tmp_path / "inbox", known)


def test_photos_come_in_once_and_beside_their_copies(tmp_path, raw):
    copy = jpeg(ImageOps.mirror(drawn(1, 160, 120, 40)))
    content = {"001.jpg": jpeg(photo(1)), "002.jpg": copy, "003.jpg": b"no photo"}
    rows = [row("001.jpg", corrected="hat"), row("002.jpg"), row("003.jpg"), row("004.jpg")]
    archive = packed(tmp_path / "a.zip", content, rows)
    done = taken(tmp_path, raw, archive)
    assert (done.new, done.known) == (2, 0)
    assert len(done.problems) == 2 and "004.jpg" in done.problems[0] and "003.jpg" in done.problems[1]
    notes = {one.name: one.note for one in inbox.read(tmp_path / "inbox")}
    assert "its user: hat" in notes["001.jpg"] and "can 40%, not sure" in notes["001.jpg"]
    assert "scene of can/1.png" in notes["002.jpg"] and "scene" not in notes["001.jpg"]
    for one in inbox.read(tmp_path / "inbox"):
        assert one.file.read_bytes() == content[one.name]
    again = taken(tmp_path, raw, archive)
    assert (again.new, again.known) == (0, 2) and len(inbox.read(tmp_path / "inbox")) == 2


def test_what_the_task_has_is_told_by_the_hash_that_prepare_wrote(tmp_path, raw):
    content = jpeg(photo(1))
    known = Photo("can/0.png", raw / "can/0.png", hashlib.sha256(content).hexdigest())
    done = take_in(packed(tmp_path / "a.zip", {"001.jpg": content}), "toy", tmp_path / "inbox", [known])
    assert (done.new, done.known) == (0, 1)


@pytest.mark.parametrize(
    ("rows", "more"),
    [
        (None, {"task": "other"}),
        ("photos", {}),
        ([3], {}),
        ([{"file": "001.jpg"}], {}),
        ([row("001.jpg", guesses=[])], {}),
        ([row("001.jpg", guesses=[{"name": "can", "probability": "high"}])], {}),
    ],
)
def test_what_the_app_does_not_write_is_refused_in_one_line(tmp_path, raw, rows, more):
    archive = packed(tmp_path / "a.zip", {"001.jpg": jpeg(photo(1))}, rows, **more)
    with pytest.raises(UserError, match=r"a\.zip") as error:
        taken(tmp_path, raw, archive)
    assert "\n" not in str(error.value) and not (tmp_path / "inbox").exists()


def test_what_would_land_outside_is_refused(tmp_path, raw):
    archive = packed(tmp_path / "a.zip", {"../001.jpg": jpeg(photo(1))})
    with pytest.raises(UserError, match="001"):
        taken(tmp_path, raw, archive)
    assert not (tmp_path.parent / "001.jpg").exists()


def test_another_zip_is_refused(tmp_path, raw):
    (tmp_path / "b.zip").write_bytes(b"PK\x03\x04 broken")
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        archive.writestr("x.txt", "x")
    for name in ("b.zip", "c.zip"):
        with pytest.raises(UserError, match=name):
            taken(tmp_path, raw, tmp_path / name)
