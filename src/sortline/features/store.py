"""The store of Feature Maps: what `extract` keeps of the photos, written there and read back without MindSpore."""

from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sortline._core import arrays
from sortline._core.errors import UserError
from sortline._core.files import read_json, write_json

# What may be in the folder: its type, and the setting that brings it there.
KEPT = {
    "pooled": (np.float32, "run `dvc repro` again"),
    "maps": (np.float16, "set extract.pool to none, then run `dvc repro` again"),
    "inner": (np.float16, "set extract.upto, then run `dvc repro` again"),
    "pixels": (np.uint8, "set extract.pixels to true, then run `dvc repro` again"),
}


class FeatureStore:
    """data/features/<task>: .npy arrays of N photos, in images.csv's order, features.json about them, the backbone.

    "pooled": float32 (N, K views, 2 [mean, max], C). "maps": their last maps, float16 (N, K, C, h, w).
    "inner": the maps before the blocks that train, float16 (N, K, C, h, w). "pixels": the pictures, uint8 (N, S, S),
    in colour (N, S, S, 3).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def backbone(self) -> Path:
        """The backbone as ONNX, see `engines.to_onnx`."""
        return self.folder / "backbone.onnx"

    @cached_property
    def about(self) -> dict[str, Any]:
        """features.json."""
        return read_json(self.folder / "features.json")

    @property
    def blocks(self) -> int | None:
        """How many blocks of the backbone come after `inputs`; None: there is no backbone, these are pictures."""
        return (self.about.get("upto") or 0) if "backbone" in self.about else None

    def describe(self, about: dict[str, Any]) -> None:
        """Write features.json."""
        write_json(self.folder / "features.json", about)

    def create(self, what: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return a new array to be filled, mapped to its file."""
        return arrays.on_disk(self.folder / f"{what}.npy", KEPT[what][0], shape)

    def read(self, what: str, photos: int, dataset: str | None = None) -> np.ndarray:
        """Return `what` was kept of all `photos`, memory-mapped.

        Raises `UserError` where there is none, or of other photos: by number or by fingerprint, `dataset` (None: any).
        """
        path = self.folder / f"{what}.npy"
        if not path.exists():
            raise UserError(f"{path}: not there; {KEPT[what][1]}")
        array = arrays.read(path, mapped=True)
        found = self.about["dataset"]
        if len(array) != photos or dataset not in (None, found):
            expected = f"{photos} photos" + (f" of {dataset}" if dataset else "")
            what = f"features of {len(array)} photos of data set {found}"
            raise UserError(f"{path}: {what}, expected {expected}; run `dvc repro` again")
        return array

    def pooled(self, photos: int) -> np.ndarray:
        """Return the plain view's features, mean-pooled, float32 (N, C), of a backbone; see `read`."""
        return self.read("pooled", photos)[:, 0, 0]

    def inputs(self, photos: int, dataset: str | None = None) -> np.ndarray:
        """Return what a net is given, see `read`: pictures, or maps before the blocks that train, (N, K, C, h, w)."""
        if self.blocks is None:
            return self.read("pixels", photos, dataset)
        if self.blocks:
            return self.read("inner", photos, dataset)
        return self.read("pooled", photos, dataset)[:, :, 0][..., None, None]
