"""Both kinds of optimizer at the ends of what `sortline new` takes: a thousand classes, two classes, a class that only
one fold has."""

import numpy as np
import pytest

from sortline.config.training import TrainHeadParams
from sortline.training.heads import train_by_steps
from sortline.training.lbfgs import train_lbfgs
from sortline.training.results import TrainingSet

pytestmark = pytest.mark.usefixtures("graph_mode")

WAYS = {"momentum": train_by_steps, "lbfgs": train_lbfgs}


def drawn(classes: int, each: int, channels: int) -> TrainingSet:
    """Photos near the centres of their classes; photo i of a class is in fold i."""
    generator = np.random.default_rng(0)
    labels, folds = np.repeat(np.arange(classes), each), np.tile(np.arange(each), classes)
    centres = generator.normal(size=(classes, channels))
    rows = centres[labels] + 0.25 * generator.normal(size=(len(labels), channels))
    pooled = np.stack((rows, rows), 1)[:, None].astype(np.float32)
    return TrainingSet(pooled, labels, folds, classes, np.arange(len(labels)))


def nearest_centre(data: TrainingSet) -> float:
    """Accuracy out of fold of the nearest class mean."""
    rows, right = data.features[:, 0, 0], 0
    for fold in data.fold_numbers:
        inside, held = data.folds != fold, data.folds == fold
        means = np.stack([rows[inside & (data.labels == label)].mean(0) for label in range(data.classes)])
        away = (means**2).sum(1) - 2 * rows[held] @ means.T
        right += (away.argmin(1) == data.labels[held]).sum()
    return right / len(rows)


@pytest.mark.parametrize("optimizer", list(WAYS))
def test_a_thousand_classes_of_three_photos_each(optimizer):
    data = drawn(1000, 3, 32)
    params = TrainHeadParams(optimizer=optimizer, lr=1.0, epochs=15, batch_size=256, lbfgs_c=[1.0], lbfgs_max_iter=30)
    trained = WAYS[optimizer](data, params)
    assert trained.out_of_fold.shape == (3000, 1000)
    right = (trained.out_of_fold.argmax(1) == data.labels).mean()
    assert right > nearest_centre(data) - 0.05 > 0.9


@pytest.mark.parametrize("optimizer", list(WAYS))
def test_two_classes(optimizer):
    data = drawn(2, 12, 4)
    trained = WAYS[optimizer](data, TrainHeadParams(optimizer=optimizer, lr=0.1, epochs=60))
    assert trained.out_of_fold.shape == (24, 2)
    assert (trained.out_of_fold.argmax(1) == data.labels).all()


@pytest.mark.parametrize("optimizer", list(WAYS))
def test_a_class_that_is_in_one_fold_alone_is_never_answered_there(optimizer):
    """Its photos are held out together, so that fold's head has never seen it; the last head has."""
    data = drawn(4, 6, 8)
    lonely = data.labels == 3
    data.folds[lonely] = 2
    trained = WAYS[optimizer](data, TrainHeadParams(optimizer=optimizer, lr=0.1, epochs=10))
    answers = trained.out_of_fold.argmax(1)
    assert np.isfinite(trained.out_of_fold).all()
    assert not (answers[data.folds == 2] == 3).any()
    assert (answers[~lonely] == data.labels[~lonely]).mean() > 0.9
    whole = trained.heads["last"].logits(data.features[:, 0]).argmax(1)
    assert (whole[lonely] == 3).all()
