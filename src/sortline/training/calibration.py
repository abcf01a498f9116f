"""Temperature scaling (Guo et al. 2017, arXiv:1706.04599), and the probability below which to say "not sure"."""

import dataclasses

import numpy as np
from scipy.optimize import minimize_scalar

from sortline.features.heads import Head, softmax

RANGE = (0.05, 20.0)
TINY = np.finfo(np.float64).tiny


def temper(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return softmax(logits / temperature), float64, for `probabilities` = softmax(logits), (n, classes)."""
    return softmax(np.log(np.maximum(probabilities.astype(np.float64), TINY)) / temperature)


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the temperature of least log-loss; `probabilities` (n, classes) of photos the head was not trained on."""
    own = np.arange(len(labels)), labels
    found = minimize_scalar(
        lambda log_t: -np.log(np.maximum(temper(probabilities, np.exp(log_t))[own], TINY)).mean(),
        bounds=np.log(RANGE), method="bounded",
    )  # fmt: skip
    return float(np.exp(found.x))


def tempered(head: Head, temperature: float) -> Head:
    """Return the head with the temperature in it: everything after it needs to know nothing of it."""
    if head.activation != "none":
        return dataclasses.replace(head, scale=head.scale / temperature)
    weight, bias = (np.float32(1 / temperature) * array for array in (head.weight, head.bias))
    return dataclasses.replace(head, weight=weight, bias=bias)


def reject_threshold(labels: np.ndarray, probabilities: np.ndarray, accuracy: float) -> float | None:
    """Return the least top-1 probability such that the photos at or above it are right in at least `accuracy`.

    `probabilities` (n, classes) are of photos the head was not trained on, tempered already. None where no threshold
    gets there. Rounded up to 4 decimals. Source: the risk-coverage trade-off of Geifman and El-Yaniv 2017,
    arXiv:1705.08500, without its confidence bound.
    """
    confidence = np.ceil(probabilities.max(1) * 1e4) / 1e4
    right = probabilities.argmax(1) == labels
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    # Photos of one confidence are accepted together.
    last_of_its_kind = np.append(np.diff(confidence[order]) != 0, True)
    enough = np.flatnonzero((share >= accuracy) & last_of_its_kind)
    return float(confidence[order][enough[-1]]) if len(enough) else None
