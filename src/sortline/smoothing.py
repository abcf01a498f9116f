"""Label smoothing: the targets, and the least loss that they allow. No MindSpore here."""

import math

import numpy as np


def smooth_targets(labels: np.ndarray, classes: int, smoothing: float) -> np.ndarray:
    """Return float32 (n, classes): 1 - smoothing on the label, smoothing spread evenly over the other classes.

    As MindSpore's model zoo has it (`CrossEntropySmooth`); Szegedy et al. 2016, arXiv:1512.00567, section 7, spread it
    over all classes, which is the same at smoothing * classes / (classes - 1).
    """
    targets = np.full((len(labels), classes), smoothing / (classes - 1), np.float32)
    targets[np.arange(len(labels)), labels] = 1 - smoothing
    return targets


def smoothing_floor(classes: int, smoothing: float) -> float:
    """Return the least cross-entropy that smoothed targets allow: their entropy, in nats (0.647 at 26, 0.1)."""
    probabilities = [1 - smoothing, *[smoothing / (classes - 1)] * (classes - 1)]
    return -sum(p * math.log(p) for p in probabilities if p > 0)
