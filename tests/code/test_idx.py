"""sortline.data.idx and the sources of digits: what is written comes back; a malformed file is named in one line."""

import gzip
import struct
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sortline._core.errors import UserError
from sortline.data import idx
from sortline.data.datasets import open_picture
from sortline.data.sources.base import reachable
from sortline.data.sources.fetching import fetch_photos
from sortline.data.sources.idx_folder import IdxFolder
from sortline.data.sources.idx_mirror import IdxMirror
from sortline.data.sources.sklearn_digits import SklearnDigits

IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"


def content(name: str, count: int) -> bytes:
    """Return an IDX file by hand, not by the code under test: `count` pictures of 4 x 3 pixels, or their labels."""
    if "labels" in name:
        return bytes.fromhex("00000801") + struct.pack(">I", count) + bytes(i % 10 for i in range(count))
    pixels = bytes((7 * i) % 256 for i in range(12 * count))
    return bytes.fromhex("00000803") + struct.pack(">III", count, 4, 3) + pixels


@pytest.fixture
def folder(tmp_path) -> Path:
    root = tmp_path / "数字"
    root.mkdir()
    for name in idx.FILES:
        (root / name).write_bytes(content(name, 20 if name.startswith("train") else 10))
    return root


def fetch(source, tmp_path, data: Path | None = None):
    return fetch_photos("mine", [source], tmp_path / "raw", tmp_path / "downloads", data)[0]


def test_files_are_read_as_they_were_written(folder):
    parts = idx.read(folder)
    assert parts["train"].images.shape == (20, 4, 3) and parts["test"].images.shape == (10, 4, 3)
    assert parts["train"].images[1, 0].tolist() == [84, 91, 98]
    assert parts["test"].labels.tolist() == list(range(10))
    assert idx.packed(parts["train"].images) == content(IMAGES, 20)
    assert idx.packed(parts["train"].labels) == content(LABELS, 20)


def test_one_picture_by_its_path(folder):
    picture = open_picture(folder / "test" / "00003")
    assert (picture.mode, picture.size) == ("RGB", (3, 4))
    assert np.array_equal(np.asarray(picture)[..., 0], idx.read(folder)["test"].images[3])
    Image.new("RGB", (5, 5), "red").save(folder.parent / "a.png")
    assert open_picture(folder.parent / "a.png").getpixel((0, 0)) == (255, 0, 0)


DAMAGE = {
    "magic": (IMAGES, lambda raw: b"\0\0\x07\x03" + raw[4:], "magic number 00000703, expected 00000803"),
    "labels instead": (IMAGES, lambda raw: content(LABELS, 20), "magic number 00000801, expected 00000803"),
    "a picture": (IMAGES, lambda raw: b"\x89PNG\r\n\x1a\n", "magic number 89504e47"),
    "empty": (LABELS, lambda raw: b"", "magic number missing"),
    "header cut": (IMAGES, lambda raw: raw[:10], "truncated: 10 bytes, the header alone has 16"),
    "cut": (IMAGES, lambda raw: raw[:-1], "truncated: 255 bytes, its header announces 256"),
    "trailing": (LABELS, lambda raw: raw + b"\0", "bytes after the last element: 29 bytes"),
    "count": (LABELS, lambda raw: content(LABELS, 19), "20 pictures but 19 labels"),
    "no digit": (LABELS, lambda raw: raw[:-1] + b"\x0b", "label 11 of picture 19"),
    "vast": (IMAGES, lambda raw: raw[:4] + b"\xff" * 12, "its header announces"),
    "gzip cut": (IMAGES, lambda raw: gzip.compress(raw)[:-9], "broken gzip"),
    "gzip changed": (IMAGES, lambda raw: gzip.compress(raw)[:-8] + b"\0" * 8, "broken gzip"),
}


@pytest.mark.parametrize(("name", "damage", "said"), DAMAGE.values(), ids=DAMAGE)
def test_a_malformed_file_is_named_in_one_line_and_nothing_is_left(folder, tmp_path, name, damage, said):
    (folder / name).write_bytes(damage((folder / name).read_bytes()))
    with pytest.raises(UserError) as caught:
        fetch(IdxFolder(kind="idx", path=str(folder)), tmp_path)
    line = str(caught.value)
    assert said in line and str(folder / name) in line and "\n" not in line
    assert not (tmp_path / "raw").exists()


def test_a_malformed_zipped_file_is_named_as_it_lies_there(folder, tmp_path):
    raw = (folder / LABELS).read_bytes()
    (folder / LABELS).unlink()
    (folder / f"{LABELS}.gz").write_bytes(gzip.compress(raw + b"\0"))
    with pytest.raises(UserError, match="bytes after the last element") as caught:
        fetch(IdxFolder(kind="idx", path=str(folder)), tmp_path)
    assert f"{folder / LABELS}.gz: " in str(caught.value)
    assert "make run TASK=digits" in str(caught.value)


def test_a_missing_file_is_named(folder, tmp_path):
    (folder / idx.FILES[3]).unlink()
    with pytest.raises(UserError, match="no t10k-labels-idx1-ubyte in it"):
        fetch(IdxFolder(kind="idx", path=str(folder)), tmp_path)
    assert reachable([IdxFolder(kind="idx", path=str(folder))], None)[0] is False


def test_gzipped_or_not_and_with_a_dot_it_is_the_same_data_set(folder, tmp_path):
    plain = fetch(IdxFolder(kind="idx", path=folder.name), tmp_path, folder.parent)
    for at, name in enumerate(idx.FILES):
        raw = (folder / name).read_bytes()
        (folder / name).unlink()
        other = name if at == 0 else name.replace("-idx", ".idx")
        (folder / f"{other}.gz").write_bytes(gzip.compress(raw))
    zipped = fetch(IdxFolder(kind="idx", path=folder.name), tmp_path, folder.parent)
    assert plain == zipped and plain["kind"] == "idx" and plain["files"] == 4
    assert (tmp_path / "raw" / IMAGES).read_bytes() == content(IMAGES, 20)


def test_another_content_than_promised_is_refused(folder, tmp_path):
    about = fetch(IdxFolder(kind="idx", path=str(folder)), tmp_path)
    right = IdxFolder(kind="idx", path=str(folder), content_sha256=about["content_sha256"])
    assert fetch(right, tmp_path) == about
    with pytest.raises(UserError, match="content_sha256 of the files is"):
        fetch(right.model_copy(update={"content_sha256": "0" * 64}), tmp_path)


@pytest.fixture
def mirror(folder):
    for name in idx.FILES:
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
        (folder / name).unlink()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield IdxMirror(kind="idx_mirror", url=f"http://127.0.0.1:{server.server_port}/mnist/".replace("/mnist/", "/."))
    server.shutdown()


def test_a_mirror_gives_the_unpacked_files_and_a_broken_one_is_named_by_its_address(mirror, folder, tmp_path):
    about = fetch(mirror, tmp_path)
    assert (about["kind"], about["address"], about["name"]) == ("idx_mirror", mirror.url, "mnist")
    assert (tmp_path / "raw" / LABELS).read_bytes() == content(LABELS, 20)
    assert reachable([mirror], None)[0] is True
    (folder / f"{LABELS}.gz").write_bytes(gzip.compress(content(LABELS, 20))[:-4])
    with pytest.raises(UserError, match=rf"127.0.0.1:\d+/\./{LABELS}.gz: broken gzip"):
        fetch(mirror, tmp_path)
    assert not list((tmp_path / "downloads").rglob("*.gz"))


def test_scikit_learns_digits_are_all_there_enlarged_in_their_order(tmp_path):
    from sklearn.datasets import load_digits

    about = fetch(SklearnDigits(kind="sklearn_digits", side=28, test=360), tmp_path)
    parts, bunch = idx.read(tmp_path / "raw"), load_digits()
    assert (len(parts["train"].labels), len(parts["test"].labels)) == (1437, 360)
    labels = np.concatenate([parts["train"].labels, parts["test"].labels])
    assert np.array_equal(labels, bunch.target)
    images = np.concatenate([parts["train"].images, parts["test"].images])
    assert images.shape == (1797, 28, 28) and images[:, :4].max() == 0 and images[:, 24:].max() == 0
    for i in (0, 700, 1796):
        small = np.asarray(Image.fromarray(images[i, 4:24, 4:24]).resize((8, 8), Image.Resampling.BOX), float)
        assert np.corrcoef(small.ravel(), bunch.images[i].ravel())[0, 1] > 0.95
    assert "proves the pipeline" in about["note"]
