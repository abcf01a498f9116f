"""Feature Maps that `extract` wrote, read back without MindSpore."""

from pathlib import Path

import numpy as np

from sortline.errors import UserError
from sortline.files import read_json


def read(folder: Path, photos: int, dataset: str | None = None, maps: bool = False) -> np.ndarray:
    """Return the features of all `photos`, memory-mapped: pooled, float32 (photos, K views, 2 [mean, max], C), or with
    `maps` the maps of the plain view, float16 (photos, 1, C, h, w).

    Raises `UserError` where they were not extracted, or are of another number of photos or of another data set (its
    fingerprint; None: any).
    """
    path = folder / ("maps.npy" if maps else "pooled.npy")
    if not path.exists():
        remedy = "set extract.pool to none, then run `dvc repro` again" if maps else "run `dvc repro` again"
        raise UserError(f"{path}: not there; {remedy}")
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    found = read_json(folder / "features.json")["dataset"]
    if len(array) != photos or dataset not in (None, found):
        expected = f"{photos} photos" + (f" of {dataset}" if dataset else "")
        raise UserError(
            f"{path}: features of {len(array)} photos of data set {found}, expected {expected}; run `dvc repro` again"
        )
    return array
