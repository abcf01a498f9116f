"""sortline.fit: the compiled loop against plain NumPy in float64, and its promises about order, seed and divergence."""

import hashlib
import math
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from sortline import fit, runtime
from sortline.errors import UserError

RECIPE = fit.Recipe(
    lr=0.3, schedule="cosine", warmup_epochs=0.5, momentum=0.9, weight_decay=0.02, label_smoothing=0.1, batch_size=16,
    epochs=4, seed=3,
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def graph_mode():
    runtime.prepare()


def problem(rows=90, dimension=7, classes=5, models=3):
    """Return features, labels and each model's members: all rows but a fold of its own, of unequal sizes."""
    random = np.random.default_rng(7)
    features = random.normal(size=(rows, dimension)).astype(np.float32)
    labels = (features[:, :classes] + random.normal(size=(rows, classes))).argmax(1)
    fold = np.minimum(random.geometric(0.4, rows) - 1, models - 1)
    members = [np.flatnonzero(fold != one) for one in range(models)]
    assert len({len(one) for one in members}) == models
    return features, labels, members, classes


def orders(members, recipe):
    generator = np.random.default_rng(recipe.seed)
    return [fit.batches(members, recipe.batch_size, generator) for _ in range(recipe.epochs)]


def reference(features, labels, order, classes, recipe):
    """Softmax regression of one model in float64, `order` int (epochs, steps, batch); yield (weight, bias, loss)."""
    epochs, steps, _ = order.shape
    total, warmup = epochs * steps, round(recipe.warmup_epochs * steps)
    weight, bias = np.zeros((classes, features.shape[1])), np.zeros(classes)
    weight_velocity, bias_velocity = np.zeros_like(weight), np.zeros_like(bias)
    i = 0
    for epoch in range(epochs):
        loss_sum = 0.0
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
            targets = np.full(probabilities.shape, recipe.label_smoothing / (classes - 1))
            targets[np.arange(len(rows)), labels[rows]] = 1 - recipe.label_smoothing
            loss_sum += -(targets * np.log(probabilities)).sum() / len(rows)
            error = (probabilities - targets) / len(rows)
            # v = m v + (g + decay w); w = w - lr v, as MindSpore's and PyTorch's Momentum; the bias does not decay.
            weight_velocity = recipe.momentum * weight_velocity + error.T @ x + recipe.weight_decay * weight
            bias_velocity = recipe.momentum * bias_velocity + error.sum(0)
            weight, bias = weight - rate * weight_velocity, bias - rate * bias_velocity
            i += 1
        yield weight, bias, loss_sum / steps, rate


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"schedule": "constant", "warmup_epochs": 0.0, "label_smoothing": 0.0},
        {"weight_decay": 0.3, "momentum": 0.5, "warmup_epochs": 2.0},
        {"batch_size": 1000, "momentum": 0.0, "weight_decay": 0.0},  # one step an epoch
    ],
    ids=["cosine", "constant", "decay", "one-step"],
)
def test_every_epoch_of_every_model_matches_numpy(change):
    recipe = replace(RECIPE, **change)
    features, labels, members, classes = problem()
    order = np.array(orders(members, recipe))
    epochs = list(fit.train(features, labels, members, classes, recipe))
    assert [epoch.number for epoch in epochs] == [1, 2, 3, 4]
    for model in range(len(members)):
        expected = reference(features, labels, order[:, :, model], classes, recipe)
        for epoch, (weight, bias, loss, rate) in zip(epochs, expected, strict=True):
            assert epoch.weight[model] == pytest.approx(weight, abs=1e-4)
            assert epoch.bias[model] == pytest.approx(bias, abs=1e-4)
            assert epoch.loss[model] == pytest.approx(loss, abs=1e-4)
            assert epoch.lr == pytest.approx(rate, abs=1e-7)


def test_shapes_and_dtypes():
    features, labels, members, classes = problem()
    epoch = next(fit.train(features, labels, members, classes, RECIPE))
    assert (epoch.weight.shape, epoch.bias.shape, epoch.loss.shape) == ((3, 5, 7), (3, 5), (3,))
    assert {epoch.weight.dtype, epoch.bias.dtype, epoch.loss.dtype} == {np.dtype(np.float32)}


def test_an_epoch_is_not_changed_by_those_after_it():
    features, labels, members, classes = problem()
    loop = fit.train(features, labels, members, classes, RECIPE)
    first = next(loop)
    kept = first.weight.copy()
    list(loop)
    assert np.array_equal(first.weight, kept)


def test_models_side_by_side_are_the_models_trained_alone(monkeypatch):
    features, labels, members, classes = problem()
    together = list(fit.train(features, labels, members, classes, RECIPE))[-1]
    recorded = orders(members, RECIPE)
    for model, rows in enumerate(members):
        waiting = iter(recorded)
        monkeypatch.setattr(fit, "batches", lambda *_, model=model, waiting=waiting: next(waiting)[:, [model]])
        alone = list(fit.train(features, labels, [rows], classes, RECIPE))[-1]
        assert alone.weight[0] == pytest.approx(together.weight[model], abs=1e-6)
        assert alone.bias[0] == pytest.approx(together.bias[model], abs=1e-6)
        assert alone.loss[0] == pytest.approx(together.loss[model], abs=1e-6)


def test_a_model_learns_nothing_from_rows_that_are_not_its_own():
    features, labels, members, classes = problem()
    before = list(fit.train(features, labels, members, classes, RECIPE))[-1]
    others = np.setdiff1d(np.arange(len(features)), members[0])
    features, labels = features.copy(), labels.copy()
    features[others] *= -50
    labels[others] = 0
    after = list(fit.train(features, labels, members, classes, RECIPE))[-1]
    assert np.array_equal(after.weight[0], before.weight[0]) and np.array_equal(after.bias[0], before.bias[0])
    assert not np.allclose(after.weight[1], before.weight[1], atol=1e-2)


@pytest.mark.parametrize("batch_size", [1, 7, 16, 45, 64, 1000])
def test_every_row_of_a_model_is_in_every_epoch_and_no_other(batch_size):
    members = [np.arange(0, 64), np.arange(10, 55), np.array([3])]
    generator = np.random.default_rng(0)
    seen = []
    for _ in range(3):
        order = fit.batches(members, batch_size, generator)
        assert order.shape == (math.ceil(64 / batch_size), 3, min(batch_size, 64)) and order.dtype == np.int32
        for model, rows in enumerate(members):
            taken = order[:, model].ravel()
            assert set(taken) == set(rows)
            assert np.array_equal(np.sort(taken[: len(rows)]), rows)  # each once before any twice
            counts = np.bincount(taken)[rows]
            assert counts.max() - counts.min() <= 1
        seen.append(order[:, 0].ravel()[:64].tolist())
    assert len(set(map(tuple, seen))) == 3  # a fresh order each epoch


def test_rows_are_not_dropped_by_the_loop_itself():
    """Each row has a feature of its own: its weights move in the first epoch only if the row was seen."""
    features, labels = np.eye(37, dtype=np.float32), np.arange(37) % 3
    members = [np.arange(37), np.arange(0, 37, 2)]
    recipe = replace(RECIPE, warmup_epochs=0, weight_decay=0, batch_size=8)
    epoch = next(fit.train(features, labels, members, 3, recipe))
    moved = np.abs(epoch.weight).max(1) > 0
    assert moved[0].all()
    assert np.flatnonzero(moved[1]).tolist() == members[1].tolist()


def digest(recipe=RECIPE):
    features, labels, members, classes = problem()
    content = hashlib.sha256()
    for epoch in fit.train(features, labels, members, classes, recipe):
        for array in (epoch.weight, epoch.bias, epoch.loss):
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
    features, labels, members, classes = problem()
    features[11, 2] = value
    with pytest.raises(UserError, match=r"diverged.* epoch 1\b.*lower lr \(now 0\.3\)") as caught:
        list(fit.train(features, labels, members, classes, RECIPE))
    assert "\n" not in str(caught.value)


def test_a_rate_that_is_too_high_stops_the_training_in_the_epoch_where_it_diverges():
    features, labels, members, classes = problem()
    # The weights grow some 80-fold a step.
    recipe = replace(RECIPE, lr=77.0, weight_decay=1.0, schedule="constant", epochs=30)
    seen = []
    with pytest.raises(UserError, match=r"diverged.*lower lr \(now 77\.0\)") as caught:
        seen.extend(fit.train(features, labels, members, classes, recipe))
    assert re.search(rf"epoch {len(seen) + 1}\b", str(caught.value)) and 0 < len(seen) < 29
    assert all(np.isfinite(epoch.loss).all() for epoch in seen)


def test_one_model_that_diverges_among_others_stops_the_training():
    features, labels, members, classes = problem()
    lonely = np.setdiff1d(np.arange(len(features)), members[1])[0]  # in the other models only
    features[lonely] = np.inf
    with pytest.raises(UserError, match="epoch 1"):
        list(fit.train(features, labels, members, classes, RECIPE))


def test_weights_that_overflow_in_the_last_step_of_an_epoch_are_not_handed_out():
    """The loss is measured before the step: it is still finite when the step itself overflows."""
    features, labels, members, classes = problem()
    recipe = replace(RECIPE, lr=100.0, weight_decay=1.0, schedule="constant", warmup_epochs=0, batch_size=90, epochs=60)
    with pytest.raises(UserError, match=r"diverged.* epoch \d+.*lower lr"):
        for epoch in fit.train(features * np.float32(1e-6), labels, members, classes, recipe):
            assert np.isfinite(epoch.weight).all() and np.isfinite(epoch.bias).all(), f"epoch {epoch.number}"
