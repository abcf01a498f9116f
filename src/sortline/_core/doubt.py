"""When a prediction counts as sure: as probable as a threshold that was chosen out of fold."""

import math
from typing import Any, Literal

NEVER: Literal["never"] = "never"
# Below it the answer is "not sure". None: switched off, always sure. NEVER: no probability is right often enough.
Threshold = float | Literal["never"] | None


def sure(probability: Any, threshold: Threshold) -> Any:
    """Tell whether a top-1 probability reaches `threshold`: bool of a float, bool array of an array of any shape."""
    return probability >= (0.0 if threshold is None else math.inf if threshold == NEVER else threshold)
