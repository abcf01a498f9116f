"""IDX, the file format of MNIST (http://yann.lecun.com/exdb/mnist/): read strictly, written, looked up."""

import gzip
import hashlib
import io
import struct
import zlib
from collections.abc import Mapping
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

_UNSIGNED_BYTE = 0x08
_TYPES = {_UNSIGNED_BYTE: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


@dataclass(frozen=True)
class Part:
    """The pictures of a part, uint8 (n, rows, columns), light on dark, and their labels, uint8 (n,), 0 to 9."""

    images: np.ndarray
    labels: np.ndarray


def read(folder: Path) -> dict[str, Part]:
    """Read the four files of a raw folder: {"train": ..., "test": ...}; raise `UserError` naming the file at fault."""
    try:
        return parts({name: ((folder / name).read_bytes(), folder / name) for name in FILES})
    except FileNotFoundError as error:
        raise UserError(f"{error.filename}: no such file; fetch it again: dvc repro -f fetch@{folder.name}") from None


def write(folder: Path, content: Mapping[str, Part]) -> dict[str, str]:
    """Write the FILES of the parts "train" and "test", plain, as unsigned bytes; return {name: sha256}."""
    hashes = {}
    for name, start in PARTS.items():
        for kind, array in ((IMAGES, content[name].images), (LABELS, content[name].labels)):
            plain = packed(array)
            (folder / f"{start}-{kind}").write_bytes(plain)
            hashes[f"{start}-{kind}"] = hashlib.sha256(plain).hexdigest()
    return hashes


def parts(files: Mapping[str, tuple[bytes, object]]) -> dict[str, Part]:
    """Return the parts that the contents of the FILES, {name: (content, gzipped or not; where it came from)}, make up.

    Labels may have columns, of which the first says the digit (QMNIST). Raises `UserError`, which names where the file
    at fault came from, for a malformed file, where counts disagree, for a label that is no digit, and for pictures of
    other values than 0 to 255.
    """
    found = {}
    for part, start in PARTS.items():
        images = _bytes(_parse(*files[f"{start}-{IMAGES}"], 3), files[f"{start}-{IMAGES}"][1])
        labels = _parse(*files[f"{start}-{LABELS}"], 1, 2)
        labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] else labels.ravel()
        where = files[f"{start}-{LABELS}"][1]
        if len(images) != len(labels):
            raise UserError(f"{where}: {len(images):,} pictures but {len(labels):,} labels")
        if images.size == 0:
            raise UserError(f"{where}: no pictures in it")
        strange = (labels < 0) | (labels >= CLASSES) | (labels % 1 != 0)
        if strange.any():
            first = int(np.argmax(strange))
            raise UserError(f"{where}: label {labels[first]} of picture {first}; digits are 0 to {CLASSES - 1}")
        found[part] = Part(images, labels.astype(np.uint8))
    return found


def _bytes(pictures: np.ndarray, where: object) -> np.ndarray:
    if pictures.dtype.kind == "f":
        raise UserError(f"{where}: pictures of floating-point numbers; save them as unsigned bytes, 0 to 255")
    if pictures.size and not 0 <= pictures.min() <= pictures.max() <= 255:
        raise UserError(
            f"{where}: pictures with values from {pictures.min()} to {pictures.max()}; they go from 0 to 255"
        )
    return pictures.astype(np.uint8, copy=False)


def _unpacked(content: bytes, where: object) -> bytes:
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(content)) as stream:
            plain = stream.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{where}: broken gzip ({error}); fetch it again") from None
    if len(plain) > MAX_BYTES:
        raise UserError(f"{where}: more than {MAX_BYTES // 10**6} MB unpacked, no file of digits")
    return plain


def _parse(content: bytes, where: object, *dimensions: int) -> np.ndarray:
    """Return the array in an IDX file, gzipped or not, of one of the numbers of `dimensions`; raise `UserError` unless
    it is one from first byte to last."""
    content = _unpacked(content, where)
    magic = content[:4]
    if magic[:2] != b"\0\0" or len(magic) < 4 or magic[2] not in _TYPES or magic[3] not in dimensions:
        wanted = bytes((0, 0, _UNSIGNED_BYTE, dimensions[0])).hex()
        raise UserError(f"{where}: magic number {magic.hex() or 'missing'}, expected {wanted}: no IDX file of digits")
    header, dtype = 4 + 4 * magic[3], np.dtype(_TYPES[magic[2]])
    if len(content) < header:
        raise UserError(f"{where}: truncated: {len(content)} bytes, the header alone has {header}")
    shape = struct.unpack(f">{magic[3]}I", content[4:header])
    expected = int(np.prod(shape, dtype=object)) * dtype.itemsize + header
    if len(content) != expected:
        what = "truncated" if len(content) < expected else "bytes after the last element"
        raise UserError(f"{where}: {what}: {len(content):,} bytes, its header announces {expected:,}")
    if 0 in shape:  # whatever the others are: NumPy refuses to make an array of some of them
        shape = (0,) * len(shape)
    return np.frombuffer(content, dtype, offset=header).reshape(shape)


def packed(array: np.ndarray) -> bytes:
    """Return a uint8 array as the bytes of an IDX file."""
    return struct.pack(f">4B{array.ndim}I", 0, 0, _UNSIGNED_BYTE, array.ndim, *array.shape) + array.tobytes()


def find_record(path: Path) -> tuple[Path, int] | None:
    """Return the IDX file and the index that `<raw folder>/train/00001` stands for; None if it is no such path."""
    start = PARTS.get(path.parent.name)
    if start is None or not path.name.isdecimal():
        return None
    file = path.parent.parent / f"{start}-{IMAGES}"
    return (file, int(path.name)) if file.is_file() else None


def read_record(file: Path, index: int) -> Image.Image:
    """Return one picture of a file that `read` has accepted, as an RGB image."""
    _, _, rows, columns = np.fromfile(file, ">u4", 4).tolist()
    pixels = np.fromfile(file, np.uint8, rows * columns, offset=16 + index * rows * columns)
    return Image.fromarray(pixels.reshape(rows, columns)).convert("RGB")
