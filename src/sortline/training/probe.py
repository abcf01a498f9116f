"""Linear probes on the features of several backbones, and of each two side by side: which photos each gets right."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np

from sortline.config.training import TrainHeadParams
from sortline.training.lbfgs import train_lbfgs
from sortline.training.results import TrainingSet

# scikit-learn's own C: nothing is chosen on the folds but the backbone.
HEAD = TrainHeadParams(optimizer="lbfgs", lbfgs_c=[1.0], views=1)


def out_of_fold(sets: Mapping[str, TrainingSet], pairs: bool = True) -> dict[tuple[str, ...], np.ndarray]:
    """Return which photos are predicted correctly out of fold, bool (n,), from each of `sets` (same photos, pooled)
    and, with `pairs`, from each two.

    The features of two are those of each on pictures of its own size; where the sizes differ, a JoinedBackbone's are
    made of the larger picture, and a little worse.
    """
    found: dict[tuple[str, ...], np.ndarray] = {}
    for names in [(name,) for name in sets] + (list(combinations(sets, 2)) if pairs else []):
        features = np.concatenate([sets[name].features for name in names], -1)
        data = replace(sets[names[0]], features=features, photo_folds=None)
        found[names] = train_lbfgs(data, HEAD).out_of_fold.argmax(1) == data.labels
    return found
