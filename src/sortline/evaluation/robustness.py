"""Accuracy, calibration and "not sure" on corrupted photos of scenes that a model has not seen."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sortline._core.arrays import spread
from sortline._core.cores import on_all_cores
from sortline._core.doubt import Threshold, sure
from sortline._core.errors import UserError
from sortline.config.augment import ViewParams
from sortline.config.diagnose import DiagnoseParams, RobustnessParams
from sortline.config.training import TrainHeadParams, TrainParams
from sortline.data.augment import chains
from sortline.evaluation import metrics
from sortline.evaluation.corruptions import KINDS, grid
from sortline.evaluation.predictions import SHARE, Table, cells
from sortline.features.answers import HeldOut
from sortline.features.heads import softmax
from sortline.predictor import Predictor

MAX_PHOTOS = 2500  # evenly spread
LEAST_FAMILIAR = 0.2  # share of the photos
COLUMNS = ["family", "corruption", "severity", *SHARE, "confidence", "ece", "answered", "answered_accuracy"]


@dataclass(frozen=True)
class Answers:
    """n photos as they are, m answers to corrupted ones.

    Of the photos: `labels`, `scenes` int (n,), `probabilities` float (n, classes), `similarity` float (n,) or None. Of
    the answers: `photo` int (m,), `cell` int (m,), which of `cells`, `corrupted` float (m, classes), probabilities.
    """

    split: str
    labels: np.ndarray
    scenes: np.ndarray
    probabilities: np.ndarray
    similarity: np.ndarray | None
    cells: list[tuple[str, int]]
    photo: np.ndarray
    cell: np.ndarray
    corrupted: np.ndarray


def dealt(labels: np.ndarray, count: int, each: int, seed: int = 0) -> np.ndarray:
    """Return which of `count` cells each photo is tried in, int (n, each): all of them as often, and in each class."""
    order = np.lexsort((np.random.default_rng(seed).permutation(len(labels)), labels))
    found = np.empty((len(labels), each), int)
    found[order] = (np.arange(len(labels))[:, None] * each + np.arange(each)) % count
    return found


def measure(predictor: Predictor, held: HeldOut, raw: Path, params: DiagnoseParams) -> Answers:
    """Ask about photos of `held`, which lie in `raw`, each corrupted after its resizing in `robustness.each` ways."""
    # By severity first: a photo's few ways are of several families.
    tried = sorted(grid(params.severities, tuple(KINDS)), key=lambda cell: cell[1])
    some = spread(len(held.part.images), MAX_PHOTOS)
    labels, each = held.part.labels[some], min(params.robustness.each or len(tried), len(tried))
    deal = dealt(labels, len(tried), each)

    def ask(number: int) -> np.ndarray:
        picture = predictor.open(raw / held.part.images[some[number]])
        ways = (tried[cell] for cell in deal[number])
        corrupted = np.stack([KINDS[name].corrupt(picture, severity) for name, severity in ways])
        return softmax(predictor.logits(corrupted, held.folds[some[number]]))

    answers = np.concatenate(list(on_all_cores(ask, range(len(some)), "corrupted photos")))
    near = None if held.similarity is None else held.similarity[some]
    photo = np.repeat(np.arange(len(some)), each)
    clean = labels, held.part.scenes[some], held.probabilities[some], near
    split = f"{held.part.split}{', scenes not seen' * held.new}"
    return Answers(split, *clean, tried, photo, deal.ravel(), answers)


def summary(found: Answers, threshold: Threshold, trained: set[str]) -> dict[str, Any]:
    """Return the metrics: as they are, on the mean of all ways, by family and by corruption, and the same of the least
    familiar fifth; `trained`: names of what training did to its pictures."""
    names = np.array([name for name, _ in found.cells])[found.cell]
    family = np.array([KINDS[name].family for name in names])
    # Of few photos some families have none.
    families = [kind for kind in dict.fromkeys(k.family for k in KINDS.values()) if (family == kind).any()]
    whole = {kind: _scores(found, family == kind, threshold) for kind in families}
    by_kind = {name: _scores(found, names == name, threshold) for name in KINDS if (names == name).any()}
    for name, scores in by_kind.items():
        like = bool(trained.intersection(KINDS[name].like))
        scores |= {"family": KINDS[name].family, "trained_with": like}
    result = {
        "split": found.split,
        "families": whole,
        "corruptions": by_kind,
        "worst_family": min(whole, key=lambda kind: whole[kind]["accuracy"]),
        **_both(found, np.ones(len(found.labels), bool), threshold),
    }
    if found.similarity is not None:
        far = found.similarity <= np.quantile(found.similarity, LEAST_FAMILIAR)
        result["least_familiar_fifth"] = _both(found, far, threshold)
    return result


def _both(found: Answers, inside: np.ndarray, threshold: Threshold) -> dict[str, Any]:
    """Return the scores of the photos `inside` as they are, and corrupted."""
    clean = _score(found.labels[inside], found.probabilities[inside], found.scenes[inside], threshold)
    return {"clean": clean, "corrupted": _scores(found, inside[found.photo], threshold)}


def _scores(found: Answers, inside: np.ndarray, threshold: Threshold) -> dict[str, Any]:
    photo = found.photo[inside]
    return _score(found.labels[photo], found.corrupted[inside], found.scenes[photo], threshold)


def _score(labels: np.ndarray, probabilities: np.ndarray, scenes: np.ndarray, threshold: Threshold) -> dict[str, Any]:
    confidence, correct = probabilities.max(1), probabilities.argmax(1) == labels
    certain = sure(confidence, threshold)
    answered = (
        metrics.share_by_scene(correct[certain], scenes[certain]) if certain.any() else metrics.share(correct[:0])
    )
    return {
        **metrics.share_by_scene(correct, scenes),
        "confidence": float(confidence.mean()),
        "ece": metrics.ece(metrics.calibration(labels, probabilities)),
        "answered": float(certain.mean()),
        **metrics.named(answered, "answered_accuracy", "answered_n"),
    }


def trained_with(predictor: Predictor, views: ViewParams, head: TrainHeadParams, train: TrainParams) -> set[str]:
    """Return what was done to pictures in training: the names in `ViewParams`, `DistortionParams` that are not off."""
    kept, net = predictor.store.about.get("views", 1), "net" in predictor.about
    if net and predictor.store.blocks is None:
        return _that_are_on({"crop_scale": train.crops.scale} if train.on_photos else train.augment.model_dump())
    return done_by(views) if kept > 1 and (net or head.views != 1) else set()


def done_by(views: ViewParams) -> set[str]:
    """Return what these views do to pictures, the same names; a chain does the like of all that it may draw."""
    change = _that_are_on(views.model_dump(exclude={"chain"}))
    return change | chains.like(views.chain) if views.chain else change


def _that_are_on(change: dict[str, Any]) -> set[str]:
    return {name for name, value in change.items() if value not in (0, [1.0, 1.0])}


def check(result: dict[str, Any], params: RobustnessParams) -> None:
    """Raise `UserError` where the mean or the worst family is under its minimum by more than the interval allows."""
    worst = result["worst_family"]
    scores = [
        ("min_mean", params.min_mean, "mean", result["corrupted"]),
        ("min_worst", params.min_worst, f"worst family ({worst})", result["families"][worst]),
    ]
    for name, minimum, what, score in scores:
        if minimum is not None and score["high"] < minimum:
            raise UserError(
                f"corrupted photos: on the {what} {score['accuracy']:.1%} [{score['low']:.1%}, {score['high']:.1%}] "
                f"are correct (n = {score['n']:,}), under diagnose.robustness.{name} {minimum:.1%}; take back what "
                f"cost it, or lower {name} in params.yaml"
            )


def table(found: Answers, threshold: Threshold) -> Table:
    """Return a row of scores for the photos as they are, and for each corruption and severity that was tried."""
    scores = [("", "none", 0, _both(found, np.ones(len(found.labels), bool), threshold)["clean"])]
    for index, (name, severity) in sorted(enumerate(found.cells), key=lambda one: [*KINDS].index(one[1][0])):
        if (inside := found.cell == index).any():
            scores.append((KINDS[name].family, name, severity, _scores(found, inside, threshold)))
    rows = []
    for family, name, severity, score in scores:
        more = (score[key] for key in COLUMNS[-4:])
        rows.append([family, name, severity, *cells(score), *("" if one is None else f"{one:.4f}" for one in more)])
    return COLUMNS, rows
