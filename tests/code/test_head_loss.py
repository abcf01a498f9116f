"""What a head's loss has besides that of its classes: of bins, and of the hidden layer, each model by its own rows."""

import mindspore
import numpy as np
import pytest
from mindspore import Tensor, ops
from pydantic import ValidationError
from scipy.optimize import approx_fprime, minimize
from scipy.special import log_softmax, softmax
from test_fit import RECIPE, problem, replace
from test_recipes import quick, toy

from sortline._core.errors import UserError
from sortline.config.training import TrainHeadParams
from sortline.training import heads, losses
from sortline.training.head_graph import HeadNet
from sortline.training.head_loss import NOTHING, Besides
from sortline.training.heads import train_by_steps
from sortline.training.targets import minimum_loss, smooth_targets

pytestmark = pytest.mark.usefixtures("graph_mode")

BIN_OF = (0, 0, 1, 1, 1)
BOTH = Besides(0.3, BIN_OF, 0.4, 0.2)


def contrastive(rows, labels, inside, temperature):
    """Khosla et al. 2020, eq. 2, anchor by anchor; rows (n, width), inside bool (n,)."""
    unit, loss = rows / np.linalg.norm(rows, axis=1, keepdims=True), np.zeros(len(rows))
    for i in np.flatnonzero(inside):
        others = [a for a in np.flatnonzero(inside) if a != i]
        positives = [p for p in others if labels[p] == labels[i]]
        below = sum(np.exp(unit[i] @ unit[a] / temperature) for a in others)
        each = [np.log(np.exp(unit[i] @ unit[p] / temperature) / below) for p in positives]
        loss[i] = -np.mean(each) if each else 0
    return loss


def drawn():
    """Return rows (9, 3 models, 4), labels with one that is alone, and which rows are which model's, bool (9, 3)."""
    random = np.random.default_rng(0)
    rows, inside = random.normal(size=(9, 3, 4)), random.random((9, 3)) < 0.7
    return rows, np.array([0, 0, 1, 1, 1, 2, 0, 1, 3]), inside


def ours(rows, labels, inside, temperature=0.3):
    alike = Tensor((labels[:, None] == labels).astype(np.float32))
    return losses.supervised_contrastive(rows, alike, Tensor(inside.astype(np.float32)), temperature)


def gradient_of(rows, labels, inside, shares, temperature=0.3):
    alike = Tensor((labels[:, None] == labels).astype(np.float32))
    own, weights = Tensor(inside.astype(np.float32)), Tensor(shares, mindspore.float32)

    def summed(one):
        return (losses.supervised_contrastive(one, alike, own, temperature) * weights).sum()

    return ops.grad(summed)(Tensor(rows, mindspore.float32)).asnumpy()


def test_the_contrastive_loss_is_its_formula_and_its_gradient_that_of_the_formula():
    rows, labels, inside = drawn()
    shares = np.where(inside, np.arange(1, 10)[:, None] / 10, 0)  # what a row counts in its model's mean

    def formula(flat):
        given = flat.reshape(rows.shape)
        return np.stack([contrastive(given[:, m], labels, inside[:, m], 0.3) for m in range(3)], 1)

    found = ours(Tensor(rows, mindspore.float32), labels, inside).asnumpy()
    assert found[inside] == pytest.approx(formula(rows.ravel())[inside], abs=1e-5)
    assert (found[8] == 0).all() and (found[:8] > 0).any(0).all()  # the last row is alone of its class
    gradient = gradient_of(rows, labels, inside, shares)
    by_differences = approx_fprime(rows.ravel(), lambda flat: (formula(flat) * shares).sum(), 1e-7)
    assert gradient.ravel() == pytest.approx(by_differences, abs=1e-4)
    assert (gradient[~inside] == 0).all()  # rows of another part of train


def test_rows_of_zeros_have_a_finite_gradient():
    rows, labels, inside = drawn()
    rows[::2] = 0
    assert np.isfinite(gradient_of(rows, labels, inside, np.ones((9, 3)))).all()


def trained(masks, besides, labels=None, features=None, smoothing=0.0, **changes):
    given, true, _, classes = problem()
    features, labels = given if features is None else features, true if labels is None else labels
    net, targets = HeadNet(7, classes, hidden=6), smooth_targets(labels, classes, smoothing)
    epochs = heads.epochs(features, targets, masks, net, replace(RECIPE, **changes), besides=besides)
    return net, [*epochs]


def test_the_first_step_s_loss_is_the_sum_of_the_shares():
    features, labels, masks, classes = problem()
    net, (epoch,) = trained(masks, BOTH, smoothing=0.1, batch_size=1000, epochs=1)
    targets = smooth_targets(labels, classes, 0.1).astype(float)
    for model in range(3):
        head, own = net.head(net.initial(3, RECIPE.seed), model), masks[:, model]
        hidden = np.maximum(features @ head.hidden_weight.T + head.hidden_bias, 0)
        logs = log_softmax(hidden @ head.weight.T + head.bias, -1)
        into = np.eye(2)[list(BIN_OF)]
        expected = 0.3 * -(targets * logs).sum(-1) - 0.3 * ((targets @ into) * np.log(np.exp(logs) @ into)).sum(-1)
        expected = expected + 0.4 * contrastive(hidden.astype(float), labels, own, 0.2)
        assert epoch.loss[model] == pytest.approx(expected[own].mean(), abs=1e-4)


def test_models_side_by_side_are_the_models_trained_alone_with_all_that_a_loss_can_have():
    _, _, masks, _ = problem()
    net, together = trained(masks, BOTH)
    for model in range(3):
        _, alone = trained(masks[:, [model]], BOTH)
        for name, array in net.head(alone[-1].parameters, 0).arrays().items():
            assert net.head(together[-1].parameters, model).arrays()[name] == pytest.approx(array, abs=1e-5)


def test_a_row_that_is_not_a_model_s_own_is_neither_its_positive_nor_its_negative():
    features, labels, masks, _ = problem()
    net, before = trained(masks, BOTH)
    features, labels = features.copy(), labels.copy()
    features[~masks[:, 0]] *= -50
    labels[~masks[:, 0]] = 0
    _, after = trained(masks, BOTH, labels, features)
    first, second = (net.head(found[-1].parameters, 0).arrays() for found in (before, after))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    others = (net.head(found[-1].parameters, 1).hidden_weight for found in (before, after))
    assert not np.allclose(*others, atol=1e-2)


def test_contrast_draws_a_class_together_in_the_hidden_layer():
    features, labels, masks, _ = problem()

    def apart(besides):
        net, epochs = trained(masks, besides, epochs=30, weight_decay=0, optimizer="adam", lr=0.02)
        head = net.head(epochs[-1].parameters, 0)
        hidden = np.maximum(features @ head.hidden_weight.T + head.hidden_bias, 1e-6)
        return contrastive(hidden.astype(float), labels, masks[:, 0], 0.5)[masks[:, 0]].mean()

    assert apart(Besides(contrast=0.9, temperature=0.5)) < apart(NOTHING) - 0.03


def test_the_minimum_with_bins_is_what_no_probabilities_get_below():
    targets = smooth_targets(np.array([0, 2, 4]), 5, 0.2)
    into = np.eye(2)[list(BIN_OF)]

    def loss(logits, wanted):
        p = softmax(logits)
        return -0.6 * (wanted * np.log(p)).sum() - 0.4 * ((wanted @ into) * np.log(p @ into)).sum()

    found = np.mean([minimize(loss, np.zeros(5), args=(row.astype(float),)).fun for row in targets])
    assert Besides(0.4, BIN_OF).minimum(targets) == pytest.approx(found, abs=1e-5)
    assert NOTHING.minimum(targets) == minimum_loss(targets) and BOTH.minimum(targets) is None


def test_the_loss_is_the_plain_one_where_nothing_is_asked_for():
    bin_of = np.array(BIN_OF)
    assert Besides.of(TrainHeadParams(), bin_of) == NOTHING == Besides.of(TrainHeadParams(), None)
    asked = TrainHeadParams(bin_loss=0.3, hidden=6, contrastive={"share": 0.4, "temperature": 0.2})
    assert Besides.of(asked, bin_of) == BOTH


def test_bins_are_needed_for_their_loss():
    with pytest.raises(UserError, match="bin_loss needs a task whose classes have bins"):
        train_by_steps(toy(), quick(bin_loss=0.5))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"contrastive": {"share": 0.5}}, "contrastive acts on a hidden layer"),
        ({"contrastive": {"share": 0.5}, "hidden": 4, "bin_loss": 0.5}, "leave nothing for the loss of the classes"),
        ({"bin_loss": 0.5, "loss": "mse", "class_weights": "none"}, "bin_loss goes by probabilities"),
        ({"bin_loss": 0.5, "optimizer": "lbfgs"}, "lbfgs trains linear heads by cross-entropy only"),
        ({"loss": "gce", "optimizer": "lbfgs"}, "lbfgs trains linear heads by cross-entropy only"),
        ({"gce_q": 0.0}, "greater than or equal to 0.01"),
        ({"bootstrap_beta": 1.5}, "less than or equal to 1"),
    ],
)
def test_what_goes_together_is_said(given, said):
    with pytest.raises(ValidationError, match=said):
        TrainHeadParams(**given)
