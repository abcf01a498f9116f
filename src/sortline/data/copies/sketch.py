"""What the search for copies keeps of a photo: local features, a small grey picture, a hash."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import cv2
import imagehash
import numpy as np
from PIL import Image

from sortline._core.arrays import on_disk
from sortline._core.errors import UserError

SIDE = 256  # pixels of the longer side, at which local features are looked for
SMALL = SIDE // 2  # of the picture that is kept
FEATURES = 256  # of a photo at most
CELLS = 4  # a side: features are taken from 4 x 4 parts in turn, or text laid over a photo would take them all
HASH = 16  # side of the hash: 256 bits
BYTES = FEATURES * (2 * 4 + 128) + SMALL**2  # of a sketch on the disk
# A mirrored patch has the same descriptor, its rows and its 8 directions in the other order.
_INDEX = np.arange(128).reshape(4, 4, 8)
MIRRORED = _INDEX[::-1, :, (-np.arange(8)) % 8].ravel()

cv2.setNumThreads(1)  # photos are looked at in threads of our own


@dataclass(frozen=True)
class Sketch:
    """`points` float32 (n, 2), x and y in pixels of SIDE; `descriptors` uint8 (n, 128), SIFT; `picture` uint8 (h, w)
    gray, at most SMALL a side; `bits` bool (HASH * HASH,), its perceptual hash (Zauner 2010)."""

    points: np.ndarray
    descriptors: np.ndarray
    picture: np.ndarray
    bits: np.ndarray


def sketch(image: Image.Image) -> Sketch:
    """Return the sketch of an RGB image (local features: Lowe 2004, "Distinctive image features from scale-invariant
    keypoints", IJCV 60)."""
    image = image.convert("L")
    scale = SIDE / max(image.size)
    if scale < 1:
        image.thumbnail((SIDE, SIDE), Image.Resampling.BOX, reducing_gap=2)
    else:  # small pictures have their few features at a size where they can be found
        image = image.resize([max(1, round(side * scale)) for side in image.size], Image.Resampling.BILINEAR)
    gray = np.asarray(image)
    points, descriptors = _local_features(gray)
    small = image.resize([max(1, side // 2) for side in image.size], Image.Resampling.BOX)
    return Sketch(points, descriptors, np.asarray(small), imagehash.phash(image, hash_size=HASH).hash.ravel())


def _local_features(gray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    detector = cv2.SIFT.create(contrastThreshold=0.01, edgeThreshold=15)
    found = detector.detect(gray, None)
    if not found:
        return np.empty((0, 2), np.float32), np.empty((0, 128), np.uint8)
    points, strength = np.array([one.pt for one in found]), np.array([one.response for one in found])
    cell = np.minimum(points[:, ::-1] * CELLS // gray.shape, CELLS - 1).astype(int) @ (CELLS, 1)
    strongest = np.lexsort((-strength, cell))
    firsts = np.searchsorted(cell[strongest], cell[strongest])
    turn = np.arange(len(found)) - firsts  # which one of its cell it is
    kept = strongest[np.lexsort((-strength[strongest], turn))][:FEATURES]
    chosen, descriptors = detector.compute(gray, [found[i] for i in kept])
    return np.array([one.pt for one in chosen], np.float32), descriptors.astype(np.uint8)


# A sketch in arrays of one size, for the disk.
PACKED: dict[str, tuple[type, tuple[int, ...]]] = {
    "points": (np.float32, (FEATURES, 2)),
    "descriptors": (np.uint8, (FEATURES, 128)),
    "picture": (np.uint8, (SMALL, SMALL)),
    "bits": (np.bool_, (HASH * HASH,)),
    "sizes": (np.int32, (3,)),  # local features, height, width
}


def packed(one: Sketch) -> dict[str, np.ndarray]:
    """Return the sketch as PACKED has it."""
    arrays: dict[str, np.ndarray] = {name: np.zeros(shape, kind) for name, (kind, shape) in PACKED.items()}
    n, (height, width) = len(one.points), one.picture.shape
    arrays["points"][:n], arrays["descriptors"][:n] = one.points, one.descriptors
    arrays["picture"][:height, :width] = one.picture
    return arrays | {"bits": one.bits, "sizes": np.array([n, height, width], np.int32)}


def unpacked(arrays: Mapping[str, np.ndarray]) -> Sketch:
    """Return the sketch that `packed` made the arrays of."""
    n, height, width = arrays["sizes"].tolist()
    picture = arrays["picture"][:height, :width]
    return Sketch(arrays["points"][:n], arrays["descriptors"][:n], picture, arrays["bits"])


class Sketches:
    """The sketches of up to `count` photos, on the disk while they are in use: 50 kB each."""

    def __init__(self, count: int) -> None:
        needed, free = count * BYTES, shutil.disk_usage(tempfile.gettempdir()).free
        if needed > free:
            raise UserError(
                f"{tempfile.gettempdir()}: {free / 1e9:.1f} GB free, and the search for copies among {count:,} files "
                f"needs {needed / 1e9:.1f}; make room, set TMPDIR, or set prepare's duplicates.search to exact"
            )
        self._folder = tempfile.TemporaryDirectory(prefix="sortline-")
        self._count = count
        self._arrays = {
            name: on_disk(Path(self._folder.name, f"{name}.npy"), kind, (max(count, 1), *shape))
            for name, (kind, shape) in PACKED.items()
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._arrays.clear()  # Windows removes no file that is mapped
        self._folder.cleanup()

    def __len__(self) -> int:
        return self._count

    def __setitem__(self, number: int, one: Sketch) -> None:
        for name, array in packed(one).items():
            self._arrays[name][number] = array

    def __getitem__(self, number: int) -> Sketch:
        return unpacked({name: array[number] for name, array in self._arrays.items()})


def comparable(descriptors: np.ndarray) -> np.ndarray:
    """Return descriptors as unit vectors, float32 (n, 128): square roots of shares (Arandjelovic, Zisserman 2012)."""
    values = descriptors.astype(np.float32)
    return np.sqrt(values / np.maximum(values.sum(-1, keepdims=True), 1))
