"""Heads that learn from photos without labels too: one that is there says what is on them, the next learns from it.

Taken are the labels that it is sure of on the plain view (Lee, "Pseudo-Label", ICML workshop 2013); they are taught on
the other views, as FixMatch does (Sohn et al. 2020, arXiv:2001.07685), but from round to round, not step to step.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sortline._core.errors import UserError
from sortline.config.training import PseudoParams, TrainHeadParams
from sortline.data import prepared
from sortline.features.heads import MAPS, softmax
from sortline.features.store import FeatureStore
from sortline.training import heads
from sortline.training.calibration import fit_temperature
from sortline.training.keeping import Keeper
from sortline.training.results import Examples, Trained, TrainingSet


@dataclass(frozen=True)
class UnlabelledSet:
    """u photos without a label. `features` as in `TrainingSet`; `folds` int (u,): the fold of the train photos of the
    same scene, whose head must not learn from it; -1 where train does not show the scene."""

    features: np.ndarray
    folds: np.ndarray


def read(split: Sequence[dict[str, str]], features: Path, params: TrainHeadParams) -> UnlabelledSet:
    """Return the photos without a label in split.csv, but those that show a scene of a photo held out or dropped.

    Raises `UserError` where none is left.
    """
    found = prepared.unlabelled(split)
    if not len(found.rows):
        raise UserError(
            "params.yaml: train_head.pseudo needs photos without a label, none of them a copy of a val photo: in "
            "unlabelled/, beside train/; or set it to null"
        )
    stored = FeatureStore(features).read("maps" if params.pooling in MAPS else "pooled", len(split))
    return UnlabelledSet(stored[found.rows], found.folds)


def train(
    data: TrainingSet, unlabelled: UnlabelledSet, params: TrainHeadParams, keeper: Keeper | None = None,
    log: Path | None = None,
) -> Trained:  # fmt: skip
    """Train on labelled photos alone, then `rounds` times on these and on what the last heads say of the others.

    `keeper` and `log` as in `heads.train_by_steps`. The facts have how many photos got a label.
    """
    assert params.pseudo is not None
    trained = heads.train_by_steps(data, params, _round(keeper, 0), log)
    given: list[int] = []
    for number in range(params.pseudo.rounds):
        labels, taken = label(data, unlabelled, trained, params)
        given.append(int(taken[:, len(data.fold_numbers)].sum()))
        extra = taught(data, unlabelled, labels, taken, params)
        trained = heads.train_by_steps(data, params, _round(keeper, number + 1), log, extra)
    facts = {"unlabelled": len(unlabelled.folds), "pseudo_labelled": given}
    return replace(trained, facts=trained.facts | facts)


def label(
    data: TrainingSet, unlabelled: UnlabelledSet, teacher: Trained, params: TrainHeadParams
) -> tuple[np.ndarray, np.ndarray]:
    """Return what each of the teacher's models says of each photo, int (u, models), and whether its student is to learn
    it, bool (u, models): of a fold's head not where a photo of the fold shows the same scene.

    How sure a model is, is said by a temperature that was fitted without the labels of its own fold.
    """
    assert params.pseudo is not None
    plain, numbers = unlabelled.features[:, 0], data.fold_numbers
    labels = np.empty((len(plain), len(teacher.models)), np.int64)
    taken = np.empty(labels.shape, bool)
    for place, head in enumerate(teacher.models):
        known, free = np.ones(len(data.labels), bool), np.ones(len(plain), bool)
        if place < len(numbers):
            known, free = data.folds != numbers[place], unlabelled.folds != numbers[place]
        temperature = fit_temperature(data.labels[known], teacher.out_of_fold[known]) if params.calibrate else 1.0
        probabilities = softmax(head.logits(plain) / temperature)
        labels[:, place] = probabilities.argmax(1)
        taken[:, place] = free & (probabilities.max(1) >= params.pseudo.threshold)
    return labels, taken


def taught(
    data: TrainingSet, unlabelled: UnlabelledSet, labels: np.ndarray, taken: np.ndarray, params: TrainHeadParams
) -> Examples:
    """Return the rows that `label`'s answers make: a photo is there once for each label that a model gives it, and
    teaches the models that gave it that one. Raises `UserError` where there are no views to learn from."""
    photo, model = np.nonzero(taken)
    told, number = np.unique(np.stack((photo, labels[photo, model]), 1), axis=0, return_inverse=True)
    masks = np.zeros((len(told), taken.shape[1]), bool)
    masks[number, model] = True
    views = _views(unlabelled.features[:, : params.views], params.pseudo)
    one = replace(data, features=views[told[:, 0]], labels=told[:, 1])
    rows, of = heads.training_rows(one, params.model_copy(update={"views": None}))
    return Examples(rows, heads.targets_of(one, params)[of], masks[of])


def _views(features: np.ndarray, pseudo: PseudoParams | None) -> np.ndarray:
    if pseudo is None or pseudo.views == "all":
        return features
    if features.shape[1] < 2:
        raise UserError(
            "params.yaml: train_head.pseudo.views is others, but there is the plain view alone; raise "
            "prepare.views.count and train_head.views, or set it to all"
        )
    return features[:, 1:]


def _round(keeper: Keeper | None, number: int) -> Keeper | None:
    """Return what keeps a round: each has a folder of its own, as each is a training of its own."""
    if keeper is None:
        return None
    folder = keeper.folder / f"round-{number}"
    folder.mkdir(parents=True, exist_ok=True)
    return Keeper(folder)
