"""A model's predictions on the held-out photos: their scores and tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from sortline._core.doubt import Threshold
from sortline.data.prepared import Classes, Part
from sortline.evaluation import metrics
from sortline.evaluation.comparison import FLAGS

NAMED = ("image", "truth", "predicted", "probability")
SHARE = ("accuracy", "low", "high", "n")
Table = tuple[Sequence[str], Sequence[Sequence[Any]]]  # header and rows


@dataclass(frozen=True)
class Predictions:
    """The predictions on `val`: `probabilities` float (n, classes)."""

    val: Part
    classes: Classes
    probabilities: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """The predicted classes, int (n,)."""
        return self.probabilities.argmax(axis=1)

    @property
    def correct(self) -> np.ndarray:
        """Bool (n,)."""
        return self.labels == self.val.labels

    @property
    def wrong(self) -> np.ndarray:
        """Indices of the photos predicted wrongly, the most confident error first."""
        indices = np.flatnonzero(~self.correct)
        return indices[np.argsort(-self.probabilities.max(axis=1)[indices], kind="stable")]


def scores(predictions: Predictions, threshold: Threshold, ece_bins: int, worst_pairs: int) -> dict[str, Any]:
    """Return the metrics of `predictions`; `threshold`: below it the model says "not sure"."""
    val, classes = predictions.val, predictions.classes
    found = metrics.summary(
        val.labels, predictions.probabilities, classes.names, val.exact | val.near, bin_of=classes.bin_of,
        bins=[row["id"] for row in classes.bins], ece_bins=ece_bins, worst_pairs=worst_pairs,
    )  # fmt: skip
    return found | metrics.answered(val.labels, predictions.probabilities, threshold) | {"split": val.split}


def table(predictions: Predictions, similarity: np.ndarray | None = None) -> Table:
    """Return a row a photo, for `sortline compare`; `similarity` float (n,): to the nearest train photo, if known."""
    near = [""] * len(predictions.val.images) if similarity is None else [f"{one:.4f}" for one in similarity]
    scenes = predictions.val.scenes.tolist()
    rows = [[*_row(predictions, i, int(hit)), near[i], scenes[i]] for i, hit in enumerate(predictions.correct)]
    return [*NAMED, "correct", *FLAGS, "similarity", "scene"], rows


def _row(predictions: Predictions, i: int, more: int | str) -> list[Any]:
    val, names = predictions.val, predictions.classes.names
    truth, predicted = names[val.labels[i]], names[predictions.labels[i]]
    top = f"{predictions.probabilities[i].max():.4f}"
    return [val.images[i], truth, predicted, top, more, int(val.exact[i]), int(val.near[i])]


def tables(predictions: Predictions, ece_bins: int, similarity: np.ndarray | None = None) -> dict[str, Table]:
    """Return predictions, wrong, confusion (for `dvc plots`), per_class and reliability: header and rows by name."""
    val, names, predicted = predictions.val, predictions.classes.names, predictions.labels
    own = np.take_along_axis(predictions.probabilities, val.labels[:, None], axis=1)[:, 0]
    wrong = [_row(predictions, i, f"{own[i]:.4f}") for i in predictions.wrong]
    pairs = [[names[truth], names[label]] for truth, label in zip(val.labels, predicted, strict=True)]
    by_class = metrics.shares_by(predictions.correct, val.labels, names)
    bins = metrics.calibration(val.labels, predictions.probabilities, ece_bins)
    return {
        "predictions": table(predictions, similarity),
        "wrong": ([*NAMED, "truth_probability", *FLAGS], wrong),
        "confusion": (["actual", "predicted"], pairs),
        "per_class": (
            ["label", "class", *SHARE],
            [[label, name, *cells(share)] for label, (name, share) in enumerate(by_class.items())],
        ),
        "reliability": (
            ["above", "upto", "confidence", *SHARE],
            [[*map(_cell, (one["above"], one["upto"], one["confidence"])), *cells(one)] for one in bins],
        ),
    }


def apart(predictions: Predictions, threshold: Threshold) -> dict[str, Any]:
    """Return the metrics of a part that is scored apart; of a `field/` with a folder a source, of each source too."""
    val, correct = predictions.val, predictions.correct
    found = metrics.share(correct) | {"classes": int(np.unique(val.labels).size)}
    found |= metrics.answered(val.labels, predictions.probabilities, threshold)
    new = ~(val.exact | val.near)
    found |= metrics.named(metrics.share(correct[new]), "accuracy_deduplicated", "n_deduplicated")
    places = [PurePosixPath(image).parts for image in val.images]
    if val.split == "field" and all(len(place) > 3 for place in places):  # field/SOURCE/CLASS/PHOTO
        sources = np.array([place[1] for place in places])
        found["per_source"] = {name: metrics.share(correct[sources == name]) for name in np.unique(sources).tolist()}
    return found


def on_given_labels(predictions: Predictions) -> dict[str, Any]:
    """Return the accuracy on a part as it came, before a person's corrections: photos dropped since are in it, too."""
    share = metrics.share_by_scene(predictions.correct, predictions.val.scenes)
    return metrics.named(share, "given_accuracy", "given_n")


def cells(share: dict[str, Any]) -> list[Any]:
    """Return what `metrics.share` found as cells of a table, in SHARE's order."""
    return [_cell(share[key]) for key in SHARE]


def _cell(value: float | int | None) -> float | int | str:
    return f"{value:.4f}" if isinstance(value, float) else "" if value is None else value
