"""When a prediction counts as sure: as probable as a threshold that was chosen out of fold."""

from typing import Literal

import numpy as np

NEVER: Literal["never"] = "never"
# Below it the answer is "not sure". None: switched off, always sure. NEVER: no probability is right often enough.
Threshold = float | Literal["never"] | None


def sure(probability: np.ndarray | float, threshold: Threshold) -> np.ndarray:
    """Tell for each top-1 probability, of any shape, whether it reaches `threshold`; bool of the same shape."""
    least = 0.0 if threshold is None else np.inf if threshold == NEVER else threshold
    return np.asarray(probability) >= least
