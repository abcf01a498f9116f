"""What a model makes of corrupted photos, and which labels and photos it finds doubtful."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sortline._core.arrays import spread
from sortline._core.cores import on_all_cores
from sortline.config.diagnose import DiagnoseParams
from sortline.data.prepared import Part
from sortline.evaluation import metrics, suspects
from sortline.evaluation.corruptions import CORRUPTIONS, grid
from sortline.evaluation.predictions import SHARE, Table, cells
from sortline.evaluation.suspects import Suspects
from sortline.features.answers import Unseen
from sortline.predictor import Predictor

MAX_CORRUPTED = 1000  # photos, evenly spread: each is corrupted in every way
Scores = dict[tuple[str, int], dict[str, Any]]  # `metrics.share` by (corruption, severity); ("none", 0): as they are


@dataclass(frozen=True)
class Diagnosis:
    """`photos` of the part `split` were corrupted; `doubtful` ones are among the `unseen`; `names` are the classes'."""

    split: str
    photos: list[Path]
    scores: Scores
    unseen: Unseen
    doubtful: Suspects
    names: list[str]


def diagnose(
    predictor: Predictor, val: Part, unseen: Unseen, raw: Path, names: list[str], params: DiagnoseParams
) -> Diagnosis:
    """Corrupt photos of `val`, which lie in `raw`, and look for doubtful ones among the `unseen`."""
    part = unseen.part
    found = suspects.find(
        part.labels, unseen.probabilities, unseen.features, part.scenes, params.neighbours, params.outliers
    )
    some = spread(len(val.images), MAX_CORRUPTED)
    photos = [raw / val.images[i] for i in some]
    scores = corrupted_accuracy(photos, val.labels[some], predictor, params.severities)
    return Diagnosis(val.split, photos, scores, unseen, found, names)


def corrupted_accuracy(
    photos: Sequence[Path], labels: np.ndarray, predictor: Predictor, severities: Sequence[int]
) -> Scores:
    """Return the accuracy on `photos`, corrupted after their resizing; `labels` int (n,)."""
    kinds = grid(severities)

    def predict(photo: Path) -> np.ndarray:
        picture = predictor.open(photo)
        corrupted = [CORRUPTIONS[name](picture, severity) for name, severity in kinds]
        return predictor.logits(np.stack([picture, *corrupted])).argmax(1)

    predicted = np.stack(list(on_all_cores(predict, photos, "corrupted photos")))
    columns = zip([("none", 0), *kinds], predicted.T, strict=True)
    return {kind: metrics.share(column == labels) for kind, column in columns}


def summary(found: Diagnosis) -> dict[str, Any]:
    """Return the metrics of a diagnosis."""
    corrupted = [score["accuracy"] for (_, severity), score in found.scores.items() if severity]
    return {
        "split": f"{found.split} (corruptions); {found.unseen.part.split} (suspects)",
        "corruption_accuracy": {f"{name} {severity}": score for (name, severity), score in found.scores.items()},
        "mean_corruption_accuracy": float(np.mean(corrupted)),
        "suspected_labels": len(found.doubtful.labels),
        "n_train": len(found.unseen.part.labels),
    }


def tables(found: Diagnosis) -> dict[str, Table]:
    """Return suspects and corruptions: header and rows by name."""
    part, probabilities = found.unseen.part, found.unseen.probabilities
    doubtful = suspects.rows(found.doubtful, part.images, part.labels, probabilities, found.names)
    rows = [[name, severity, *cells(score)] for (name, severity), score in found.scores.items()]
    header = ["corruption", "severity", *SHARE]
    return {"suspects": (suspects.COLUMNS, doubtful), "corruptions": (header, rows)}
