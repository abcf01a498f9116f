"""What mistakes cost, by the bin that waste belongs to and the one it is put in, and decisions of least expected cost.

Source: C. Elkan, "The Foundations of Cost-Sensitive Learning", IJCAI 2001. Everywhere: `labels` int (n,), classes;
`probabilities` float (n, classes); `bin_of` int (classes,); `matrix` float (bins, bins), as of `matrix_of`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sortline._core.errors import UserError
from sortline.data.prepared import Classes, Part
from sortline.evaluation.comparison import paired_by_scene
from sortline.evaluation.metrics import named, share_by_scene
from sortline.evaluation.predictions import Predictions
from sortline.features.answers import Familiar

Costs = Mapping[str, float | dict[str, float]]


def matrix_of(costs: Costs, classes: Classes) -> np.ndarray:
    """Return what waste of a bin (row) costs in a bin (column): as `costs` says, else 1, in its own bin nothing.

    Raises `UserError` where the task has no bins, or none of a name.
    """
    ids = [row["id"] for row in classes.bins]
    if not ids:
        raise UserError("params.yaml: evaluate.bin_costs needs a task whose classes have bins; set it to null")

    def place(name: str) -> int:
        if name not in ids:
            raise UserError(f"params.yaml: evaluate.bin_costs: no bin '{name}'; there is: {', '.join(ids)}")
        return ids.index(name)

    found = 1 - np.eye(len(ids))
    for name, cost in costs.items():
        row = found[place(name)]
        if isinstance(cost, dict):
            for other, value in cost.items():
                row[place(other)] = value
        else:
            row[:] = cost
    np.fill_diagonal(found, 0)
    return found


def least(probabilities: np.ndarray, bin_of: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Return the decisions of least expected cost, int (n,): the most probable class of the bin that is best for it."""
    bins = np.arange(len(matrix))
    expected = probabilities @ (bin_of[:, None] == bins) @ matrix
    return np.where(bin_of == expected.argmin(1)[:, None], probabilities, -1).argmax(1)


def summary(
    labels: np.ndarray, probabilities: np.ndarray, scenes: np.ndarray, bin_of: np.ndarray, matrix: np.ndarray
) -> dict[str, Any]:
    """Return what the most probable classes and the decisions of least expected cost are worth, and how they differ.

    `scenes` int (n,), what the photos show: intervals are by scene. A cost is the mean of a photo.
    """
    decisions = {"most_probable": probabilities.argmax(1), "least_cost": least(probabilities, bin_of, matrix)}
    highest = max(matrix.max(), 1e-9)
    costs: dict[str, np.ndarray] = {}
    found: dict[str, Any] = {"n": len(labels)}
    for name, decided in decisions.items():
        costs[name] = matrix[bin_of[labels], bin_of[decided]]
        # As a share of the highest it has the interval of a share, also where nothing was wrong.
        cost = share_by_scene(costs[name] / highest, scenes)
        found[name] = {
            **named(share_by_scene(decided == labels, scenes), "accuracy"),
            **named(share_by_scene(bin_of[decided] == bin_of[labels], scenes), "bin_accuracy"),
            **named({key: highest * cost[key] for key in ("accuracy", "low", "high")}, "cost"),
        }
    between = paired_by_scene(costs["most_probable"], costs["least_cost"], scenes)
    return found | {f"cost_{key}": value for key, value in between.items()}


def of(found: Predictions, train: Part, unseen: Familiar | None, matrix: np.ndarray) -> dict[str, Any]:
    """Return `summary` of the photos that are scored; of `train` too, where `unseen` answers for its new scenes."""
    bin_of = found.classes.bin_of
    assert bin_of is not None  # there is no matrix without bins
    result = {found.val.split: summary(found.val.labels, found.probabilities, found.val.scenes, bin_of, matrix)}
    if unseen is not None:
        result["out_of_fold"] = summary(unseen.labels, unseen.probabilities, train.scenes, bin_of, matrix)
    return result
