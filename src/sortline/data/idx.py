"""IDX, the file format of MNIST (http://yann.lecun.com/exdb/mnist/): read strictly, written, looked up."""

import gzip
import io
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from sortline._core.errors import UserError

PARTS = {"train": "train", "test": "t10k"}  # our name of a part -> how its two files begin
IMAGES, LABELS = "images-idx3-ubyte", "labels-idx1-ubyte"
FILES = tuple(f"{start}-{kind}" for start in PARTS.values() for kind in (IMAGES, LABELS))
MAX_BYTES = 500 * 10**6  # of a file, unpacked; MNIST's largest has 47 MB
CLASSES = 10

_GZIP = b"\x1f\x8b"
_UNSIGNED_BYTE = 0x08  # the only element type that digits come in


@dataclass(frozen=True)
class Part:
    """The pictures of a part, uint8 (n, rows, columns), light on dark, and their labels, uint8 (n,), 0 to 9."""

    images: np.ndarray
    labels: np.ndarray


def unpacked(content: bytes, where: object) -> bytes:
    """Return the bytes of an IDX file that may be gzipped; raise `UserError` naming `where` for a broken gzip."""
    if not content.startswith(_GZIP):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            plain = stream.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{where}: broken gzip ({error}); fetch it again") from None
    if len(plain) > MAX_BYTES:
        raise UserError(f"{where}: more than {MAX_BYTES // 10**6} MB unpacked, no file of digits")
    return plain


def parse(content: bytes, dimensions: int, where: object) -> np.ndarray:
    """Return the array in an IDX file of unsigned bytes, uint8, with that many dimensions.

    Raises `UserError` naming `where` for a wrong magic number, a truncated file, and bytes after the last element.
    """
    header = 4 + 4 * dimensions
    wanted = struct.pack(">BBBB", 0, 0, _UNSIGNED_BYTE, dimensions)
    if content[:4] != wanted[: len(content[:4])] or not content:
        raise UserError(f"{where}: magic number {content[:4].hex() or 'missing'}, expected {wanted.hex()}: no IDX file")
    if len(content) < header:
        raise UserError(f"{where}: truncated: {len(content)} bytes, the header alone has {header}")
    shape = struct.unpack(f">{dimensions}I", content[4:header])
    expected = int(np.prod(shape, dtype=object)) + header
    if len(content) != expected:
        what = "truncated" if len(content) < expected else "bytes after the last element"
        raise UserError(f"{where}: {what}: {len(content):,} bytes, its header announces {expected:,}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def packed(array: np.ndarray) -> bytes:
    """Return a uint8 array as the bytes of an IDX file."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, _UNSIGNED_BYTE, array.ndim, *array.shape)
    return header + np.ascontiguousarray(array, np.uint8).tobytes()


def check(images: np.ndarray, labels: np.ndarray, where: object) -> Part:
    """Return images and labels as a part; raise `UserError` where counts disagree or a label is no digit."""
    if len(images) != len(labels):
        raise UserError(f"{where}: {len(images):,} pictures but {len(labels):,} labels")
    if images.size == 0:
        raise UserError(f"{where}: no pictures in it")
    if labels.max() >= CLASSES:
        first = int(np.argmax(labels >= CLASSES))
        raise UserError(f"{where}: label {labels[first]} of picture {first}; digits are 0 to {CLASSES - 1}")
    return Part(images, labels)


def read(folder: Path) -> dict[str, Part]:
    """Read the four files of a raw folder: {"train": ..., "test": ...}; raise `UserError` naming the file at fault."""
    parts = {}
    for name, start in PARTS.items():
        files = [folder / f"{start}-{kind}" for kind in (IMAGES, LABELS)]
        images, labels = (parse(_content(file), 3 - 2 * at, file) for at, file in enumerate(files))
        parts[name] = check(images, labels, where=files[1])
    return parts


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; fetch it again: dvc repro -f fetch@{path.parent.name}") from None


def record_path(part: str, index: int) -> str:
    """Return how a picture is named in images.csv: `train/00001`."""
    return f"{part}/{index:05d}"


def find_record(path: Path) -> tuple[Path, int] | None:
    """Return the IDX file and the index that `<raw folder>/train/00001` stands for; None if it is no such path."""
    start = PARTS.get(path.parent.name)
    if start is None or not path.name.isdecimal():
        return None
    file = path.parent.parent / f"{start}-{IMAGES}"
    return (file, int(path.name)) if file.is_file() else None


def read_record(file: Path, index: int) -> Image.Image:
    """Return one picture of a file that `read` has accepted, as an RGB image."""
    with file.open("rb") as stream:
        _, rows, columns = struct.unpack(">3I", stream.read(16)[4:])
        stream.seek(16 + index * rows * columns)
        pixels = np.frombuffer(stream.read(rows * columns), np.uint8).reshape(rows, columns)
    return Image.fromarray(pixels).convert("RGB")
