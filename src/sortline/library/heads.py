"""A head on features that are arrays: fitted as the stage `train_head` does, and what its predictions are worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pydantic

from sortline._core import runtime
from sortline._core.doubt import Threshold
from sortline._core.errors import UserError
from sortline.config.base import one_line
from sortline.config.training import TrainHeadParams
from sortline.data.split import deal_folds
from sortline.evaluation import metrics
from sortline.features.heads import Head
from sortline.training import calibration, heads
from sortline.training.lbfgs import train_lbfgs
from sortline.training.results import TrainingSet


@dataclass(frozen=True)
class FittedHead:
    """A head with its temperature in it.

    `classes` (k,): the labels in the order of the probabilities. `out_of_fold` float64 (n, k): probabilities of the
    rows it was fitted on, each by a head that has not seen its fold. `threshold`: the probability below which a
    prediction is not sure.
    """

    head: Head
    classes: np.ndarray
    out_of_fold: np.ndarray
    temperature: float
    threshold: Threshold

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """Map features (n, D) to probabilities float64 (n, k)."""
        return self.head.probabilities(_as_pooled(features)[:, 0])

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return the most probable label of each row of features (n, D)."""
        return self.classes[self.probabilities(features).argmax(1)]


@dataclass(frozen=True)
class Share:
    """The share of `n` that is correct, with its 95 % Wilson interval; None of none."""

    accuracy: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Evaluation:
    """What predictions are worth, as evaluate.json has it. `confusion` int (k, k): rows are the truth."""

    accuracy: Share
    top5: Share
    macro_f1: float
    macro_recall: float
    log_loss: float
    ece: float
    per_class: dict[str, Share]
    confusion: np.ndarray


def fit_head(
    features: np.ndarray, labels: Sequence[Any] | np.ndarray, groups: Sequence[Any] | np.ndarray | None = None,
    folds: int = 5, **params: Any,
) -> FittedHead:  # fmt: skip
    """Fit a head on features (n, D), finite, by `labels` (n,) of any kind.

    `groups` (n,): rows of one group, as photos of one scene, come into one fold; None: each is its own. `params`: keys
    of the stage `train_head`, by default L-BFGS, its strength chosen out of fold. There are fewer folds where a class
    has fewer rows. Raises `UserError` for params that are none, fewer than two classes, and a class of one row.
    """
    try:
        chosen = TrainHeadParams.model_validate({"optimizer": "lbfgs", **params})
    except pydantic.ValidationError as error:
        raise UserError(f"fit_head: {one_line(error, '')}") from None
    if chosen.pooling != "mean":
        raise UserError("fit_head: pooling is done already where features are rows; leave it out")
    classes, index, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    if len(classes) < 2:
        raise UserError(f"fit_head: labels of {len(classes)} class, expected 2 or more classes")
    if counts.min() < 2:
        raise UserError(f"fit_head: class {classes[counts.argmin()]!r} has one row, each class needs 2 or more")
    pooled = _as_pooled(features)
    rows = np.arange(len(index)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    if not len(pooled) == len(index) == len(rows):
        raise UserError(f"fit_head: {len(pooled)} rows of features, {len(index)} labels, {len(rows)} groups")
    folds = min(folds, int(counts.min()), len(np.unique(rows)))
    dealt = deal_folds(index, rows, folds, chosen.seed) if folds > 1 else np.zeros_like(index)
    if any(len(np.unique(index[dealt != fold])) < 2 for fold in np.unique(dealt)):
        raise UserError("fit_head: without one fold's rows not two classes are left; give more folds, or more groups")
    data = TrainingSet(pooled, index, dealt, len(classes), groups=rows)
    if chosen.optimizer == "lbfgs":
        trained = train_lbfgs(data, chosen)
    else:
        runtime.prepare(chosen.seed)
        trained = heads.train_by_steps(data, chosen)
    found = calibration.calibrate(trained, index, chosen)
    head = found.heads[trained.checkpoint]
    return FittedHead(head, classes, found.out_of_fold, found.temperature, found.threshold)


def evaluate(
    labels: Sequence[Any] | np.ndarray, probabilities: np.ndarray, classes: Sequence[Any] | np.ndarray | None = None
) -> Evaluation:
    """Score probabilities (n, k) against `labels` (n,), which are of `classes` (k,); None: of 0 ... k - 1.

    Raises `UserError` for shapes that disagree, and a label that is no class.
    """
    given, names = (
        np.asarray(labels),
        np.arange(np.shape(probabilities)[-1]) if classes is None else np.asarray(classes),
    )
    if np.shape(probabilities) != (len(given), len(names)) or not len(given):
        shapes = f"{len(given)} labels, {len(names)} classes, probabilities {np.shape(probabilities)}"
        raise UserError(f"evaluate: {shapes}; expected (labels, classes)")
    found = given[:, None] == names
    if not found.any(1).all():
        raise UserError(f"evaluate: label {given[~found.any(1)][0]!r} is not among the classes")
    index, shown, probable = found.argmax(1), [str(name) for name in names], np.asarray(probabilities, np.float64)
    predicted = probable.argmax(1)
    top5 = metrics.top_k(index, probable, min(metrics.TOP, len(names)))
    by_class = metrics.shares_by(predicted == index, index, shown)
    return Evaluation(
        accuracy=Share(**metrics.share(predicted == index)),
        top5=Share(**metrics.share(top5)),
        macro_f1=metrics.macro_f1(index, predicted),
        macro_recall=metrics.macro_recall(index, predicted),
        log_loss=metrics.log_loss(index, probable),
        ece=metrics.ece(metrics.calibration(index, probable)),
        per_class={name: Share(**one) for name, one in by_class.items()},
        confusion=metrics.confusion(index, predicted, len(names)),
    )


def _as_pooled(features: np.ndarray) -> np.ndarray:
    """Return features (n, D) as the store has pooled ones: float32 (n, 1 view, 1 pooling, D)."""
    rows = np.asarray(features, np.float32)
    if rows.ndim != 2:
        raise UserError(f"features of shape {rows.shape}, expected (n, D)")
    return rows[:, None, None]
