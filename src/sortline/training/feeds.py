"""What a net is given, batch by batch: grey pictures, photos in colour, or cached Feature Maps."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sortline.backbones.preprocessing import GREY, Preprocessing
from sortline.config.augment import CropParams, DistortionParams
from sortline.data.augment.crops import crop
from sortline.data.augment.distortion import distort


class Feed(Protocol):
    """n inputs of a net, which computes on `values * scale + shift` in float32."""

    @property
    def scale(self) -> np.ndarray: ...

    @property
    def shift(self) -> np.ndarray: ...

    def __len__(self) -> int: ...

    def augmented(self, rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Return the inputs of `rows` as training sees them, (len(rows), ...): changed by chance."""

    def plain(self, rows: np.ndarray) -> np.ndarray:
        """Return the inputs of `rows` as they are, (len(rows), ...)."""


@dataclass(frozen=True)
class GreyPictures:
    """Pictures uint8 (n, S, S), as (n, 1, S, S)."""

    images: np.ndarray
    change: DistortionParams = DistortionParams()
    scale, shift = GREY.scale[:, None, None], GREY.shift[:, None, None]

    def __len__(self) -> int:
        return len(self.images)

    def augmented(self, rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return distort(self.images[rows], self.change, generator)[:, None]

    def plain(self, rows: np.ndarray) -> np.ndarray:
        return self.images[rows][:, None]


@dataclass(frozen=True)
class Photos:
    """Photos uint8 RGB (n, S, S, 3), as (n, 3, S, S)."""

    images: np.ndarray
    preprocessing: Preprocessing
    change: CropParams = CropParams()

    @property
    def scale(self) -> np.ndarray:
        return self.preprocessing.scale[:, None, None]

    @property
    def shift(self) -> np.ndarray:
        return self.preprocessing.shift[:, None, None]

    def __len__(self) -> int:
        return len(self.images)

    def augmented(self, rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return crop(self.images[rows], self.change, generator).transpose(0, 3, 1, 2)

    def plain(self, rows: np.ndarray) -> np.ndarray:
        return self.images[rows].transpose(0, 3, 1, 2)


@dataclass(frozen=True)
class Maps:
    """Feature Maps float16 or float32 (n, K views, C, h, w); training draws a view, view 0 is the plain one.

    Pooled features are maps of one place, (n, K, C, 1, 1).
    """

    maps: np.ndarray
    scale, shift = np.ones((1, 1, 1), np.float32), np.zeros((1, 1, 1), np.float32)

    def __len__(self) -> int:
        return len(self.maps)

    def augmented(self, rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return self.maps[rows, generator.integers(self.maps.shape[1], size=len(rows))]

    def plain(self, rows: np.ndarray) -> np.ndarray:
        return self.maps[rows, 0]
