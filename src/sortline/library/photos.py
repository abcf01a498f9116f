"""Photos to features by a public backbone, in one call."""

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from sortline._core.cores import on_all_cores
from sortline.backbones import loading, weights
from sortline.backbones.loading import Backbone
from sortline.config.weights import WeightsParams
from sortline.data.images import Photo, resize, rgb_of
from sortline.data.sources.base import data_folder
from sortline.features import engines
from sortline.features.heads import pool as pooled


def extract(
    photos: Sequence[Photo], backbone: str = "efficientnet_lite0", size: int | None = None,
    pool: str = "mean",
) -> np.ndarray:  # fmt: skip
    """Return the frozen backbone's features of photos: float32 (n, C), with `pool` "mean+max" (n, 2C).

    `photos`: paths, Pillow images or uint8 RGB arrays. `size`: pixels a side that they are
    squeezed to, by default what the backbone was trained on. `pool`: "mean" | "max" | "mean+max" of the feature map.
    These are the features of the line's plain view. The weights come from where the line has them: SORTLINE_DATA, an
    installed package, or a download. The first call takes seconds, to load MindSpore. Raises `UserError` for a backbone
    that is not known or not in reach, and `BadImage` for what is no photo.
    """
    loaded, engine = _opened(backbone, size)

    def features(photo: Photo) -> np.ndarray:
        pixels = resize(rgb_of(photo, loaded.size), loaded.size)[None]
        mean, maximum, *_ = engine.run(loaded.preprocessing(pixels))
        return pooled(np.stack((mean, maximum), 1), pool)[0]

    found = list(on_all_cores(features, photos, "extract", engine.workers))
    return np.stack(found) if found else np.empty((0, loaded.net.channels * (1 + (pool == "mean+max"))), np.float32)


@cache
def _opened(backbone: str, size: int | None) -> tuple[Backbone, engines.Engine]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "weights"
        weights.fetch(backbone, WeightsParams(backbone=backbone), folder, Path(scratch), data_folder())
        loaded = loading.load(folder, size)
    return loaded, engines.onnxruntime_engine(engines.to_onnx(loaded, loaded.size))
