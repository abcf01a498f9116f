"""The frozen backbone that `extract` left beside the features, for a few more of them, without MindSpore."""

from collections.abc import Sequence

import numpy as np

from sortline._core import sessions
from sortline.backbones.preprocessing import Preprocessing
from sortline.features.heads import MAPS
from sortline.features.store import FeatureStore


class Mapper:
    """Pictures to features; one single-threaded session, to be called from several threads."""

    def __init__(self, store: FeatureStore) -> None:
        about = store.about
        self.size: int = about["image_size"]
        self._preprocessing = Preprocessing(tuple(about["backbone"]["mean"]), tuple(about["backbone"]["std"]))
        self._session = sessions.session(store.backbone)

    def map(self, picture: np.ndarray) -> np.ndarray:
        """Return the feature map, float32 (C, h, w), of uint8 RGB (S, S, 3)."""
        return self._run(["map"], picture[None])[0][0]

    def pooled(self, pictures: np.ndarray) -> np.ndarray:
        """Return pooled features, float32 (n, 2 [mean, max], C), of uint8 RGB (n, S, S, 3)."""
        return np.stack(self._run(["mean", "max"], pictures), 1)

    def features(self, pictures: np.ndarray, pooling: str) -> np.ndarray:
        """Return what a head of `pooling` takes: pooled features, or for `MAPS` the maps, (n, C, h, w)."""
        return self._run(["map"], pictures)[0] if pooling in MAPS else self.pooled(pictures)

    def inner(self, pictures: np.ndarray) -> np.ndarray:
        """Return the maps before the blocks that train, float32 (n, C, h, w), where `extract.upto` kept such."""
        return self._run(["inner"], pictures)[0]

    def seen(self, pictures: np.ndarray, pooling: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the same, and mean-pooled features (n, C)."""
        mean, *found = self._run(["mean", "map"] if pooling in MAPS else ["mean", "max"], pictures)
        return found[0] if pooling in MAPS else np.stack((mean, *found), 1), mean

    def _run(self, outputs: Sequence[str], pictures: np.ndarray) -> list[np.ndarray]:
        return sessions.run(self._session, outputs, self._preprocessing(pictures))
