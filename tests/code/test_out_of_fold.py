"""sortline.nets.out_of_fold: who has seen what, and what is made of it."""

import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import softmax

from sortline.config.training import TrainParams
from sortline.data import prepared
from sortline.nets import fit, out_of_fold

COUNT, CLASSES = 30, 3
FOLDS, SCENES = np.arange(COUNT) % 5, np.arange(COUNT) % 10
LABELS = np.arange(COUNT) % CLASSES
SETTINGS = {"net": "mobilenet_v2", "mode": "partial", "checkpoint": "last", "out_of_fold": True}


@pytest.fixture
def seen(monkeypatch):
    """Nets that are no nets: each says of a photo its number and that of the photo that it was trained on first."""
    parts = []

    def build(part, params, weights, keep):
        return SimpleNamespace(first=part.rows[0]), {}

    def train(net, options, part, params, out, keeper):
        parts.append(part)
        logits = np.stack([part.val_rows, np.full(len(part.val_rows), net.first), np.zeros(len(part.val_rows))], 1)
        return SimpleNamespace(val_logits=logits / 10)

    def features(net, part, rows):
        generator = np.random.default_rng(0)
        return generator.standard_normal((200, 60)).astype(np.float32)[rows]

    monkeypatch.setattr(fit, "build", build)
    monkeypatch.setattr(fit, "train", train)
    monkeypatch.setattr(out_of_fold, "features", features)
    return parts


def measured(**settings):
    rows = 100 + np.arange(COUNT)
    others = prepared.Unlabelled(np.array([7, 8, 9]), np.array([-1, 0, 3]))
    data = fit.Parts(None, rows, LABELS, rows[:2], LABELS[:2], CLASSES, unlabelled=others)
    params = TrainParams(**SETTINGS | settings)
    with tempfile.TemporaryDirectory() as work:
        return out_of_fold.measure(data, FOLDS, SCENES, SimpleNamespace(), params, Path("none"), Path(work))


def test_no_net_has_seen_the_fold_that_it_speaks_of_and_each_photo_has_its_own_answer(seen):
    found = measured(calibrate=False)
    assert len(seen) == 5
    for fold, part in enumerate(seen):
        assert set(part.val_rows) == set(100 + np.flatnonzero(fold == FOLDS))
        assert set(part.rows) == set(100 + np.flatnonzero(fold != FOLDS))
        assert set(part.unlabelled.rows) == {7, 8, 9} - {0: {8}, 3: {9}}.get(fold, set())  # none shows its scenes
        assert (part.labels == LABELS[part.rows - 100]).all() and (part.val_labels == LABELS[part.val_rows - 100]).all()
    first = np.where(FOLDS == 0, 101, 100)
    logits = np.stack([100 + np.arange(COUNT), first, np.zeros(COUNT)], 1) / 10
    assert found.untempered == pytest.approx(softmax(logits, axis=1))
    assert found.temperature == 1 and found.out_of_fold == pytest.approx(found.untempered)


def test_a_photo_is_compared_with_those_that_its_net_was_trained_on(seen):
    found = measured()
    rows = np.random.default_rng(0).standard_normal((200, 60)).astype(np.float32)[100 : 100 + COUNT]
    assert found.near.shape == (COUNT,) and found.near.max() < 0.99  # none with itself
    assert found.reference.similarity(rows) == pytest.approx(np.ones(COUNT), abs=1e-3)


def test_the_temperature_and_what_is_sure_are_of_the_out_of_fold_answers(seen):
    found = measured(reject_accuracy=0.9)
    assert found.temperature > 1  # wrong two times of three, and sure of it
    logits = np.log(found.untempered) / found.temperature
    assert found.out_of_fold == pytest.approx(softmax(logits, axis=1), abs=1e-9)
    assert found.threshold == "never" and measured(reject_accuracy=None).threshold is None
