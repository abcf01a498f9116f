"""Temperature scaling (Guo et al. 2017, arXiv:1706.04599): one number that makes probabilities mean what they say."""

import dataclasses

import numpy as np
from scipy.optimize import minimize_scalar

from sortline.heads import Head, softmax
from sortline.measure import log_loss

RANGE = (0.05, 20.0)
TINY = np.finfo(np.float64).tiny


def temper(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return softmax(logits / temperature), float64, for `probabilities` = softmax(logits), (n, classes)."""
    return softmax(np.log(np.maximum(probabilities.astype(np.float64), TINY)) / temperature)


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the temperature of least log-loss; `probabilities` (n, classes) of photos the head was not trained on."""
    found = minimize_scalar(
        lambda log_t: log_loss(labels, temper(probabilities, np.exp(log_t))), bounds=np.log(RANGE), method="bounded"
    )
    return float(np.exp(found.x))


def tempered(head: Head, temperature: float) -> Head:
    """Return the head with the temperature in its weights: everything after it needs to know nothing of it."""
    weight, bias = (np.float32(1 / temperature) * array for array in (head.weight, head.bias))
    return dataclasses.replace(head, weight=weight, bias=bias)
