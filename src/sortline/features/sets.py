"""Conformal prediction sets: the classes that a photo may be of, few where the model is sure, more where it is not.

A class's score is the probability of all classes before it, and PENALTY for each beyond the first FREE: adaptive sets
(Romano, Sesia and Candes 2020, arXiv:2006.02544), regularised (Angelopoulos et al. 2021, arXiv:2009.14193), without
their random part: the most probable class is always in. A set holds the classes whose score is at most a limit.
"""

import numpy as np

LEVELS = (90, 95)  # percent of photos whose class is to be in its set
PENALTY, FREE = 0.1, 2


def scores(probabilities: np.ndarray) -> np.ndarray:
    """Return the score of each class, float64 (n, classes), of `probabilities` (n, classes)."""
    order = np.argsort(-probabilities, axis=1, kind="stable")
    falling = np.take_along_axis(probabilities, order, 1)
    # Of classes that are equally probable none is before the other: each has what the first of them has.
    places = np.arange(falling.shape[1])
    first = np.where(np.diff(falling, axis=1, prepend=np.inf) != 0, places, 0)
    first = np.maximum.accumulate(first, axis=1)
    above = np.pad(np.cumsum(falling, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    before = np.take_along_axis(above, first, 1)
    found = np.empty(probabilities.shape)
    np.put_along_axis(found, order, before + PENALTY * np.maximum(first + 1 - FREE, 0), 1)
    return found


def limits(labels: np.ndarray, probabilities: np.ndarray) -> dict[str, float]:
    """Return the limit of each of LEVELS by its name, for photos like these, which the model was not trained on.

    `labels` int (n,). The finite-sample quantile of Vovk et al. 2005, rounded up to 4 decimals; of too few photos the
    limit that no class exceeds.
    """
    own = np.sort(scores(probabilities)[np.arange(len(labels)), labels])
    all_of_them = 1 + PENALTY * probabilities.shape[1]
    found = {}
    for level in LEVELS:
        rank = int(np.ceil((len(own) + 1) * level / 100))
        value = own[rank - 1] if rank <= len(own) else all_of_them
        found[str(level)] = float(np.ceil(value * 1e4) / 1e4)
    return found
