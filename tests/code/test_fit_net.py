"""A net in the loop against plain NumPy in float64; divergence; checkpoints and what is recorded."""

import json
from pathlib import Path

import numpy as np
import pytest
from mindspore import nn
from sklearn.utils import compute_sample_weight

from sortline._core import parameters, runtime
from sortline._core.errors import UserError
from sortline.backbones.preprocessing import GREY
from sortline.config.training import Recipe, TrainParams
from sortline.evaluation import training
from sortline.nets import fit, registry
from sortline.nets.inputs import Inputs, Pictures, predictor
from sortline.training import loop, mixing

RECIPE = Recipe(
    optimizer="momentum", lr=0.1, schedule="cosine", warmup_epochs=0.5, lr_end=0.0, decay_rate=0.9, decay_epochs=2,
    momentum=0.9, beta2=0.999, weight_decay=0.02, clip_norm=None, label_smoothing=0.1, batch_size=16, epochs=3, seed=3,
)  # fmt: skip
SIDE, CLASSES = 6, 4


@pytest.fixture(scope="module", autouse=True)
def graph_mode():
    runtime.prepare()


def changed(**changes):
    return Recipe(**RECIPE.model_dump() | changes)


class Linear(nn.Cell):
    """The smallest net: what the loop does can be done by hand."""

    image_size = SIDE

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Dense(SIDE * SIDE, CLASSES)

    def construct(self, x):
        return self.dense(x.reshape((-1, SIDE * SIDE)))


def problem(count=70):
    generator = np.random.default_rng(0)
    labels = generator.integers(0, CLASSES, count)
    images = generator.integers(0, 120, (count, SIDE, SIDE))
    images[np.arange(count), labels] += 100
    return images.astype(np.uint8), labels


def linear(seed=0):
    net = Linear()
    registry.initialize(net, seed)
    return net


def reference(images, labels, recipe):
    """Softmax regression, or least squares, in float64; yield (weight, bias, loss, train accuracy) after each epoch."""
    start = registry.values(linear())
    weight, bias = (start[f"dense.{part}"].astype(np.float64) for part in ("weight", "bias"))
    x_all = GREY(images).reshape(len(images), -1).astype(np.float64)
    velocities, means = (np.zeros_like(weight), np.zeros_like(bias)), [weight, bias]
    steps = -(-len(images) // recipe.batch_size)
    total, warmup, i = recipe.epochs * steps, round(recipe.warmup_epochs * steps), 0
    each = compute_sample_weight("balanced" if recipe.class_weights == "balanced" else None, labels)[:, None]
    for epoch in range(1, recipe.epochs + 1):
        losses, right = [], []
        order = loop.order(len(images), recipe.batch_size, np.random.default_rng([recipe.seed, epoch]))
        for rows in order:
            rate = recipe.lr * (i + 1) / warmup if i < warmup else 0.5 * recipe.lr * (
                1 + np.cos(np.pi * (i - warmup) / (total - warmup)))  # fmt: skip
            x = x_all[rows]
            logits = x @ weight.T + bias
            p = np.exp(logits - logits.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
            wanted = np.full(p.shape, recipe.label_smoothing / (CLASSES - 1))
            wanted[np.arange(len(rows)), labels[rows]] = 1 - recipe.label_smoothing
            right.append((logits.argmax(1) == labels[rows]).mean())
            if recipe.loss == "mse":
                losses.append(((logits - wanted) ** 2).mean())
                away = 2 * (logits - wanted) / logits.size
            elif recipe.loss == "gce":
                pull = each[rows] * wanted * p**recipe.gce_q
                losses.append((each[rows] * wanted * (1 - p**recipe.gce_q)).sum() / recipe.gce_q / len(rows))
                away = (p * pull.sum(1, keepdims=True) - pull) / len(rows)
            else:
                losses.append(-(each[rows] * wanted * np.log(p)).sum() / len(rows))
                away = each[rows] * (p - wanted) / len(rows)
            gradients = [away.T @ x, away.sum(0)]
            if recipe.clip_norm:
                norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
                gradients = [gradient * min(1, recipe.clip_norm / norm) for gradient in gradients]
            gradients[0] = gradients[0] + recipe.weight_decay * weight
            velocities = tuple(recipe.momentum * v + g for v, g in zip(velocities, gradients, strict=True))
            weight, bias = weight - rate * velocities[0], bias - rate * velocities[1]
            means = [mean + (1 - recipe.ema) * (value - mean) for mean, value in zip(means, (weight, bias), strict=True)
                     ] if recipe.ema else [weight, bias]  # fmt: skip
            i += 1
        yield *means, np.mean(losses), np.mean(right)


CHANGES = {
    "plain": {},
    "clipped": {"clip_norm": 0.3, "batch_size": 32},
    "balanced": {"class_weights": "balanced"},
    "averaged": {"ema": 0.9},
    "least squares": {"loss": "mse"},
    "generalised": {"loss": "gce", "gce_q": 0.4},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_epoch_matches_numpy(change):
    recipe, (images, labels), net = changed(**change), problem(), linear()
    labels = np.where(labels == 3, 0, labels)  # three times as many of one class, none of another
    expected = reference(images, labels, recipe)
    for epoch, (weight, bias, loss, accuracy) in zip(
        fit.epochs(net, Pictures(images), fit.targets_of(labels, CLASSES, recipe), recipe), expected, strict=True
    ):
        values = registry.values(net)
        assert values["dense.weight"] == pytest.approx(weight, abs=1e-4)
        assert values["dense.bias"] == pytest.approx(bias, abs=1e-4)
        assert epoch.loss == pytest.approx(loss, abs=1e-4)
        assert epoch.accuracy == pytest.approx(accuracy, abs=1e-4)


def test_a_share_of_the_start_stays_in_what_an_epoch_leaves_and_training_takes_no_notice():
    """WiSE-FT: between the start and where the same training without it ends, epoch after epoch."""
    recipe, (images, labels) = changed(weight_decay=0.02), problem()
    targets = fit.targets_of(labels, CLASSES, recipe)
    start = np.concatenate([array.ravel() for array in registry.values(linear()).values()])
    plain = [epoch.parameters for epoch in fit.epochs(linear(), Pictures(images), targets, recipe)]
    net = linear()
    shared = []
    for epoch in fit.epochs(net, Pictures(images), targets, recipe, start_share=0.25):
        shared.append(epoch.parameters)
        left = np.concatenate([array.ravel() for array in registry.values(net).values()])
        assert np.array_equal(left, epoch.parameters)  # what the net is judged by
    for one, other in zip(plain, shared, strict=True):
        assert other == pytest.approx(0.25 * start + 0.75 * one, abs=1e-6)


def test_a_rate_that_is_too_high_is_named():
    images, labels = problem()
    with pytest.raises(UserError, match=r"diverged: NaN or Inf in epoch \d; lower lr \(now 100"):
        recipe = changed(lr=100.0, weight_decay=1.0, schedule="constant", epochs=9)
        list(fit.epochs(linear(), Pictures(images), fit.targets_of(labels, CLASSES, recipe), recipe))


def test_mixup_gives_each_batch_one_share_of_another_order_of_itself():
    inputs = np.random.default_rng(0).standard_normal((3, 5, 2, 2)).astype(np.float32)
    targets = np.tile(np.eye(5, dtype=np.float32), (3, 1, 1))  # says which examples, and what share of each
    drawn = mixing.drawn(3, 5, 0.4, np.random.default_rng(1))
    found, shares = (mixing.mixed(array, *drawn) for array in (inputs, targets))
    assert np.allclose(shares.sum(-1), 1) and not np.allclose(shares, targets)
    for step in range(3):
        assert np.allclose(found[step], np.tensordot(shares[step], inputs[step], 1), atol=1e-6)
        own = shares[step].diagonal()
        others = np.delete(own, [i for i in range(5) if own[i] > 1 - 1e-6])  # an example can be mixed with itself
        assert np.ptp(others) < 1e-6
    pictures = np.random.default_rng(2).integers(0, 256, (1, 5, 1, 4, 4)).astype(np.uint8)
    drawn = mixing.drawn(1, 5, 0.4, np.random.default_rng(1))
    found, shares = (mixing.mixed(array, *drawn) for array in (pictures, targets[:1]))
    assert found.dtype == np.uint8 and np.abs(found[0] - np.tensordot(shares[0], pictures[0], 1)).max() <= 0.51


def test_a_net_learns_what_another_says_of_the_rows(tmp_path):
    """With one class as the target of every row, whatever its label, that class is the answer to all."""
    data, soft = pictures(), np.eye(10, dtype=np.float32)[np.full(40, 7)]
    settings = params(checkpoint="last", mixup=0.2)
    net, options = fit.build(data, settings, Path("none"))
    trained = fit.train(net, options, data, settings, folder(tmp_path, "a"), soft=soft)
    assert (trained.val_logits.argmax(1) == 7).all()


# ---- net_training: LeNet-5 on a few pictures


def pictures(count=60):
    generator = np.random.default_rng(1)
    labels = np.arange(count) % 10
    images = generator.integers(0, 60, (count, 32, 32))
    for i, label in enumerate(labels):
        images[i, 3 * label : 3 * label + 3] += 150
    images = images.astype(np.uint8)
    rows = np.arange(count)
    return fit.Parts(Inputs(images, None, 32), rows[:40], labels[:40], rows[40:], labels[40:], 10)


def train(data, params, out):
    return fit.train(*fit.build(data, params, Path("none")), data, params, out)


def params(**more):
    settings = {"epochs": 4, "batch_size": 10, "lr": 0.02, "keep": 2, "augment": {"shift": 1.0, "elastic": 8.0}}
    return TrainParams(**settings | more)


def folder(tmp_path, name):
    (tmp_path / name).mkdir()
    return tmp_path / name


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    data = pictures()
    runs = [folder(tmp_path, name) for name in "abc"]
    results = [train(data, params(seed=seed), out) for seed, out in zip((1, 1, 2), runs, strict=True)]
    assert results[0].curve == results[1].curve != results[2].curve
    files = [{path.name: path.read_bytes() for path in out.iterdir()} for out in runs]
    assert files[0] == files[1] and files[0].keys() == files[2].keys()
    assert files[0]["last.safetensors"] != files[2]["last.safetensors"]


def test_checkpoints_best_last_and_the_latest(tmp_path):
    data, out = pictures(), folder(tmp_path, "a")
    trained = train(data, params(), out)
    assert sorted(path.name for path in out.iterdir()) == [
        "best.safetensors", "epoch-00003.safetensors", "epoch-00004.safetensors", "last.safetensors"]  # fmt: skip
    assert (out / "last.safetensors").read_bytes() == (out / "epoch-00004.safetensors").read_bytes()
    scores = [(row["val_accuracy"], -row["val_loss"]) for row in trained.curve]
    assert trained.about["epoch"] == 1 + scores.index(max(scores))
    # The saved net gives the answers that were scored.
    net = registry.build("lenet5", 10, params().net_options())
    registry.set_values(net, parameters.read(out / "best.safetensors"), "best")
    assert np.allclose(predictor(net)(data.inputs.feed(net, data.val_rows)), trained.val_logits, atol=1e-4)
    metrics = training.of_net(params(), trained)
    assert metrics["selected_on_val"] == ["epoch"] and metrics["parameters"] == 61706
    assert metrics["val_accuracy"] == trained.curve[trained.about["epoch"] - 1]["val_accuracy"]
    json.dumps(metrics)


def test_the_last_epoch_is_used_where_that_is_asked_for(tmp_path):
    trained = train(pictures(), params(checkpoint="last"), folder(tmp_path, "a"))
    assert trained.about["epoch"] == 4
    assert training.of_net(params(checkpoint="last"), trained)["selected_on_val"] == []


def test_patience_ends_the_training(tmp_path):
    slow = params(lr=1e-9, patience=2, epochs=30, schedule="constant", warmup_epochs=0, augment={})
    trained = train(pictures(), slow, folder(tmp_path, "a"))
    best = trained.about["epoch"]
    assert len(trained.curve) == best + 2 < 30


def test_pictures_of_another_size_than_the_nets_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"digits_cnn takes pictures of 28 x 28 pixels, extract.image_size is 32"):
        train(pictures(), params(net="digits_cnn"), folder(tmp_path, "a"))
