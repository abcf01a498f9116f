"""The compiled loop against plain NumPy in float64, and its promises about order, seed and divergence."""

import hashlib
import math
import re
import subprocess
import sys

import numpy as np
import pytest

from sortline._core import runtime
from sortline._core.errors import UserError
from sortline.config.training import Recipe
from sortline.training import heads, loop
from sortline.training.head_graph import HeadNet
from sortline.training.targets import smooth_targets

SMOOTHING = 0.1
RECIPE = Recipe(
    optimizer="momentum", lr=0.3, schedule="cosine", warmup_epochs=0.5, momentum=0.9, weight_decay=0.02, batch_size=16,
    epochs=4, seed=3,
)  # fmt: skip


def train(features, labels, masks, classes, recipe, smoothing=SMOOTHING):
    """Train linear heads on smoothed targets."""
    targets = smooth_targets(labels, classes, smoothing)
    return heads.epochs(features, targets, masks, HeadNet(features.shape[1], classes), recipe)


def replace(recipe, **changes):
    return Recipe(**recipe.model_dump() | changes)


def weights(epoch, dimension=7, classes=5):
    """Return weight (models, classes, D) and bias (models, classes)."""
    found = [HeadNet(dimension, classes).head(epoch.parameters, model) for model in range(len(epoch.loss))]
    return np.stack([head.weight for head in found]), np.stack([head.bias for head in found])


@pytest.fixture(scope="module", autouse=True)
def graph_mode():
    runtime.prepare()


def problem(rows=90, dimension=7, classes=5, models=3):
    """Return features, labels, masks (rows, models): a model has all rows but a fold, of unequal sizes."""
    random = np.random.default_rng(7)
    features = random.normal(size=(rows, dimension)).astype(np.float32)
    labels = (features[:, :classes] + random.normal(size=(rows, classes))).argmax(1)
    fold = np.minimum(random.geometric(0.4, rows) - 1, models - 1)
    masks = fold[:, None] != np.arange(models)
    assert len(set(masks.sum(0))) == models
    return features, labels, masks, classes


def orders(rows, recipe):
    """Return every epoch's batches: lists of row numbers, the last one shorter."""
    generator = np.random.default_rng(recipe.seed)
    drawn = [loop.order(rows, recipe.batch_size, generator) for _ in range(recipe.epochs)]
    return [[batch[: rows - step * len(batch)] for step, batch in enumerate(epoch)] for epoch in drawn]


def reference(features, labels, order, classes, recipe, smoothing):
    """Softmax regression of one model in float64, `order` its rows an epoch and step; yield what it is."""
    epochs, steps = len(order), len(order[0])
    total, warmup = epochs * steps, round(recipe.warmup_epochs * steps)
    weight, bias = np.zeros((classes, features.shape[1])), np.zeros(classes)
    weight_velocity, bias_velocity = np.zeros_like(weight), np.zeros_like(bias)
    i = 0
    for epoch in range(epochs):
        loss_sum = right_sum = 0.0
        for rows in order[epoch]:
            if i < warmup:
                rate = recipe.lr * (i + 1) / warmup
            elif recipe.schedule == "cosine":
                rate = recipe.lr * (1 + math.cos(math.pi * (i - warmup) / (total - warmup))) / 2
            else:
                rate = recipe.lr
            x = features[rows].astype(np.float64)
            logits = x @ weight.T + bias
            logits -= logits.max(1, keepdims=True)
            probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
            targets = np.full(probabilities.shape, smoothing / (classes - 1))
            targets[np.arange(len(rows)), labels[rows]] = 1 - smoothing
            right_sum += (logits.argmax(1) == labels[rows]).mean()
            loss_sum += -(targets * np.log(probabilities)).sum() / len(rows)
            error = (probabilities - targets) / len(rows)
            # v = m v + (g + decay w); w = w - lr v, as MindSpore's and PyTorch's Momentum; the bias does not decay.
            weight_gradient, bias_gradient = error.T @ x, error.sum(0)
            norm = math.sqrt((weight_gradient**2).sum() + (bias_gradient**2).sum())
            factor = min(1, (recipe.clip_norm or math.inf) / norm)
            weight_velocity = (
                recipe.momentum * weight_velocity + factor * weight_gradient + recipe.weight_decay * weight
            )
            bias_velocity = recipe.momentum * bias_velocity + factor * bias_gradient
            weight, bias = weight - rate * weight_velocity, bias - rate * bias_velocity
            i += 1
        yield weight, bias, loss_sum / steps, rate, right_sum / steps


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"schedule": "constant", "warmup_epochs": 0.0, "smoothing": 0.0},
        {"weight_decay": 0.3, "momentum": 0.5, "warmup_epochs": 2.0},
        {"batch_size": 1000, "momentum": 0.0, "weight_decay": 0.0},  # one step an epoch
        {"clip_norm": 0.2},
    ],
    ids=["cosine", "constant", "decay", "one-step", "clipped"],
)
def test_every_epoch_of_every_model_matches_numpy(change):
    change = dict(change)
    smoothing = change.pop("smoothing", SMOOTHING)
    recipe = replace(RECIPE, **change)
    features, labels, masks, classes = problem()
    order = orders(len(features), recipe)
    epochs = list(train(features, labels, masks, classes, recipe, smoothing))
    assert [epoch.number for epoch in epochs] == [1, 2, 3, 4]
    for model in range(masks.shape[1]):
        own = [[rows[masks[rows, model]] for rows in epoch] for epoch in order]
        expected = reference(features, labels, own, classes, recipe, smoothing)
        for epoch, (weight, bias, loss, rate, accuracy) in zip(epochs, expected, strict=True):
            assert weights(epoch)[0][model] == pytest.approx(weight, abs=1e-4)
            assert weights(epoch)[1][model] == pytest.approx(bias, abs=1e-4)
            assert epoch.loss[model] == pytest.approx(loss, abs=1e-4)
            assert epoch.lr == pytest.approx(rate, abs=1e-7)
            # A row whose two highest logits are within rounding of one another may go either way.
            assert epoch.accuracy[model] == pytest.approx(accuracy, abs=0.02)


def test_shapes_and_dtypes():
    features, labels, masks, classes = problem()
    epoch = next(train(features, labels, masks, classes, RECIPE))
    assert (*(one.shape for one in weights(epoch)), epoch.loss.shape) == ((3, 5, 7), (3, 5), (3,))
    assert epoch.parameters.dtype == np.float32


def test_an_epoch_is_not_changed_by_those_after_it():
    features, labels, masks, classes = problem()
    loop = train(features, labels, masks, classes, RECIPE)
    first = next(loop)
    kept = first.parameters.copy()
    list(loop)
    assert np.array_equal(first.parameters, kept)


def test_models_side_by_side_are_the_models_trained_alone():
    features, labels, masks, classes = problem()
    together = list(train(features, labels, masks, classes, RECIPE))[-1]
    for model in range(masks.shape[1]):
        alone = list(train(features, labels, masks[:, [model]], classes, RECIPE))[-1]
        assert weights(alone)[0][0] == pytest.approx(weights(together)[0][model], abs=1e-6)
        assert weights(alone)[1][0] == pytest.approx(weights(together)[1][model], abs=1e-6)
        assert alone.loss[0] == pytest.approx(together.loss[model], abs=1e-6)


def test_a_model_learns_nothing_from_rows_that_are_not_its_own():
    features, labels, masks, classes = problem()
    before = list(train(features, labels, masks, classes, RECIPE))[-1]
    features, labels = features.copy(), labels.copy()
    features[~masks[:, 0]] *= -50
    labels[~masks[:, 0]] = 0
    after = list(train(features, labels, masks, classes, RECIPE))[-1]
    assert np.array_equal(weights(after)[0][0], weights(before)[0][0])
    assert not np.allclose(weights(after)[0][1], weights(before)[0][1], atol=1e-2)


@pytest.mark.parametrize("batch_size", [1, 7, 16, 45, 64, 1000])
def test_every_row_is_once_in_every_epoch(batch_size):
    generator = np.random.default_rng(0)
    seen = []
    for _ in range(3):
        order = loop.order(64, batch_size, generator)
        assert order.shape == (math.ceil(64 / batch_size), min(batch_size, 64))
        assert sorted(order.ravel()[:64]) == list(range(64))
        assert order.ravel()[64:].tolist() == order.ravel()[: order.size - 64].tolist()  # filled from its start
        seen.append(order.ravel()[:64].tolist())
    assert len(set(map(tuple, seen))) == 3  # a fresh order each epoch


def test_the_shares_of_a_batch_are_those_of_a_mean_over_the_models_rows():
    masks = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0], [1, 0, 1]], bool)
    order, counts = np.array([[2, 1, 0], [3, 0, 0]]), np.array([[1, 1, 1], [1, 0, 0]], bool)
    shares = heads.batch_shares(masks[order] & counts[..., None])
    assert shares.tolist() == pytest.approx(
        np.array([[[1 / 3, 1 / 2, 0], [1 / 3, 1 / 2, 0], [1 / 3, 0, 0]], [[1, 0, 1], [0, 0, 0], [0, 0, 0]]])
    )


def test_rows_are_not_dropped_by_the_loop_itself():
    """Each row has a feature of its own: its weights move in the first epoch only if the row was seen."""
    features, labels = np.eye(37, dtype=np.float32), np.arange(37) % 3
    masks = np.stack((np.ones(37, bool), np.arange(37) % 2 == 0), 1)
    recipe = replace(RECIPE, warmup_epochs=0, weight_decay=0, batch_size=8)
    epoch = next(train(features, labels, masks, 3, recipe))
    moved = np.abs(weights(epoch, 37, 3)[0]).max(1) > 0
    assert np.array_equal(moved.T, masks)


def test_dropout_masks_keep_the_mean_and_drop_the_share():
    masks = heads.dropout_masks((50, 40, 30), 0.2, np.random.default_rng(0))
    assert set(np.unique(masks)) == {np.float32(0), np.float32(1.25)} and masks.dtype == np.float32
    assert (masks == 0).mean() == pytest.approx(0.2, abs=0.006) and masks.mean() == pytest.approx(1, abs=0.008)


@pytest.mark.parametrize("hidden", [None, 6])
def test_dropout_changes_the_training_but_spares_the_bias(hidden):
    """Features that are all zero: whatever dropout drops, the biases learn the same."""
    features, labels, masks, classes = problem()
    nothing, net = np.zeros_like(features), HeadNet(7, classes, hidden=hidden)
    ends = {}
    for name, rows in (("features", features), ("nothing", nothing)):
        for rate in (0.0, 0.5):
            *_, last = heads.epochs(rows, smooth_targets(labels, classes, 0.1), masks, net, RECIPE, rate)
            ends[name, rate] = last.parameters
    assert not np.allclose(ends["features", 0.0], ends["features", 0.5], atol=1e-3)
    if not hidden:
        assert np.array_equal(ends["nothing", 0.0], ends["nothing", 0.5])


def test_a_training_handed_over_step_by_step_is_the_one_handed_over_whole(monkeypatch):
    whole = digest()
    monkeypatch.setattr(loop, "BATCH_BYTES", 0)
    assert digest() == whole


def test_trainings_in_turns_do_not_meet(monkeypatch):
    """They share a compiled graph, and so the place where it keeps the parameters of now."""
    features, labels, masks, classes = problem()
    runs = [train(features, labels, masks, classes, replace(RECIPE, lr=lr)) for lr in (0.3, 0.1)]
    turns = list(zip(*runs, strict=True))
    for index, lr in enumerate((0.3, 0.1)):
        *_, alone = train(features, labels, masks, classes, replace(RECIPE, lr=lr))
        assert np.array_equal(turns[-1][index].parameters, alone.parameters)


def digest(recipe=RECIPE):
    features, labels, masks, classes = problem()
    content = hashlib.sha256()
    for epoch in train(features, labels, masks, classes, recipe):
        for array in (epoch.parameters, epoch.loss):
            content.update(np.ascontiguousarray(array).tobytes())
    return content.hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_another_process():
    code = "import test_fit; test_fit.runtime.prepare(); print(test_fit.digest())"
    other = subprocess.run([sys.executable, "-c", code], cwd=__file__.removesuffix("test_fit.py"), capture_output=True,
                           encoding="utf-8", check=True)  # fmt: skip
    assert other.stdout.split()[-1] == digest() == digest()


def test_another_seed_gives_another_model():
    assert digest() != digest(replace(RECIPE, seed=4))


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_feature_that_is_no_number_stops_the_training_in_its_epoch(value):
    features, labels, masks, classes = problem()
    features[11, 2] = value
    with pytest.raises(UserError, match=r"diverged.* epoch 1\b.*lower lr \(now 0\.3\)") as caught:
        list(train(features, labels, masks, classes, RECIPE))
    assert "\n" not in str(caught.value)


def test_a_rate_that_is_too_high_stops_the_training_in_the_epoch_where_it_diverges():
    features, labels, masks, classes = problem()
    # The weights grow some 80-fold a step.
    recipe = replace(RECIPE, lr=77.0, weight_decay=1.0, schedule="constant", epochs=30)
    seen = []
    with pytest.raises(UserError, match=r"diverged.*lower lr \(now 77\.0\)") as caught:
        seen.extend(train(features, labels, masks, classes, recipe))
    assert re.search(rf"epoch {len(seen) + 1}\b", str(caught.value)) and 0 < len(seen) < 29
    assert all(np.isfinite(epoch.loss).all() for epoch in seen)


def test_one_model_that_diverges_among_others_stops_the_training():
    features, labels, masks, classes = problem()
    lonely = np.flatnonzero(~masks[:, 1])[0]  # in the other models only
    features[lonely] = np.inf
    with pytest.raises(UserError, match="epoch 1"):
        list(train(features, labels, masks, classes, RECIPE))


def test_weights_that_overflow_in_the_last_step_of_an_epoch_are_not_handed_out():
    """The loss is measured before the step: it is still finite when the step itself overflows."""
    features, labels, masks, classes = problem()
    recipe = replace(RECIPE, lr=100.0, weight_decay=1.0, schedule="constant", warmup_epochs=0, batch_size=90, epochs=60)
    with pytest.raises(UserError, match=r"diverged.* epoch \d+.*lower lr"):
        for epoch in train(features * np.float32(1e-6), labels, masks, classes, recipe):
            assert np.isfinite(epoch.parameters).all(), f"epoch {epoch.number}"
