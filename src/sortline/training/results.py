"""What training takes and what it leaves, in NumPy: readable without MindSpore."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sortline._core.doubt import Threshold
from sortline.features import similarity
from sortline.features.familiarity import Familiarity
from sortline.features.heads import Head


@dataclass(frozen=True)
class TrainingSet:
    """The train photos, n of them.

    `features`: pooled float32 (n, K views, 2, C), or for attention and cbam maps (n, K views, C, h, w). `labels`,
    `folds` int (n,). `groups` int (n,): photos of a number show one scene. `photo_folds` int (n,): folds that part
    scenes, as is usual; None where there are none to part. `bin_of` int (classes,), None for a task without bins.
    `dataset`: the fingerprint.
    """

    features: np.ndarray
    labels: np.ndarray
    folds: np.ndarray
    classes: int
    groups: np.ndarray
    bin_of: np.ndarray | None = None
    dataset: str = ""
    photo_folds: np.ndarray | None = None

    def pooled(self) -> np.ndarray:
        """Return the plain view's features, mean-pooled: float32 (n, C)."""
        plain = self.features[:, 0]
        return plain[:, 0] if plain.ndim == 3 else plain.astype(np.float32).mean((2, 3))

    @property
    def fold_numbers(self) -> np.ndarray:
        return np.unique(self.folds)


@dataclass(frozen=True)
class Examples:
    """What heads learn from: `features` as `heads.training_rows` has them, `targets` float32 (rows, classes); `masks`
    bool (rows, models): which models a row teaches, in the order of `Trained.models`."""

    features: np.ndarray
    targets: np.ndarray
    masks: np.ndarray

    def with_more(self, other: "Examples") -> "Examples":
        mine, more = vars(self).values(), vars(other).values()
        return Examples(*(np.concatenate(both) for both in zip(mine, more, strict=True)))


@dataclass(frozen=True)
class Trained:
    """Heads by checkpoint name, out-of-fold probabilities (n, classes) of the kept one, and the record.

    `by_photo`: the same, out of the `photo_folds`, where there are such.
    `curve` has one row a point of `curve_x`: an epoch (gradient steps) or a candidate C (lbfgs). `fold_heads`: the kept
    one's, by fold. `minimum`: the lowest training loss that the targets allow. `models`: all heads of the kept one,
    trained by steps: the folds', the final one, those of the `photo_folds`.
    """

    heads: dict[str, Head]
    checkpoint: str
    out_of_fold: np.ndarray
    curve: list[dict[str, float]]
    curve_x: str
    facts: dict[str, Any] = field(default_factory=dict)
    selected: list[str] = field(default_factory=list)
    fold_heads: dict[int, Head] = field(default_factory=dict)
    minimum: float | None = None
    by_photo: np.ndarray | None = None
    models: Sequence[Head] = ()


@dataclass(frozen=True)
class TrainedNet:
    """What a training left: head.json's content, a row of the curves an epoch, the used checkpoint's logits on val.

    `counts`: of all parameters and of those that trained. `minimum`: as of `Trained`, None without smoothing.
    """

    about: dict[str, Any]
    curve: list[dict[str, float]]
    val_logits: np.ndarray
    val_labels: np.ndarray
    counts: dict[str, int]
    train_n: int
    minimum: float | None = None


@dataclass(frozen=True)
class OutOfFold:
    """Of the n train photos: their labels, folds and scenes, int (n,); probabilities float64 (n, classes), with the
    temperature in them, and before; the similarity of each to the nearest photo that its net was trained on,
    float32 (n,). `reference` is for the final net, `unknown` tells by it what is nothing that it knows,
    `familiarity` float (n,) are its scores.
    """

    labels: np.ndarray
    folds: np.ndarray
    scenes: np.ndarray
    out_of_fold: np.ndarray
    untempered: np.ndarray
    near: np.ndarray
    reference: similarity.Reference
    temperature: float
    threshold: Threshold
    unknown: Familiarity
    familiarity: np.ndarray

    @property
    def unfamiliar_below(self) -> float:
        return similarity.unfamiliar_below(self.near)
