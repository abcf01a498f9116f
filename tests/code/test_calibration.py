"""sortline.calibration: the temperature against a grid search, and data whose temperature is known."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import log_loss

from sortline._core.doubt import NEVER, sure
from sortline.features.heads import Head
from sortline.training.calibration import RANGE, fit_temperature, reject_threshold, temper, tempered


def drawn(temperature, n=4000, classes=5, seed=0):
    """Return labels drawn from softmax(logits) and the probabilities of a model that says `temperature` times these."""
    random = np.random.default_rng(seed)
    logits = random.normal(scale=1.5, size=(n, classes))
    labels = np.array([random.choice(classes, p=one) for one in softmax(logits, axis=1)])
    return labels, softmax(logits * temperature, axis=1)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_an_over_or_underconfident_model_gets_its_own_temperature(temperature):
    assert fit_temperature(*drawn(temperature)) == pytest.approx(temperature, rel=0.06)


@pytest.mark.parametrize("seed", range(3))
def test_no_temperature_of_a_grid_has_a_lower_log_loss(seed):
    labels, probabilities = drawn(2.0, n=60, seed=seed)
    found = fit_temperature(labels, probabilities)
    losses = [log_loss(labels, softmax(np.log(probabilities) / t, axis=1)) for t in np.geomspace(*RANGE, 300)]
    assert log_loss(labels, temper(probabilities, found)) <= min(losses) + 1e-9


def test_tempering_is_dividing_the_logits():
    logits = np.random.default_rng(1).normal(scale=4, size=(20, 6))
    probabilities = softmax(logits, axis=1)
    assert temper(probabilities, 2.5) == pytest.approx(softmax(logits / 2.5, axis=1), abs=1e-12)
    assert temper(probabilities, 1.0) == pytest.approx(probabilities, abs=1e-12)
    assert (temper(probabilities, 7.0).argmax(1) == logits.argmax(1)).all()


@pytest.mark.filterwarnings("error")
def test_probabilities_of_zero_are_no_trouble():
    certain = np.eye(3)[[0, 1, 2, 2]]
    assert np.isfinite(temper(certain, 5.0)).all()
    assert RANGE[0] < fit_temperature(np.array([0, 1, 2, 0]), certain) < RANGE[1]  # one of four is wrong


@pytest.mark.parametrize("pooling", ["mean", "mean+max"])
def test_a_tempered_head_has_it_in_its_weights(pooling):
    random = np.random.default_rng(2)
    size = 8 if pooling == "mean+max" else 4
    weight, bias = random.normal(size=(3, size)).astype(np.float32), random.normal(size=3).astype(np.float32)
    head, pooled = Head(weight, bias, pooling), random.normal(size=(9, 2, 4)).astype(np.float32)
    after = tempered(head, 3.0)
    assert after.weight.dtype == after.bias.dtype == np.float32 and after.pooling == pooling
    assert after.logits(pooled) == pytest.approx(head.logits(pooled) / 3, abs=1e-6)
    assert after.probabilities(pooled) == pytest.approx(temper(head.probabilities(pooled), 3.0), abs=1e-6)
    assert np.array_equal(head.weight, weight)  # the old one is as it was


def test_the_threshold_is_the_lowest_that_is_right_often_enough():
    labels = np.zeros(6, int)
    # From sure to unsure: right, right, wrong, right, right, wrong.
    top = np.array([0.99, 0.95, 0.9, 0.8, 0.7, 0.6])
    right = np.array([1, 1, 0, 1, 1, 0], bool)
    probabilities = np.where(right[:, None], np.stack((top, 1 - top), 1), np.stack((1 - top, top), 1))
    assert reject_threshold(labels, probabilities, 0.8) == 0.7  # 4 of 5
    assert reject_threshold(labels, probabilities, 0.9) == 0.95
    assert reject_threshold(labels, probabilities, 0.6) == 0.6
    assert reject_threshold(labels[2:3], probabilities[2:3], 0.5) == NEVER
    answered = probabilities.max(1) >= reject_threshold(labels, probabilities, 0.75)
    assert right[answered].mean() >= 0.75


def test_photos_of_one_confidence_are_answered_together():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.6, 0.4]])
    assert reject_threshold(np.zeros(4, int), probabilities, 0.7) == 0.6  # 3 of 4; of the first three 2 are right
    assert reject_threshold(np.zeros(4, int), probabilities, 0.8) == NEVER


def test_off_is_always_sure_and_never_is_never():
    probabilities = np.array([0.0, 0.5, 1.0])
    assert sure(probabilities, None).tolist() == [True, True, True]
    assert sure(probabilities, 0.5).tolist() == [False, True, True]
    assert sure(probabilities, NEVER).tolist() == [False, False, False]
