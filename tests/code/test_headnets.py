"""sortline.headnets: every kind of head is the same in MindSpore and NumPy, learns, and goes into the flat vector."""

import mindspore
import numpy as np
import pytest
from mindspore import Tensor
from test_fit import RECIPE, problem, replace

from sortline._core.errors import UserError
from sortline.features.heads import MAPS
from sortline.training import heads
from sortline.training.head_graph import HeadNet, forward
from sortline.training.targets import smooth_targets

pytestmark = pytest.mark.usefixtures("graph_mode")

KINDS = {
    "linear": {},
    "hidden": {"hidden": 6},
    "softmax": {"activation": "softmax"},
    "sigmoid and hidden": {"activation": "sigmoid", "hidden": 4},
    "attention": {"pooling": "attention"},
    "attention and hidden": {"pooling": "attention", "hidden": 5},
    "se": {"pooling": "se"},
    "se and hidden": {"pooling": "se", "hidden": 5},
    "cbam": {"pooling": "cbam"},
    "cbam and hidden": {"pooling": "cbam", "hidden": 5},
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_head_is_the_same_in_mindspore_and_in_numpy(kind):
    net, random = HeadNet(36, 5, **KINDS[kind]), np.random.default_rng(2)
    models, flat = 3, random.normal(size=net.initial(3, 0).size).astype(np.float32)
    maps = random.normal(size=(11, 36, 3, 3)).astype(np.float32)
    whole = net.pooling in MAPS
    pooled = maps if whole else np.stack((maps.mean((2, 3)), maps.max((2, 3))), 1)
    rows = maps.reshape(11, 36, 9).swapaxes(1, 2) if whole else pooled[:, 0]
    ours = forward(net, models)(Tensor(flat), Tensor(net.rows(rows)), None).asnumpy()
    assert ours.shape == (11, models, 5)
    for model in range(models):
        assert ours[:, model] == pytest.approx(net.head(flat, model).logits(pooled), abs=1e-4)
    assert np.abs(ours[:, 0] - ours[:, 1]).max() > 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_head_learns(kind):
    features, labels, masks, classes = problem()
    net = HeadNet(7, classes, **KINDS[kind])
    # Four positions: noise, the features, noise.
    noise = np.random.default_rng(1).normal(size=(3, *features.shape)).astype(np.float32) / 4
    rows = np.stack((noise[0], 3 * features, *noise[1:]), 1) if net.pooling in MAPS else features
    recipe = replace(RECIPE, epochs=30, weight_decay=0, optimizer="adam", lr=0.1)
    targets = smooth_targets(labels, classes, 0)
    epochs = list(heads.epochs(rows, targets, masks, net, recipe))
    assert (epochs[-1].loss < epochs[0].loss - 0.25).all()
    if net.pooling == "attention":
        assert np.abs(net.head(epochs[-1].parameters, 0).query).max() > 0.05
    for name in {"excite_weight", "spatial_weight"} & net.shapes().keys():
        assert np.abs(net.head(epochs[-1].parameters, 0).arrays()[name]).max() > 0.05


@pytest.mark.parametrize("pooling", ["se", "cbam"])
def test_the_gradient_of_gates_is_how_their_logits_change(pooling):
    """Along the gradient itself, against differences of what NumPy makes of the head, in float64."""
    net, random, side = HeadNet(36, 5, pooling), np.random.default_rng(6), 1e-3
    flat = random.normal(size=net.initial(1, 0).size).astype(np.float32) / 4
    maps = random.normal(size=(9, 36, 3, 3))
    rows = maps.reshape(9, 36, 9).swapaxes(1, 2) if pooling == "cbam" else maps.mean((2, 3))
    counts = random.normal(size=(9, 5))

    answers = forward(net, 1)

    def ours(one, what, weights):
        return (answers(one, what, None)[:, 0] * weights).sum()

    given = [Tensor(array.astype(np.float32)) for array in (flat, rows, counts)]
    gradient = mindspore.grad(ours)(*given).asnumpy().astype(float)
    for name, start, end, _ in net.parts(1):
        direction = np.zeros_like(gradient)
        direction[start:end] = gradient[start:end]
        length = np.linalg.norm(direction)
        seen = maps if pooling == "cbam" else np.stack((maps.mean((2, 3)),) * 2, 1)
        up, down = (net.head(flat + sign * side * direction / length, 0).logits(seen) for sign in (1, -1))
        assert ((up - down) * counts).sum() / (2 * side) == pytest.approx(length, rel=0.02), name


def test_a_head_goes_into_the_flat_vector_and_back():
    for options in KINDS.values():
        net = HeadNet(7, 5, **options)
        flat = np.random.default_rng(0).normal(size=net.initial(1, 0).size).astype(np.float32)
        three = net.from_head(net.head(flat, 0), 3)
        for model in range(3):
            again = net.head(three, model).arrays()
            assert all(np.array_equal(again[name], array) for name, array in net.head(flat, 0).arrays().items())


def test_a_head_of_another_kind_is_no_start():
    head = HeadNet(7, 5, hidden=3).head(HeadNet(7, 5, hidden=3).initial(1, 0), 0)
    for other in (HeadNet(7, 5), HeadNet(7, 5, hidden=4), HeadNet(7, 4, hidden=3), HeadNet(7, 5, "max", hidden=3)):
        with pytest.raises(UserError, match="init_from: a head of"):
            other.from_head(head, 2)
