"""A classifier's answers on val, and the tables and charts that evaluate makes of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sortline._core.files import write_csv
from sortline.data.prepared import Classes, Part
from sortline.evaluation import metrics
from sortline.report import figures
from sortline.report.figures import Groups


@dataclass(frozen=True)
class Answers:
    """A classifier's answers on val: `probabilities` float (n, classes) for the photos of `val`."""

    val: Part
    classes: Classes
    probabilities: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        return self.probabilities.argmax(axis=1)

    @property
    def wrong(self) -> np.ndarray:
        """Places in val of the photos answered wrongly, the most confident error first."""
        places = np.flatnonzero(self.predicted != self.val.labels)
        return places[np.argsort(-self.probabilities.max(axis=1)[places], kind="stable")]


def _groups(classes: Classes) -> Groups | None:
    if classes.bin_of is None:
        return None
    return Groups(classes.bin_of.tolist(), [row["en"] for row in classes.bins], [row["colour"] for row in classes.bins])


def write_tables(folder: Path, answers: Answers, ece_bins: int) -> None:
    """Write predictions.csv, wrong.csv, confusion.csv (for `dvc plots`), per_class.csv and reliability.csv."""
    val, names, predicted = answers.val, answers.classes.names, answers.predicted
    top = answers.probabilities.max(axis=1)
    own = np.take_along_axis(answers.probabilities, val.labels[:, None], axis=1)[:, 0]

    def row(i: int, *more: Any) -> list[Any]:
        said = [val.images[i], names[val.labels[i]], names[predicted[i]], f"{top[i]:.4f}", *more]
        return [*said, int(val.exact[i]), int(val.near[i])]

    header, flags = ["image", "truth", "predicted", "probability"], ["in_train_exact", "in_train_near"]
    every = [row(i, int(predicted[i] == val.labels[i])) for i in range(len(val.images))]
    write_csv(folder / "predictions.csv", [*header, "correct", *flags], every)
    wrong = [row(i, f"{own[i]:.4f}") for i in answers.wrong]
    write_csv(folder / "wrong.csv", [*header, "truth_probability", *flags], wrong)

    pairs = zip(val.labels, predicted, strict=True)
    write_csv(folder / "confusion.csv", ["actual", "predicted"], ([names[a], names[b]] for a, b in pairs))
    by_class = metrics.shares_by(predicted == val.labels, val.labels, names)
    shares = [[label, name, *_cells(share)] for label, (name, share) in enumerate(by_class.items())]
    write_csv(folder / "per_class.csv", ["label", "class", *SHARE], shares)
    rows = metrics.calibration(val.labels, answers.probabilities, ece_bins)
    bins = [[f"{row['above']:.4f}", f"{row['upto']:.4f}", _cell(row["confidence"]), *_cells(row)] for row in rows]
    write_csv(folder / "reliability.csv", ["above", "upto", "confidence", *SHARE], bins)


SHARE = ("accuracy", "low", "high", "n")


def _cells(share: dict[str, Any]) -> list[Any]:
    return [_cell(share[key]) for key in SHARE]


def _cell(value: float | int | None) -> float | int | str:
    return f"{value:.4f}" if isinstance(value, float) else "" if value is None else value


def draw_charts(folder: Path, answers: Answers, ece_bins: int, task: str, note: str) -> None:
    """Draw confusion.png, per_class.png and reliability.png; a `note` stands under every title."""
    labels, predicted, classes = answers.val.labels, answers.predicted, answers.classes
    n, right = len(labels), int(np.sum(labels == predicted))
    rows = metrics.calibration(labels, answers.probabilities, ece_bins)
    under = f"\n{note}" if note else ""
    figures.confusion(
        metrics.confusion(labels, predicted, len(classes.names)),
        classes.names,
        folder / "confusion.png",
        title=f"{task}: {right:,} of {n:,} {answers.val.split} photos right{under}",
        groups=_groups(classes),
    )
    figures.per_class(
        metrics.shares_by(labels == predicted, labels, classes.names),
        folder / "per_class.png",
        title=f"{task}: accuracy per class on {answers.val.split} (n = {n:,}){under}",
        groups=_groups(classes),
    )
    title = f"{task}: calibration on {answers.val.split}, ECE {metrics.ece(rows):.3f} (n = {n:,}){under}"
    figures.reliability(rows, folder / "reliability.png", title=title)
