"""The formats that a stranger's file may have: good examples of each, and the function of sortline that reads it.

`read` returns what can be compared with `==`. It raises `UserError` for a file that it refuses, and `Wrong` where what
it was given back cannot be right.
"""

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIZE = (24, 17)


class Wrong(AssertionError):
    """Something was read that cannot be right, without a word."""


@dataclass(frozen=True)
class Format:
    """`checked`: the format has a checksum, so that any change shows. `text`: what was cut off is a shorter text."""

    read: Callable[[Path], Any]
    examples: Callable[[], dict[str, bytes]]
    checked: bool = False
    text: bool = False
    more: Callable[[], Iterator[tuple[str, bytes]]] = field(default=lambda: iter(()))  # malformed by hand
    file: str = "input"  # its name


def sound(fine: object, what: str) -> None:
    if not fine:
        raise Wrong(what)


def pixels() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)


def pictures() -> dict[str, bytes]:
    found = {}
    for kind in ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"):
        stream = io.BytesIO()
        Image.fromarray(pixels()).save(stream, kind)
        found[kind.lower()] = stream.getvalue()
    return found


def read_picture(path: Path) -> Any:
    from sortline.data.images import open_rgb

    image = open_rgb(path)
    sound(image.mode == "RGB" and 0 < image.width * image.height <= 10**8, f"{image.mode} {image.size}")
    return image.size, hashlib.sha256(image.tobytes()).hexdigest()


def idx_files() -> dict[str, bytes]:
    from sortline.data import idx

    images = np.random.default_rng(2).integers(0, 256, (5, 4, 4), np.uint8)
    return {"images": idx.packed(images), "gzipped": gzip.compress(idx.packed(images), mtime=0)}


def read_idx(path: Path) -> Any:
    """The file as the pictures of both parts, beside labels that are right."""
    from sortline.data import idx

    content, labels = idx._unpacked(path.read_bytes(), path), idx.packed(np.arange(5, dtype=np.uint8))
    files = {name: (content if idx.IMAGES in name else labels, path) for name in idx.FILES}
    part = idx.parts(files)["train"]
    sound(part.images.ndim == 3 and len(part.images) == len(part.labels), "shape")
    return part.images.shape, part.images.tobytes()


def arrays() -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    return {"head.weight": random.normal(size=(3, 4)).astype(np.float32), "head.bias": np.ones(3, np.float32)}


def of_arrays(found: dict[str, np.ndarray], path: Path) -> Any:
    """What was read, as a net takes it: with all of its parameters, of their shapes."""
    from sortline._core import parameters

    parameters.check({name: array.shape for name, array in arrays().items()}, found, path)
    return {name: (array.dtype.str, array.shape, array.tobytes()) for name, array in found.items()}


def safetensors() -> dict[str, bytes]:
    from safetensors.numpy import save

    return {"head": save(arrays())}


def read_safetensors(path: Path) -> Any:
    from sortline._core import parameters

    found = parameters.read(path)
    sound(all(np.isfinite(array).all() for array in found.values()), "not finite")
    return of_arrays(found, path)


def npy() -> dict[str, bytes]:
    stream = io.BytesIO()
    np.save(stream, np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    return {"features": stream.getvalue()}


def read_npy(path: Path) -> Any:
    from sortline._core.arrays import read

    found = read(path, mapped=True)
    sound(isinstance(found, np.ndarray) and found.dtype != object, "kind")
    other = read(path)
    sound((found.dtype, found.shape, found.tobytes()) == (other.dtype, other.shape, other.tobytes()), "mapped and read")
    return found.dtype.str, found.shape, found.tobytes()


def checkpoint(*values: tuple[str, str, tuple[int, ...], bytes]) -> bytes:
    from mindspore.train.checkpoint_pb2 import Checkpoint

    message = Checkpoint()
    for name, kind, dims, content in values:
        value = message.value.add(tag=name)
        value.tensor.dims.extend(dims)
        value.tensor.tensor_type, value.tensor.tensor_content = kind, content
    return message.SerializeToString()


def checkpoints() -> dict[str, bytes]:
    import binascii

    plain = checkpoint(*((name, "Float32", one.shape, one.tobytes()) for name, one in arrays().items()))
    return {"plain": plain, "with CRC": plain + b"crc_num" + binascii.crc32(plain).to_bytes(10, "big")}


def read_weights(path: Path) -> Any:
    from sortline.backbones import loading

    return of_arrays(loading._read(path), path)


def torch_files() -> dict[str, bytes]:
    from torch_file import saved, tensor

    flat = {str(number): one.ravel() for number, one in enumerate(arrays().values())}
    steps = {name: tuple(step // one.itemsize for step in one.strides) for name, one in arrays().items()}
    shapes = zip(arrays().items(), flat.items(), strict=True)
    tensors = {name: tensor(key, row, 0, one.shape, steps[name]) for (name, one), (key, row) in shapes}
    return {"plain": saved(tensors, flat)}


def read_torch(path: Path) -> Any:
    from sortline.backbones import pytorch_file

    return of_arrays(pytorch_file.read(path), path)


FILES = {f"train/{name}/照片{i}.jpg": bytes(range(i, i + 60)) * 8 for name in "ab" for i in range(2)}


def tar(mode: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode=mode) as archive:
        for name, content in FILES.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def zipped(**options: Any) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in FILES.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return stream.getvalue()


def archives() -> dict[str, bytes]:
    return {"zip": zipped(), "tar.gz": tar("w:gz"), "tar.bz2": tar("w:bz2"), "tar.xz": tar("w:xz")}


def read_archive(path: Path) -> Any:
    import shutil

    from sortline.data.layout import photo_paths
    from sortline.data.sources.unpack import unpack

    out = path.parent / "out"
    shutil.rmtree(out, ignore_errors=True)
    hashes = unpack(path, out, photo_paths, 10**7)
    found = {file.relative_to(out).as_posix(): file.read_bytes() for file in out.rglob("*") if file.is_file()}
    sound({name: hashlib.sha256(content).hexdigest() for name, content in found.items()} == hashes, "hashes")
    return found
