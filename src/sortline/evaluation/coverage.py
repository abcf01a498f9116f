"""How often a prediction set holds a photo's class, and how large it is."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sortline.evaluation import metrics
from sortline.features import sets


def of(labels: np.ndarray, probabilities: np.ndarray, limits: Mapping[str, float]) -> dict[str, Any]:
    """Return by level the coverage with its 95 % interval, and the mean size, of the sets that `limits` make."""
    scores = sets.scores(probabilities)
    own = scores[np.arange(len(labels)), labels]
    return {
        level: metrics.named(metrics.share(own <= limit), "coverage", "n") | _sizes((scores <= limit).sum(1))
        for level, limit in limits.items()
    }


def out_of_fold(labels: np.ndarray, probabilities: np.ndarray, folds: np.ndarray, scenes: np.ndarray) -> dict[str, Any]:
    """Return the same of photos out of fold, each with the limits of the other folds; intervals are of draws of scenes.

    With it the `limit` of all folds, which the model's sets are made by.
    """
    scores = sets.scores(probabilities)
    own = scores[np.arange(len(labels)), labels]
    inside, sizes = ({str(level): np.empty(len(labels), kind) for level in sets.LEVELS} for kind in (bool, int))
    for fold in np.unique(folds):
        here = folds == fold
        for level, limit in sets.limits(labels[~here], probabilities[~here]).items():
            inside[level][here], sizes[level][here] = own[here] <= limit, (scores[here] <= limit).sum(1)
    return {
        level: {"limit": limit, **_sizes(sizes[level])}
        | metrics.named(metrics.share_by_scene(inside[level], scenes), "coverage", "n")
        for level, limit in sets.limits(labels, probabilities).items()
    }


def _sizes(sizes: np.ndarray) -> dict[str, Any]:
    return {"mean_size": float(sizes.mean()), "one_class": float((sizes == 1).mean())}
