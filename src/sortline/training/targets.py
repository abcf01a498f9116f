"""The targets of the loss (label smoothing, weights of classes), and the least loss that they allow. No MindSpore."""

import math

import numpy as np


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
    there are any. `balanced` scales each row by n / (classes there are * its class's count), so that every class
    weighs the same in the mean loss.
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
        counts = np.bincount(labels, minlength=classes)
        targets *= (len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1)))[labels, None].astype(np.float32)
    return targets


def smoothing_floor(classes: int, smoothing: float) -> float:
    """Return the least cross-entropy that smoothed targets allow: their entropy, in nats (0.647 at 26, 0.1)."""
    probabilities = [1 - smoothing, *[smoothing / (classes - 1)] * (classes - 1)]
    return -sum(p * math.log(p) for p in probabilities if p > 0)


def least_loss(targets: np.ndarray) -> float:
    """Return the least mean cross-entropy, in nats, that any probabilities reach on `targets` (n, classes)."""
    total = targets.sum(1, keepdims=True, dtype=np.float64)
    shares = targets / total
    return float(-(targets * np.log(np.where(shares > 0, shares, 1))).sum() / len(targets))
