"""A net's inputs out of what `extract` kept: the pictures, the maps before its last blocks, or pooled features."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import nn

from sortline.config.augment import CropParams, DistortionParams
from sortline.features import store
from sortline.nets.photo_net import PhotoNet, Tail
from sortline.training.feeds import Feed, GreyPictures, Maps, Photos


@dataclass(frozen=True)
class Inputs:
    """`array`: as `featuremaps.read` gives it; pooled features as maps of one place, (N, K, C, 1, 1).

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
            return Photos(chosen, net.preprocessing, *changes)
        return GreyPictures(chosen, *changes)

    def part(self, net: nn.Cell) -> nn.Cell:
        """Return what of `net` comes after these inputs."""
        return net if self.blocks is None else Tail(net, self.blocks)


def read(folder: Path, photos: int, dataset: str | None = None) -> Inputs:
    """Read what `extract` kept for a net; raise `UserError` as `featuremaps.read` does."""
    about: dict[str, Any] = store.about(folder)
    if "backbone" not in about:
        return Inputs(store.read(folder, photos, dataset, "pixels"), None, about["image_size"])
    pooled = store.read(folder, photos, dataset)[:, :, 0]
    if about.get("upto"):
        inner = store.read(folder, photos, dataset, "inner")
        return Inputs(inner, about["upto"], about["image_size"], pooled)
    return Inputs(pooled[..., None, None], 0, about["image_size"], pooled)
