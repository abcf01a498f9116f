"""What several rooms compute with NumPy."""

import numpy as np
from scipy.special import log_softmax


def spread(count: int, wanted: int) -> list[int]:
    """Return at most `wanted` indices, evenly over `count`."""
    return np.unique(np.linspace(0, count - 1, min(wanted, count)).round().astype(int)).tolist()


def logits(probabilities: np.ndarray) -> np.ndarray:
    """Return the logarithms, float64, 0 taken as the smallest step: their softmax is `probabilities`."""
    return np.log(np.maximum(probabilities.astype(np.float64), np.finfo(np.float64).tiny))


def log_loss(labels: np.ndarray, logits: np.ndarray) -> float:
    """Return the mean negative log of softmax(logits) at the labels, in nats; logits (n, classes), labels int (n,)."""
    return float(-log_softmax(logits.astype(np.float64), axis=1)[np.arange(len(labels)), labels].mean())
