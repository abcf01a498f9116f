"""Recipes of heads: optimizers, early stopping, checkpoints and starts, shares of a bin, attention."""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax
from test_training import quick, toy

from sortline._core.errors import UserError
from sortline.config.training import TrainHeadParams
from sortline.features.heads import save_heads
from sortline.training import heads
from sortline.training.head_graph import HeadNet
from sortline.training.heads import train_by_steps
from sortline.training.results import TrainingSet
from sortline.training.targets import smooth_targets

pytestmark = pytest.mark.usefixtures("graph_mode")


def grouped(**changes):
    data = toy(noise=1.5, n=240, classes=3, **changes)
    return TrainingSet(data.features, data.labels, data.folds, data.classes, np.arange(240), np.array([0, 0, 1]), "set")


@pytest.mark.parametrize("optimizer", ["nesterov", "sgd", "adam", "adamw", "nadam", "rmsprop"])
def test_every_optimizer_learns(optimizer):
    rate = {"nesterov": 0.1, "sgd": 1.0}.get(optimizer, 0.02)
    trained = train_by_steps(toy(noise=0.3), quick(optimizer=optimizer, lr=rate, epochs=15))
    assert trained.curve[-1]["oof_accuracy"] > 0.97


def test_early_stopping_takes_each_models_best_epoch_on_a_part_it_did_not_learn_from(monkeypatch):
    data, seen = grouped(), []
    wrapped = heads.epochs

    def spy(features, targets, masks, *rest):
        seen.append(masks)
        return wrapped(features, targets, masks, *rest)

    monkeypatch.setattr(heads, "epochs", spy)
    # A rate so high that the loss soon grows again.
    params = quick(patience=3, epochs=60, lr=2.0, label_smoothing=0.0, weight_decay=0.0)
    trained = train_by_steps(data, params)
    (masks,) = seen
    for model in range(4):
        inner = ~masks[::2, model] & (data.folds != model)
        assert 0.05 < inner.sum() / (data.folds != model).sum() < 0.15  # a tenth
        assert not masks[::2, model][data.folds == model].any()
    stopped = [*trained.facts["stopped_epochs_folds"], trained.facts["stopped_epoch"]]
    assert len(stopped) == 5 and len(trained.curve) == max(stopped) + 3 < 60

    net = HeadNet(8, 3)
    replayed = list(wrapped(*replay(data, params, masks, net)))
    inner = ~masks[::2, 4]
    losses = []
    for epoch in replayed[: len(trained.curve)]:
        logits = net.head(epoch.parameters, 4).logits(data.features[inner, 0]).astype(float)
        losses.append(-log_softmax(logits, axis=1)[np.arange(inner.sum()), data.labels[inner]].mean())
    assert int(np.argmin(losses)) + 1 == trained.facts["stopped_epoch"]
    assert np.array_equal(trained.heads["last"].weight, net.head(replayed[np.argmin(losses)].parameters, 4).weight)


def replay(data, params, masks, net):
    features = data.features.reshape(-1, 2, 8)[:, 0]
    targets = smooth_targets(data.labels, 3, params.label_smoothing).repeat(2, 0)
    return features, targets, masks, net, params


def test_the_last_checkpoints_are_kept_as_many_as_asked():
    trained = train_by_steps(toy(), quick(keep=2))
    assert list(trained.heads) == ["best", "last", "epoch-00005", "epoch-00006"]
    assert np.array_equal(trained.heads["epoch-00006"].weight, trained.heads["last"].weight)
    assert not np.array_equal(trained.heads["epoch-00005"].weight, trained.heads["last"].weight)
    assert set(train_by_steps(toy(), quick()).heads) == {"best", "last"}


@pytest.mark.parametrize("dataset", ["set", "another"])
def test_a_start_from_a_checkpoint_does_not_leak_into_the_folds(tmp_path, dataset):
    """A head that has seen this very set starts only the head on everything; the folds' models start from zero."""
    data = grouped()
    first = train_by_steps(data, quick())
    save_heads(tmp_path, first.heads, {"checkpoint": "last", "dataset": dataset})
    params = quick(init_from=str(tmp_path / "last.safetensors"), epochs=1, lr=1e-6)
    again, fresh = train_by_steps(data, params), train_by_steps(data, quick(epochs=1, lr=1e-6))
    assert again.heads["last"].weight == pytest.approx(first.heads["last"].weight, abs=1e-3)
    assert (again.facts.get("folds_start") == "zero") == (dataset == "set")
    if dataset == "set":
        assert np.array_equal(again.out_of_fold, fresh.out_of_fold)
    else:
        assert again.curve[0]["oof_accuracy"] > fresh.curve[0]["oof_accuracy"]
    assert re.fullmatch("[0-9a-f]{64}", again.facts["init_from_sha256"])


def test_a_checkpoint_of_another_kind_or_none_is_one_line(tmp_path):
    save_heads(tmp_path, train_by_steps(toy(), quick(hidden=3)).heads, {"checkpoint": "last"})
    with pytest.raises(UserError, match="init_from"):
        train_by_steps(toy(), quick(init_from=str(tmp_path / "last.safetensors")))
    with pytest.raises(UserError, match="gone.safetensors: .*missing"):
        train_by_steps(toy(), quick(init_from=str(tmp_path / "gone.safetensors")))


def test_a_share_of_a_bin_needs_bins():
    assert train_by_steps(grouped(), quick(bin_share=0.5)).curve
    with pytest.raises(UserError, match="bin_share needs"):
        train_by_steps(toy(), quick(bin_share=0.5))


def test_attention_learns_where_to_look():
    """One of nine positions tells the class, marked in a channel; the mean drowns it in noise."""
    random = np.random.default_rng(3)
    labels, place = np.arange(180) % 3, random.integers(0, 9, 180)
    maps = random.normal(scale=1.5, size=(180, 1, 8, 9))
    maps[np.arange(180), 0, :, place] = np.eye(8)[labels] * 6
    maps[:, 0, 7] = 0
    maps[np.arange(180), 0, 7, place] = 4
    photo = np.arange(180)
    data = TrainingSet(maps.reshape(180, 1, 8, 3, 3).astype(np.float16), labels, photo // 3 % 4, 3, photo)
    trained = train_by_steps(data, quick(pooling="attention", epochs=60, lr=0.05, optimizer="adam", weight_decay=0.0))
    mean = np.stack((maps.mean(3), maps.max(3)), 2).astype(np.float32)
    plain_head = train_by_steps(
        replace(data, features=mean), quick(epochs=60, lr=0.05, optimizer="adam", weight_decay=0.0)
    )
    assert trained.curve[-1]["oof_accuracy"] > 0.9 > plain_head.curve[-1]["oof_accuracy"]


def test_a_head_by_least_squares_is_ridge_regression_on_the_targets():
    data = toy(noise=2.5, seed=2)
    params = quick(loss="mse", lr=0.3, schedule="constant", epochs=400, label_smoothing=0.0, batch_size=1000, views=1)
    trained = train_by_steps(data, params)
    plain = data.features[:, 0, 0].astype(float)
    with_one = np.c_[plain, np.ones(len(plain))]
    expected, *_ = np.linalg.lstsq(with_one, np.eye(data.classes)[data.labels], rcond=None)
    head = trained.heads["last"]
    assert np.c_[head.weight, head.bias] == pytest.approx(expected.T, abs=2e-3)
    assert trained.minimum is None


@pytest.mark.parametrize("more", [{"class_weights": "balanced"}, {"optimizer": "lbfgs"}])
def test_least_squares_refuses_what_it_cannot_do(more):
    with pytest.raises(ValueError, match="mse"):
        TrainHeadParams(loss="mse", **more)
