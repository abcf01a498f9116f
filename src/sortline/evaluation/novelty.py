"""What a model is worth on photos less and less like those it was trained on."""

from collections.abc import Mapping
from typing import Any

from sortline._core.doubt import Threshold
from sortline.evaluation import metrics
from sortline.evaluation.predictions import SHARE, Table, cells
from sortline.features.answers import Familiar

EDGES = (-1.0, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # of the similarity to the nearest train photo
COLUMNS = ["photos", "above", "upto", *SHARE, "confidence", "answered", "answered_accuracy", "answered_n"]


def curve(photos: Familiar, threshold: Threshold) -> list[dict[str, Any]]:
    """Return a row for each range of similarity that has photos: `above`, `upto`, what `metrics.share` has, the mean
    `confidence`, and what `metrics.answered` says of "not sure" below `threshold`."""
    rows = []
    for above, upto in zip(EDGES[:-1], EDGES[1:], strict=True):
        inside = (photos.similarity > above) & (photos.similarity <= upto if upto < 1 else True)
        if inside.any():
            labels, probabilities = photos.labels[inside], photos.probabilities[inside]
            correct, confidence = probabilities.argmax(1) == labels, float(probabilities.max(1).mean())
            found = metrics.answered(labels, probabilities, threshold)
            found.pop("threshold")
            rows.append({"above": above, "upto": upto, "confidence": confidence, **metrics.share(correct), **found})
    return rows


def summary(curves: Mapping[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """Return the curves as metrics, by what the photos are and the range."""
    return {
        name.replace(" ", "_"): {
            f"{max(row['above'], 0):g} to {row['upto']:g}": {k: v for k, v in row.items() if k not in ("above", "upto")}
            for row in rows
        }
        for name, rows in curves.items()
    }


def table(curves: Mapping[str, list[dict[str, Any]]]) -> Table:
    """Return the curves as a table."""

    def fine(value: float | None) -> str:
        return "" if value is None else f"{value:.4f}"

    rows = [
        [name, row["above"], row["upto"], *cells(row), *(fine(row[key]) for key in COLUMNS[7:10]), row["answered_n"]]
        for name, some in curves.items()
        for row in some
    ]
    return COLUMNS, rows
