"""Which backbone: the accuracies of several on the same photos, paired, and what each costs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sortline.evaluation import metrics
from sortline.evaluation.comparison import holm, paired_by_scene

# Of p, after Holm's correction, from which on the folds cannot tell two apart. Few photos tell next to nothing apart:
# there it is the p of a difference of one standard error.
LIMIT, LIMIT_OF_FEW = 0.05, 0.32


@dataclass(frozen=True)
class Cost:
    """Of a network from picture to logits: its bytes in float32 and in 8 bits, milliseconds a photo on one core."""

    fp32: int = 0
    int8: int = 0
    milliseconds: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.fp32 + other.fp32, self.int8 + other.int8, self.milliseconds + other.milliseconds)


@dataclass(frozen=True)
class Choice:
    """`rows` by backbone, or by two joined with a +, the smallest in 8 bits first; each as `metrics.share_by_scene` has
    it, with `difference` from the best as of `paired_by_scene` and `p_holm` (not of the best itself). `recommended`:
    the smallest that the folds cannot tell from the best."""

    rows: dict[str, dict[str, Any]]
    costs: dict[str, Cost]
    best: str
    recommended: str


def weigh(
    correct: Mapping[str, np.ndarray], scenes: np.ndarray, costs: Mapping[str, Cost], limit: float = LIMIT
) -> Choice:
    """Choose by which photos each has predicted correctly, bool (n,); `scenes` int (n,)."""
    cheapest = sorted(correct, key=lambda name: (costs[name].int8, name))
    # Of equals the cheapest: max takes the first.
    best = max(cheapest, key=lambda name: correct[name].mean())
    rows = {name: metrics.share_by_scene(correct[name], scenes) for name in cheapest}
    others = [name for name in cheapest if name != best]
    paired = {name: paired_by_scene(correct[best], correct[name], scenes) for name in others}
    for name, p in zip(others, holm([one["p"] for one in paired.values()]), strict=True):
        rows[name] |= paired[name] | {"p_holm": p}
    same = [name for name in cheapest if name == best or rows[name]["p_holm"] >= limit]
    return Choice(rows, {name: costs[name] for name in cheapest}, best, same[0])
