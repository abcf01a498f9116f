"""Targets of the loss (label smoothing, weights of classes), and the minimum loss they allow. No MindSpore."""

import numpy as np
from scipy.special import xlogy


def smooth_targets(
    labels: np.ndarray,
    classes: int,
    smoothing: float,
    *,
    bin_of: np.ndarray | None = None,
    bin_share: float = 0.0,
    balanced: bool = False,
) -> np.ndarray:
    """Return float32 (n, classes): 1 - smoothing on the label, smoothing spread evenly over the other classes.

    As MindSpore's model zoo has it (`CrossEntropySmooth`); Szegedy et al. 2016, arXiv:1512.00567, section 7, spread it
    over all classes, which is the same at smoothing * classes / (classes - 1).
    Of the smoothing, `bin_share` goes to the other classes of the label's bin alone (`bin_of` int (classes,)), where
    there are any. `balanced` scales each row by its class's weight, see `balanced_weights`.
    """
    mass = np.full((classes, classes), smoothing / (classes - 1))
    np.fill_diagonal(mass, 0)
    if bin_share and bin_of is not None:
        mates = (bin_of[:, None] == bin_of[None]) & ~np.eye(classes, dtype=bool)
        with_mates = mates.any(1)
        mass[with_mates] *= 1 - bin_share
        mass[with_mates] += (smoothing * bin_share * mates / np.maximum(mates.sum(1, keepdims=True), 1))[with_mates]
    np.fill_diagonal(mass, 1 - smoothing)
    targets = mass.astype(np.float32)[labels]
    if balanced:
        targets *= balanced_weights(labels, classes)[labels, None].astype(np.float32)
    return targets


def balanced_weights(labels: np.ndarray, classes: int) -> np.ndarray:
    """Return a weight a class, float (classes,), by which all that `labels` has weigh the same in a mean over them.

    n / (classes there are * photos of the class), scikit-learn's "balanced". Source: King and Zeng, "Logistic
    Regression in Rare Events Data", Political Analysis 9 (2001).
    """
    counts = np.bincount(labels, minlength=classes)
    return len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))


def minimum_loss(targets: np.ndarray) -> float:
    """Return the lowest mean cross-entropy, in nats, that any probabilities reach on `targets` (n, classes)."""
    shares = targets / targets.sum(1, keepdims=True, dtype=np.float64)
    return float(-xlogy(targets, shares).sum() / len(targets))


def smoothing_minimum(classes: int, smoothing: float) -> float:
    """Return the lowest cross-entropy that smoothed targets allow: their entropy, in nats (0.647 at 26, 0.1)."""
    return minimum_loss(np.array([[1 - smoothing, *[smoothing / (classes - 1)] * (classes - 1)]]))
