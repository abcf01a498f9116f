"""What a net is given, batch by batch, out of what `extract` kept: pictures, maps before the last blocks, features."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import mindspore
import numpy as np
from mindspore import nn

from sortline.backbones.preprocessing import GREY, Preprocessing
from sortline.config.augment import CropParams, DistortionParams
from sortline.data.augment.crops import crop
from sortline.data.augment.distortion import distort
from sortline.features.store import FeatureStore
from sortline.nets.photo_net import PhotoNet, Tail

PREDICTED = (16, 500), 2**21  # inputs at a time: minimum and maximum; bytes of them


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
class ColourPictures:
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

    Pooled features are maps of one position, (n, K, C, 1, 1).
    """

    maps: np.ndarray
    scale, shift = np.ones((1, 1, 1), np.float32), np.zeros((1, 1, 1), np.float32)

    def __len__(self) -> int:
        return len(self.maps)

    def augmented(self, rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return self.maps[rows, generator.integers(self.maps.shape[1], size=len(rows))]

    def plain(self, rows: np.ndarray) -> np.ndarray:
        return self.maps[rows, 0]


@dataclass(frozen=True)
class Inputs:
    """`array`: as `FeatureStore.inputs` gives it.

    `blocks`: how many blocks of the backbone come after it; None: all, these are pictures. `pooled`: mean-pooled
    features, float32 (N, K, C), None beside pictures.
    """

    array: np.ndarray
    blocks: int | None
    image_size: int
    pooled: np.ndarray | None = None

    def feed(self, net: nn.Cell, rows: np.ndarray, change: DistortionParams | CropParams | None = None) -> Feed:
        """Return the inputs of `rows` for `net`; `change` is what training does to pictures."""
        chosen = self.array[rows]
        if self.blocks is not None:
            return Maps(chosen)
        changes = () if change is None else (change,)
        if isinstance(net, PhotoNet):
            return ColourPictures(chosen, net.preprocessing, *changes)
        return GreyPictures(chosen, *changes)

    def part(self, net: nn.Cell) -> nn.Cell:
        """Return what of `net` comes after these inputs."""
        return net if self.blocks is None else Tail(net, self.blocks)


def read(store: FeatureStore, photos: int) -> Inputs:
    """Read what `extract` kept for a net; raise `UserError` as the store does."""
    pooled = None if store.blocks is None else store.read("pooled", photos)[:, :, 0]
    return Inputs(store.inputs(photos), store.blocks, store.about["image_size"], pooled)


def predictor(net: nn.Cell) -> Callable[[Feed], np.ndarray]:
    """Return a function from a feed's plain inputs to logits float32 (n, classes): those of the net as it is then."""

    def predict(feed: Feed) -> np.ndarray:
        net.set_train(False)
        size = int(np.clip(PREDICTED[1] // feed.plain(np.arange(1)).nbytes, *PREDICTED[0]))
        found = []
        for start in range(0, len(feed), size):
            rows = np.arange(start, min(start + size, len(feed)))
            # One shape, one compiled graph.
            inputs = feed.plain(np.resize(rows, size)) * feed.scale + feed.shift
            found.append(net(mindspore.Tensor(inputs.astype(np.float32))).asnumpy()[: len(rows)])
        net.set_train(True)
        return np.concatenate(found)

    return predict
