"""How like a photo is to those a model was trained on: cosine of centred, pooled features to the nearest of them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sortline._core import parameters

# Principal components kept. On new scenes of garbage_26x100 the similarity tells what is predicted incorrectly as well
# with 48 as with 128 (area under the curve 0.765), and the exported model stays small.
AXES = 48
UNFAMILIAR = 0.025  # share of photos of scenes not trained on that count as unlike anything
PAIRS = 2**26  # cosines that are held at a time: 256 MB


@dataclass(frozen=True)
class Reference:
    """What photos are compared with. `center` float32 (C,); `axes` float32 (C, K), principal components; `rows`
    float32 (N, K), the train photos' coordinates as unit vectors."""

    center: np.ndarray
    axes: np.ndarray
    rows: np.ndarray

    def coordinates(self, features: np.ndarray) -> np.ndarray:
        """Map mean-pooled features (n, C) to unit vectors, float32 (n, K)."""
        found = (features - self.center) @ self.axes
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), np.float32(1e-6))

    def similarity(self, features: np.ndarray) -> np.ndarray:
        """Return the cosine to the nearest train photo, float32 (n,), -1 to 1, of mean-pooled features (n, C)."""
        return _nearest(self.coordinates(features), self.rows)

    def distance(self, features: np.ndarray) -> np.ndarray:
        """Return how far features (n, C) are from the subspace of `axes`, float (n,)."""
        apart = features - self.center
        return np.sqrt(np.maximum((apart**2).sum(1) - ((apart @ self.axes) ** 2).sum(1), 0))

    def out_of_fold(self, folds: np.ndarray) -> np.ndarray:
        """Return each train photo's cosine to the nearest of the other folds, float32 (N,); `folds` int (N,)."""
        found = np.empty(len(self.rows), np.float32)
        for fold in np.unique(folds):
            inside = folds == fold
            found[inside] = _nearest(self.rows[inside], self.rows[~inside])
        return found

    def write(self, path: Path) -> None:
        """Write a safetensors file."""
        parameters.write(path, {"center": self.center, "axes": self.axes, "rows": self.rows})


def _nearest(rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return the cosine of each of `rows` to the nearest of `known`, unit vectors (n, K) and (N, K): float32 (n,)."""
    piece = max(1, PAIRS // max(1, len(known)))
    return np.concatenate([(rows[i : i + piece] @ known.T).max(1) for i in range(0, max(1, len(rows)), piece)])


def fit(features: np.ndarray) -> Reference:
    """Return the reference of N train photos by their mean-pooled features (N, C)."""
    center = features.mean(0, dtype=np.float64).astype(np.float32)
    values, axes = np.linalg.eigh(np.cov((features - center).T.astype(np.float64), bias=True))
    axes = axes[:, np.argsort(-values)[:AXES]]
    # The sign of a component is free: its largest entry is made positive, so that it is the same on every machine.
    axes = (axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])])).astype(np.float32)
    unplaced = Reference(center, np.ascontiguousarray(axes), np.empty((0, axes.shape[1]), np.float32))
    return Reference(unplaced.center, unplaced.axes, unplaced.coordinates(features))


def read(path: Path) -> Reference:
    """Read what `Reference.write` wrote; raise `UserError` where it is not whole."""
    return Reference(**parameters.read(path))


def unfamiliar_below(similarity: np.ndarray) -> float:
    """Return the similarity below which a photo is unlike anything trained on: UNFAMILIAR of new scenes' photos are.

    `similarity` float (n,), of photos to the nearest of other scenes.
    """
    return float(np.floor(np.quantile(similarity, UNFAMILIAR) * 1e4) / 1e4)
