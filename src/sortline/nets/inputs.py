"""What a net is given, batch by batch, out of what `extract` kept: pictures, maps before the last blocks, features."""

from collections.abc import Callable
from dataclasses import dataclass

import mindspore
import numpy as np
from mindspore import nn

from sortline._core.errors import UserError
from sortline.backbones.preprocessing import GREY, Preprocessing
from sortline.config.augment import CropParams, DistortionParams
from sortline.data.augment.crops import crop
from sortline.data.augment.distortion import distort
from sortline.features.store import FeatureStore
from sortline.nets import registry
from sortline.nets.photo_net import Tail

PREDICTED = (16, 500), 2**21  # inputs at a time: minimum and maximum; bytes of them


@dataclass(frozen=True)
class Pictures:
    """Pictures uint8, grey (n, S, S) or RGB (n, S, S, 3), fed as (n, channels, S, S); training makes `change` to them.

    A net computes on `values * scale + shift` in float32.
    """

    images: np.ndarray
    preprocessing: Preprocessing = GREY
    change: DistortionParams | CropParams | None = None

    @property
    def scale(self) -> np.ndarray:
        return self.preprocessing.scale[:, None, None]

    @property
    def shift(self) -> np.ndarray:
        return self.preprocessing.shift[:, None, None]

    def __len__(self) -> int:
        return len(self.images)

    def augmented(self, rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Return the inputs of `rows` as training sees them, (len(rows), ...): changed by chance."""
        images = self.images[rows]
        if isinstance(self.change, DistortionParams):
            images = distort(images, self.change, generator)
        elif self.change is not None:
            images = crop(images, self.change, generator)
        return self._planes(images)

    def pairs(self, rows: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return the inputs of `rows` changed by chance, and changed again."""
        return self.augmented(rows, generator), self.augmented(rows, generator)

    def plain(self, rows: np.ndarray) -> np.ndarray:
        """Return the inputs of `rows` as they are, (len(rows), ...)."""
        return self._planes(self.images[rows])

    def _planes(self, images: np.ndarray) -> np.ndarray:
        return images[:, None] if self.preprocessing.channels == 1 else images.transpose(0, 3, 1, 2)


@dataclass(frozen=True)
class Maps:
    """Feature maps float16 or float32 (n, K views, C, h, w), fed as `Pictures` are: training draws a view.

    View 0 is the plain one. Pooled features are maps of one position, (n, K, C, 1, 1).
    """

    maps: np.ndarray
    scale, shift = np.ones((1, 1, 1), np.float32), np.zeros((1, 1, 1), np.float32)

    def __len__(self) -> int:
        return len(self.maps)

    def augmented(self, rows: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        return self.maps[rows, generator.integers(self.maps.shape[1], size=len(rows))]

    def pairs(self, rows: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Return two views of each, of which there are two or more: never the same."""
        count = self.maps.shape[1]
        first, further = (generator.integers(end, size=len(rows)) for end in (count, count - 1))
        return self.maps[rows, first], self.maps[rows, (first + 1 + further) % count]

    def plain(self, rows: np.ndarray) -> np.ndarray:
        return self.maps[rows, 0]


Feed = Pictures | Maps


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
        return Pictures(chosen, registry.preprocessing(net), change)

    def part(self, net: nn.Cell) -> nn.Cell:
        """Return what of `net` comes after these inputs."""
        return net if self.blocks is None else Tail(net, self.blocks)


def check_pictures(inputs: Inputs, side: int | None, where: str) -> None:
    """Raise `UserError` unless these are grey pictures of `side` pixels, or for None RGB ones of a multiple of 32."""
    photos, found = side is None, inputs.image_size
    if inputs.blocks is not None:
        raise UserError(f"{where} trains from pictures; set extract.pixels to true")
    if photos != (inputs.array.ndim == 4):
        raise UserError(f"{where} needs extract.colour: {str(photos).lower()}")
    if found % 32 if side is None else found != side:
        wanted = "a multiple of 32 pixels" if side is None else f"{side} x {side} pixels"
        raise UserError(f"{where} takes pictures of {wanted}, extract.image_size is {found}")


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
