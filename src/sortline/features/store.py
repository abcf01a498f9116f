"""What `extract` kept of the photos, read back without MindSpore."""

from pathlib import Path
from typing import Any

import numpy as np

from sortline._core.errors import UserError
from sortline._core.files import read_json

# What may be in the folder, and the setting that brings it there.
FILES = {
    "pooled": "run `dvc repro` again",
    "maps": "set extract.pool to none, then run `dvc repro` again",
    "inner": "set extract.upto, then run `dvc repro` again",
    "pixels": "set extract.pixels to true, then run `dvc repro` again",
}


def read(folder: Path, photos: int, dataset: str | None = None, what: str = "pooled") -> np.ndarray:
    """Return `what` was kept of all `photos`, memory-mapped.

    "pooled": float32 (photos, K views, 2 [mean, max], C). "maps": the plain view's last maps, float16 (photos, 1, C, h,
    w). "inner": the maps before the blocks that train, float16 (photos, K, C, h, w). "pixels": uint8 (photos, S, S), in
    colour (photos, S, S, 3).
    Raises `UserError` where there is no such thing, or of another number of photos or of another data set (its
    fingerprint; None: any).
    """
    path = folder / f"{what}.npy"
    if not path.exists():
        raise UserError(f"{path}: not there; {FILES[what]}")
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    found = about(folder)["dataset"]
    if len(array) != photos or dataset not in (None, found):
        expected = f"{photos} photos" + (f" of {dataset}" if dataset else "")
        raise UserError(
            f"{path}: features of {len(array)} photos of data set {found}, expected {expected}; run `dvc repro` again"
        )
    return array


def about(folder: Path) -> dict[str, Any]:
    """Return features.json."""
    return read_json(folder / "features.json")
