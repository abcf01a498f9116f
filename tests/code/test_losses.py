"""Targets, the losses and the minimum they allow, against SciPy, scikit-learn, NumPy and values by hand."""

import math

import mindspore
import numpy as np
import pytest
from mindspore import Tensor, ops
from scipy.optimize import approx_fprime
from scipy.special import log_softmax, softmax
from scipy.stats import entropy
from sklearn.metrics import log_loss
from sklearn.utils import compute_class_weight

from sortline._core import runtime
from sortline._core.arrays import log_loss as log_loss_of_logits
from sortline.config.training import Recipe
from sortline.training import losses
from sortline.training.targets import balanced_weights, minimum_loss, smooth_targets, smoothing_minimum


@pytest.fixture(scope="module", autouse=True)
def graph_mode():
    runtime.prepare()


def cross_entropy(logits, targets):
    """Return the mean over the batch, the last axis but one."""
    each = losses.cross_entropy(Tensor(logits, mindspore.float32), Tensor(targets, mindspore.float32)).asnumpy()
    assert each.shape == logits.shape[:-1]
    return each.mean(-1)


@pytest.mark.parametrize("classes", [2, 3, 26, 1000])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])
def test_smoothed_targets_are_probabilities(classes, smoothing):
    labels = np.random.default_rng(0).integers(0, classes, 50)
    targets = smooth_targets(labels, classes, smoothing)
    assert targets.sum(1) == pytest.approx(np.ones(50), abs=1e-5) and (targets >= 0).all()
    assert targets[np.arange(50), labels] == pytest.approx(np.full(50, 1 - smoothing))
    if smoothing == 0:
        assert np.array_equal(targets, np.eye(classes)[labels])


@pytest.mark.parametrize(("classes", "smoothing"), [(2, 0.1), (10, 0.1), (26, 0.1), (26, 0.2), (9, 0.05), (3, 0.5)])
def test_the_minimum_loss_by_its_formula(classes, smoothing):
    by_hand = -(1 - smoothing) * math.log(1 - smoothing) - smoothing * math.log(smoothing / (classes - 1))
    assert smoothing_minimum(classes, smoothing) == pytest.approx(by_hand, abs=1e-12)
    targets = smooth_targets(np.array([1]), classes, smoothing)
    assert smoothing_minimum(classes, smoothing) == pytest.approx(entropy(targets[0].astype(float)), abs=1e-6)


def test_without_smoothing_the_minimum_loss_is_zero():
    assert smoothing_minimum(26, 0.0) == 0


def test_no_logits_get_below_the_minimum_loss_and_the_best_ones_reach_it():
    random = np.random.default_rng(1)
    targets = smooth_targets(random.integers(0, 7, 40), 7, 0.1)
    lowest = smoothing_minimum(7, 0.1)
    assert cross_entropy(np.log(targets)[None], targets[None]) == pytest.approx([lowest], abs=1e-5)
    for scale in (0.01, 0.3, 3.0, 30.0):
        near = np.log(targets) + scale * random.normal(size=targets.shape)
        assert cross_entropy(near[None], targets[None])[0] > lowest


def test_cross_entropy_of_several_models_matches_scipy():
    random = np.random.default_rng(2)
    logits = random.normal(scale=4, size=(3, 8, 5))
    targets = random.dirichlet(np.ones(5), (3, 8))
    expected = -(targets * log_softmax(logits, axis=-1)).sum(-1).mean(-1)
    assert cross_entropy(logits, targets) == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_on_hard_labels_is_scikit_learns_log_loss():
    random = np.random.default_rng(3)
    labels, logits = random.integers(0, 4, 30), random.normal(size=(30, 4))
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    ours = cross_entropy(logits[None], smooth_targets(labels, 4, 0.0)[None])
    assert ours == pytest.approx([log_loss(labels, probabilities)], rel=1e-5)
    assert log_loss_of_logits(labels, logits) == pytest.approx(log_loss(labels, probabilities), rel=1e-12)


def test_logits_far_out_give_finite_losses():
    logits = np.array([[[1e4, 0.0, -1e4]]])
    assert cross_entropy(logits, np.array([[[1.0, 0.0, 0.0]]])) == pytest.approx([0.0], abs=1e-6)
    assert cross_entropy(logits, np.array([[[0.0, 0.0, 1.0]]])) == pytest.approx([2e4], rel=1e-5)


# ---- weights of classes, shares of a bin

LABELS = np.array([0, 1, 2, 3, 3, 3])
BINS = np.array([0, 0, 0, 1])  # class 3 is alone in its bin


def test_plain_targets():
    targets = smooth_targets(LABELS, 4, 0.3)
    assert targets.dtype == np.float32 and targets.sum(1) == pytest.approx(np.ones(6))
    assert targets[0] == pytest.approx([0.7, 0.1, 0.1, 0.1])


def test_a_share_stays_in_the_bin():
    targets = smooth_targets(LABELS, 4, 0.3, bin_of=BINS, bin_share=0.5)
    assert targets.sum(1) == pytest.approx(np.ones(6))
    assert targets[0] == pytest.approx([0.7, 0.125, 0.125, 0.05])  # 0.05 for all others, 0.075 more for the mates
    assert targets[3] == pytest.approx([0.1, 0.1, 0.1, 0.7])  # no mates: as without
    whole = smooth_targets(LABELS, 4, 0.3, bin_of=BINS, bin_share=1.0)
    assert whole[0] == pytest.approx([0.7, 0.15, 0.15, 0.0])


def test_balanced_targets_give_every_class_the_same_weight():
    targets = smooth_targets(LABELS, 4, 0.3, balanced=True)
    weight = targets.sum(1)
    assert [weight[label == LABELS].sum() for label in range(4)] == pytest.approx([1.5] * 4)
    assert weight.mean() == pytest.approx(1)


def test_balanced_weights_are_those_of_scikit_learn():
    expected = compute_class_weight("balanced", classes=np.arange(4), y=LABELS)
    assert balanced_weights(LABELS, 4) == pytest.approx(expected)
    assert balanced_weights(LABELS, 5)[:4] == pytest.approx(expected)  # a class without photos takes nothing away


def test_the_minimum_loss_is_the_entropy():
    assert smoothing_minimum(26, 0.1) == pytest.approx(0.647, abs=5e-4)
    assert minimum_loss(smooth_targets(np.arange(26), 26, 0.1)) == pytest.approx(smoothing_minimum(26, 0.1), abs=1e-6)
    assert minimum_loss(smooth_targets(LABELS, 4, 0.0)) == 0
    balanced = smooth_targets(LABELS, 4, 0.3, bin_of=BINS, bin_share=0.5, balanced=True)
    expected = np.mean([row.sum() * entropy(row / row.sum()) for row in balanced.astype(float)])
    assert minimum_loss(balanced) == pytest.approx(expected, abs=1e-6)


# ---- losses for labels that may be wrong, and of bins


def generalised(logits, targets, q):
    return (targets * (1 - softmax(logits, -1) ** q) / q).sum(-1)


def bootstrapped(logits, targets, beta):
    p, weights = softmax(logits, -1), targets.sum(-1, keepdims=True)
    return -((beta * targets + (1 - beta) * weights * p) * np.log(p)).sum(-1)


def of_bins(logits, targets, bin_of):
    into = np.eye(max(bin_of) + 1)[list(bin_of)]
    return -((targets @ into) * np.log(softmax(logits, -1) @ into)).sum(-1)


def with_gradient(loss, logits, targets):
    """Return the loss of each row and the gradient of their sum by the logits."""
    given = Tensor(targets, mindspore.float32)
    value = loss(Tensor(logits, mindspore.float32), given).asnumpy()
    assert value.shape == logits.shape[:-1]

    def summed(one):
        return loss(one, given).sum()

    return value, ops.grad(summed)(Tensor(logits, mindspore.float32)).asnumpy()


BY_FORMULA = {
    **{f"gce {q}": (losses.generalised_cross_entropy(q), generalised, q) for q in (0.05, 0.7, 1.0)},
    **{f"bootstrapped {beta}": (losses.soft_bootstrapping(beta), bootstrapped, beta) for beta in (0.0, 0.8, 0.95)},
    "bins": (losses.bin_cross_entropy((1, 0, 2, 1, 0)), of_bins, (1, 0, 2, 1, 0)),
}


@pytest.mark.parametrize("name", BY_FORMULA)
def test_each_loss_and_its_gradient_are_those_of_its_formula(name):
    ours, formula, setting = BY_FORMULA[name]
    random = np.random.default_rng(4)
    logits = random.normal(scale=3, size=(2, 6, 5))
    targets = random.dirichlet(np.ones(5), (2, 6)) * random.uniform(0.5, 2, (2, 6, 1))  # classes may weigh
    value, gradient = with_gradient(ours, logits, targets)
    assert value == pytest.approx(formula(logits, targets, setting), rel=1e-4, abs=1e-6)
    by_differences = approx_fprime(
        logits.ravel(), lambda one: formula(one.reshape(logits.shape), targets, setting).sum(), 1e-7
    )
    assert gradient.ravel() == pytest.approx(by_differences, abs=2e-4)


def test_at_their_ends_these_losses_are_the_usual_ones():
    random = np.random.default_rng(5)
    logits, targets = random.normal(size=(8, 5)), np.eye(5)[random.integers(0, 5, 8)]
    plain = with_gradient(losses.cross_entropy, logits, targets)
    for loss in (losses.generalised_cross_entropy(1e-3), losses.soft_bootstrapping(1.0)):
        for one, other in zip(with_gradient(loss, logits, targets), plain, strict=True):
            assert one == pytest.approx(other, abs=0.02)
    absolute = np.abs(softmax(logits, -1) - targets).sum(-1) / 2
    assert with_gradient(losses.generalised_cross_entropy(1.0), logits, targets)[0] == pytest.approx(absolute, rel=1e-4)


def test_a_label_that_the_model_does_not_believe_pulls_less_by_the_power_of_its_probability():
    """Zhang and Sabuncu 2018, section 3.2: the gradient is p^q times that of the cross-entropy."""
    logits, targets = np.array([[6.0, 0.0, -1.0], [0.5, 0.0, 0.2]]), np.eye(3)[[1, 0]]
    of_label = (softmax(logits, -1) * targets).sum(-1, keepdims=True)
    ours = with_gradient(losses.generalised_cross_entropy(0.7), logits, targets)[1]
    assert ours == pytest.approx(of_label**0.7 * with_gradient(losses.cross_entropy, logits, targets)[1], abs=1e-5)


@pytest.mark.parametrize("name", BY_FORMULA)
def test_far_out_logits_give_finite_losses_and_gradients(name):
    for targets in np.eye(5):
        for found in with_gradient(BY_FORMULA[name][0], np.array([[1e4, 0.0, -1e4, 3.0, 1e4]]), targets[None]):
            assert np.isfinite(found).all()


def test_a_recipe_has_its_loss_and_the_same_function_for_the_same_settings():
    assert (
        losses.loss_of(Recipe()) is losses.cross_entropy and losses.loss_of(Recipe(loss="mse")) is losses.squared_error
    )
    half = losses.loss_of(Recipe(loss="gce", gce_q=0.5))
    assert half is losses.loss_of(Recipe(loss="gce", gce_q=0.5, lr=1.0)) is losses.generalised_cross_entropy(0.5)
    assert half is not losses.loss_of(Recipe(loss="gce"))
    assert losses.loss_of(Recipe(loss="bootstrapped")) is losses.soft_bootstrapping(0.95)
