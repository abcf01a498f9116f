"""Digits as EMNIST, QMNIST and programs write them: read right, or refused in a line that says what they are."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from sortline._core.errors import UserError
from sortline.data import digit_sets, idx
from sortline.data.idx import Part
from sortline.data.sources.fetching import fetch_photos
from sortline.data.sources.idx_folder import IdxFolder

# IDX element types by their published codes (LeCun's page), independent of the code under test.
CODES = {"u1": 8, "i1": 9, ">i2": 0x0B, ">i4": 0x0C, ">f4": 0x0D, ">f8": 0x0E}


def idx_file(array: np.ndarray, kind: str) -> bytes:
    sizes = b"".join(int(size).to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, CODES[kind], array.ndim]) + sizes + array.astype(kind).tobytes()


def digits(count: int, margin: int = 4) -> Part:
    """Return strokes of 28 x 28: the ones upright, the others slanting either way."""
    random = np.random.default_rng(count)
    images, labels = np.zeros((count, 28, 28), np.uint8), np.arange(count) % 10
    for image, label in zip(images, labels, strict=True):
        rows = np.arange(margin, 28 - margin)
        columns = 13 + np.round((rows - 13.5) * (0 if label == 1 else random.uniform(-1, 1))).astype(int)
        for wide in (0, 1):
            image[rows, np.clip(columns + wide, margin, 27 - margin)] = random.integers(100, 256)
    return Part(images, labels.astype(np.uint8))


TRAIN, TEST = digits(300), digits(40)


def fetch(folder: Path, tmp_path: Path) -> dict:
    source = IdxFolder(kind="idx", path=str(folder))
    return fetch_photos("mine", [source], tmp_path / "raw", tmp_path / "downloads", None)[0]


def write(folder: Path, names: tuple[str, ...], parts=(TRAIN, TEST), kinds=("u1", "u1"), columns=0) -> Path:
    """Write two parts of digits under four names, gzipped, in the element types of pictures and labels."""
    folder.mkdir(exist_ok=True)
    for part, (images, labels) in zip(parts, (names[:2], names[2:]), strict=True):
        label = part.labels[:, None].repeat(columns, 1) if columns else part.labels
        if columns:
            label = np.where(np.arange(columns) == 0, label, 77_000)
        (folder / f"{images}.gz").write_bytes(gzip.compress(idx_file(part.images, kinds[0])))
        (folder / f"{labels}.gz").write_bytes(gzip.compress(idx_file(label, kinds[1])))
    return folder


def assert_read(tmp_path: Path) -> None:
    found = idx.read(tmp_path / "raw")
    for name, part in (("train", TRAIN), ("test", TEST)):
        assert np.array_equal(found[name].images, part.images) and np.array_equal(found[name].labels, part.labels)


def test_qmnists_labels_of_eight_columns(tmp_path):
    names = [f"qmnist-{part}-{kind}" for part in ("train", "test") for kind in (idx.IMAGES, "labels-idx2-int")]
    about = fetch(write(tmp_path / "qmnist", tuple(names), kinds=("u1", ">i4"), columns=8), tmp_path)
    assert_read(tmp_path)
    assert (about["name"], about["files"]) == ("qmnist", 4)


@pytest.mark.parametrize("kinds", [("u1", "i1"), (">i2", ">i2"), (">i4", ">i4"), ("u1", ">f4")])
def test_other_types_of_whole_numbers_are_the_same_digits(tmp_path, kinds):
    plain = fetch(write(tmp_path / "plain", idx.FILES), tmp_path)
    other = fetch(write(tmp_path / "other", idx.FILES, kinds=kinds), tmp_path)
    assert other["content_sha256"] == plain["content_sha256"]
    assert_read(tmp_path)


@pytest.mark.parametrize("prefix", ["emnist-digits", "emnist-mnist", None])
def test_emnists_transposed_pictures_are_turned_upright_and_that_is_said(tmp_path, prefix):
    parts = tuple(Part(part.images.swapaxes(1, 2), part.labels) for part in (TRAIN, TEST))
    names = [f"{prefix}-{part}-{kind}" for part in ("train", "test") for kind in (idx.IMAGES, idx.LABELS)]
    about = fetch(write(tmp_path / "set", tuple(names) if prefix else idx.FILES, parts), tmp_path)
    assert_read(tmp_path)
    assert about["name"] == "set (pictures turned upright)"


def test_pictures_that_fill_their_frame_are_no_digits(tmp_path):
    write(tmp_path / "fashion", idx.FILES, (digits(300, margin=0), TEST))
    with pytest.raises(UserError, match="fashion: no handwritten digits.*Fashion-MNIST.*sortline new"):
        fetch(tmp_path / "fashion", tmp_path)


@pytest.mark.parametrize(
    ("part", "kinds", "said"),
    [
        (TRAIN, (">f4", "u1"), "floating-point"),
        (Part(TRAIN.images.astype(int) * 4, TRAIN.labels), (">i2", "u1"), "values from 0 to 1020"),
        (Part(TRAIN.images, TRAIN.labels.astype(int) - 1), ("u1", "i1"), "label -1 of picture 0"),
        (Part(TRAIN.images, TRAIN.labels + 0.5), ("u1", ">f4"), "label 0.5 of picture 0"),
    ],
)
def test_numbers_that_mean_no_digits_are_named(tmp_path, part, kinds, said):
    with pytest.raises(UserError, match=said):
        fetch(write(tmp_path / "set", idx.FILES, (part, TEST), kinds), tmp_path)


def test_letters_are_named_as_what_is_there(tmp_path):
    names = [f"emnist-letters-{part}-{kind}" for part in ("train", "test") for kind in (idx.IMAGES, idx.LABELS)]
    with pytest.raises(UserError, match="no train-images-idx3-ubyte in it.*there is: emnist-letters-test-images"):
        fetch(write(tmp_path / "letters", tuple(names)), tmp_path)


@pytest.mark.data
@pytest.mark.skipif(not os.environ.get("SORTLINE_DATA"), reason="SORTLINE_DATA is not set")
def test_mnist_is_upright_and_transposed_it_is_turned():
    root = Path(os.environ["SORTLINE_DATA"]) / "mnist"
    parts = idx.parts({path.name.removesuffix(".gz"): (path.read_bytes(), path) for path in root.iterdir()})
    assert digit_sets.as_mnist(parts, root) == (parts, "")
    turned = {name: Part(part.images.swapaxes(1, 2), part.labels) for name, part in parts.items()}
    back, change = digit_sets.as_mnist(turned, root)
    assert change and np.array_equal(back["test"].images, parts["test"].images)
