"""sortline.training: out-of-fold scores, and leaks that would show; of both optimizers where both promise it.

The data are drawn here: `pooled` (n, K, 2, C) in which a photo's class shifts its features.
"""

import re
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score

from sortline._core.errors import UserError
from sortline.config.training import TrainHeadParams
from sortline.training import heads
from sortline.training.head_graph import HeadNet
from sortline.training.heads import train_by_steps
from sortline.training.lbfgs import train_lbfgs
from sortline.training.results import TrainingSet
from sortline.training.targets import smooth_targets

pytestmark = pytest.mark.usefixtures("graph_mode")

WAYS = {"momentum": train_by_steps, "lbfgs": train_lbfgs}


def toy(n=120, views=2, channels=8, classes=3, folds=4, noise=1.0, seed=0):
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(n) % classes)
    centres = random.normal(size=(classes, 2, channels))
    pooled = centres[labels][:, None] + noise * random.normal(size=(n, 1, 2, channels))
    pooled = pooled + 0.3 * noise * random.normal(size=(n, views, 2, channels))
    dealt = random.permutation(np.arange(n) % folds)
    return TrainingSet(pooled.astype(np.float32), labels, dealt, classes, np.arange(n))


def quick(**changes):
    settings = {"optimizer": "momentum", "pooling": "mean", "views": None, "seed": 1, "lr": 0.1, "warmup_epochs": 1.0,
                "schedule": "cosine", "momentum": 0.9, "weight_decay": 1e-3, "label_smoothing": 0.1, "batch_size": 32,
                "epochs": 6, "checkpoint": "last", "lbfgs_c": [0.1, 1.0, 10.0], "lbfgs_max_iter": 2000}  # fmt: skip
    return TrainHeadParams(**settings | changes)


def plain(data, pooling):
    return {"mean": data.features[:, 0, 0], "max": data.features[:, 0, 1],
            "mean+max": data.features[:, 0].reshape(len(data.features), -1)}[pooling]  # fmt: skip


def rows(data, pooling):
    """Return (features, labels, photo) of all views in float64, view by view: another order than the library's."""
    views = [replace(data, features=data.features[:, [view]]) for view in range(data.features.shape[1])]
    photo = np.tile(np.arange(len(data.labels)), len(views))
    return np.concatenate([plain(one, pooling) for one in views]).astype(float), data.labels[photo], photo


def fitted_directly(data, c, pooling="mean"):
    """Return scikit-learn's out-of-fold probabilities on the plain view, each fold fitted afresh on all views."""
    features, labels, photo = rows(data, pooling)
    probabilities = np.empty((len(data.labels), data.classes))
    for fold in range(data.folds.max() + 1):
        inside = data.folds[photo] != fold
        model = LogisticRegression(C=c, tol=1e-9, max_iter=10_000).fit(features[inside], labels[inside])
        probabilities[data.folds == fold] = model.predict_proba(plain(data, pooling)[data.folds == fold])
    return probabilities


def epochs_of(data, params):
    """Train straight through the loop (itself tested against NumPy): a model a fold, and one on everything."""
    features = data.features[:, : params.views].reshape(-1, 2, data.features.shape[-1])
    features = plain(replace(data, features=features[:, None]), params.pooling)
    views = params.views or data.features.shape[1]
    targets = smooth_targets(np.repeat(data.labels, views), data.classes, params.label_smoothing)
    masks = np.stack([data.folds != 0, data.folds != 1, data.folds != 2, data.folds != 3, data.folds >= 0], 1)
    net = HeadNet(features.shape[1], data.classes, params.pooling)
    return net, list(heads.epochs(features, targets, np.repeat(masks, views, 0), net, params))


@pytest.mark.parametrize("pooling", ["mean", "mean+max"])
@pytest.mark.parametrize("checkpoint", ["last", "best"])
def test_momentum_heads_scores_and_curve(pooling, checkpoint):
    data = toy(noise=2.5, seed=2)
    params = quick(pooling=pooling, checkpoint=checkpoint, lr=1.0, label_smoothing=0.0)
    trained = train_by_steps(data, params)

    net, epochs = epochs_of(data, params)
    scores = np.empty((params.epochs, len(data.labels), data.classes))
    for number, epoch in enumerate(epochs):
        for photo, fold in enumerate(data.folds):
            head = net.head(epoch.parameters, fold)
            logits = plain(data, pooling)[photo].astype(float) @ head.weight.T + head.bias
            scores[number, photo] = log_softmax(logits)
    accuracies = [accuracy_score(data.labels, one.argmax(1)) for one in scores]
    losses = [-one[np.arange(len(data.labels)), data.labels].mean() for one in scores]

    assert [row["epoch"] for row in trained.curve] == [1, 2, 3, 4, 5, 6] and trained.curve_x == "epoch"
    for name, expected in (
        ("oof_accuracy", accuracies),
        ("oof_loss", losses),
        ("lr", [epoch.lr for epoch in epochs]),
        ("fold_train_loss", [epoch.loss[:4].mean() for epoch in epochs]),
        ("train_loss", [epoch.loss[4] for epoch in epochs]),
    ):
        assert [row[name] for row in trained.curve] == pytest.approx(expected, abs=1e-4), name

    best = min(range(params.epochs), key=lambda i: (-accuracies[i], losses[i]))
    assert best != params.epochs - 1  # or `best` and `last` could not be told apart
    assert trained.facts["best_epoch"] == best + 1
    assert np.array_equal(trained.heads["best"].weight, net.head(epochs[best].parameters, 4).weight)
    assert np.array_equal(trained.heads["best"].bias, net.head(epochs[best].parameters, 4).bias)
    assert np.array_equal(trained.heads["last"].weight, net.head(epochs[-1].parameters, 4).weight)
    assert {head.pooling for head in trained.heads.values()} == {pooling}

    kept = {"best": best, "last": params.epochs - 1}[checkpoint]
    assert trained.checkpoint == checkpoint
    assert trained.out_of_fold == pytest.approx(np.exp(scores[kept]), abs=1e-5)
    assert trained.selected == (["epoch"] if checkpoint == "best" else [])


def test_momentum_learns_what_can_be_learned():
    data = toy(noise=0.3)
    for pooling in ("mean", "max", "mean+max"):
        trained = train_by_steps(data, quick(pooling=pooling, lr=0.5, epochs=15))
        assert trained.curve[-1]["oof_accuracy"] == 1.0
        assert (trained.heads["last"].probabilities(data.features[:, 0]).argmax(1) == data.labels).all()


@pytest.mark.parametrize("optimizer", WAYS)
def test_pooling_decides_which_half_is_seen(optimizer):
    data = toy(noise=0.3, seed=2)
    data.features[:, :, 0] = np.random.default_rng(0).normal(size=data.features[:, :, 0].shape)  # mean: noise only
    seen = {pooling: WAYS[optimizer](data, quick(pooling=pooling, lr=0.5)) for pooling in ("mean", "max", "mean+max")}
    score = {pooling: accuracy_score(data.labels, one.out_of_fold.argmax(1)) for pooling, one in seen.items()}
    assert score["mean"] < 0.5 and score["max"] > 0.95 and score["mean+max"] > 0.9
    assert seen["max"].heads["last"].weight.shape == (3, 8) and seen["mean+max"].heads["last"].weight.shape == (3, 16)


@pytest.mark.parametrize("optimizer", WAYS)
def test_views_limits_what_is_trained_on(optimizer):
    data = toy(views=3)
    corrupted = replace(data, features=data.features.copy())
    corrupted.features[:, 2] = 1e3 * np.random.default_rng(0).normal(size=corrupted.features[:, 2].shape)
    for params in (quick(views=2, epochs=2), quick(views=None, epochs=2)):
        one, other = WAYS[optimizer](data, params), WAYS[optimizer](corrupted, params)
        same = np.array_equal(one.heads["last"].weight, other.heads["last"].weight)
        assert same == (params.views == 2) == np.array_equal(one.out_of_fold, other.out_of_fold)
    first = replace(data, features=data.features[:, :1])
    limited, alone = WAYS[optimizer](data, quick(views=1, epochs=2)), WAYS[optimizer](first, quick(epochs=2))
    assert np.array_equal(limited.heads["last"].weight, alone.heads["last"].weight)


@pytest.mark.parametrize("optimizer", WAYS)
def test_only_the_plain_view_is_scored(optimizer):
    data = toy(noise=0.3)
    data.features[:, 0] = 0  # nothing to be seen in it
    trained = WAYS[optimizer](data, quick(lr=0.5))
    assert np.ptp(trained.out_of_fold[data.folds == 0], axis=0) == pytest.approx(np.zeros(3), abs=1e-9)
    assert accuracy_score(data.labels, trained.out_of_fold.argmax(1)) < 0.5


@pytest.mark.parametrize("optimizer", WAYS)
def test_no_score_comes_from_a_model_that_saw_the_photo_or_its_copy(optimizer):
    """Labels are drawn at random; the two photos of a group are one: who saw either knows the other's label."""
    random = np.random.default_rng(4)
    groups, classes = np.repeat(np.arange(60), 2), 4
    labels = random.integers(0, classes, 60)[groups]
    pooled = random.normal(size=(60, 3, 2, 150)).astype(np.float32)[groups]
    params = quick(lr=0.5, epochs=20, weight_decay=0.0, lbfgs_c=[1.0])

    grouped = WAYS[optimizer](TrainingSet(pooled, labels, random.permutation(60)[groups] % 5, classes, groups), params)
    assert accuracy_score(labels, grouped.out_of_fold.argmax(1)) < 0.4
    assert (grouped.heads["last"].probabilities(pooled[:, 0]).argmax(1) == labels).all()

    # The same data, its groups split between folds: a leak does show.
    leaking = WAYS[optimizer](TrainingSet(pooled, labels, np.arange(120) % 5, classes, groups), params)
    assert accuracy_score(labels, leaking.out_of_fold.argmax(1)) > 0.9


@pytest.mark.parametrize("optimizer", WAYS)
def test_fold_numbers_need_not_be_dense(optimizer):
    data = toy()
    gaps = replace(data, folds=np.array([0, 2, 3, 7])[data.folds])
    one, other = WAYS[optimizer](data, quick()), WAYS[optimizer](gaps, quick())
    assert np.array_equal(one.out_of_fold, other.out_of_fold)


@pytest.mark.parametrize("optimizer", WAYS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_one_line(optimizer, value):
    data = toy()
    data.features[17, 1, 0, 3] = value
    with pytest.raises(UserError, match="NaN or Inf") as caught:
        WAYS[optimizer](data, quick())
    assert "\n" not in str(caught.value)


@pytest.mark.filterwarnings("error")
def test_a_diverging_training_ends_in_one_line_or_in_finite_numbers_whatever_its_last_epoch():
    """One step an epoch on few photos: weights and scores overflow before a loss says so."""
    data = toy(n=24, views=1, folds=2)
    ended = []
    for epochs in (8, 18, 19, 20, 21):
        params = quick(lr=90.0, weight_decay=1.0, schedule="constant", batch_size=24, epochs=epochs)
        try:
            trained = train_by_steps(data, params)
        except UserError as error:
            assert re.search(r"diverged.* epoch \d+.*lower lr \(now 90\.0\)", str(error))
            ended.append("refused")
        else:
            assert all(np.isfinite(list(row.values())).all() for row in trained.curve), f"{epochs} epochs"
            assert np.isfinite(trained.out_of_fold).all()
            ended.append("finite")
    assert ended == sorted(ended) and set(ended) == {"finite", "refused"}


@pytest.mark.parametrize("views", [None, 2])
def test_attention_trains_on_the_maps_of_all_views_position_by_position(views):
    maps = np.random.default_rng(0).normal(size=(4, 3, 5, 2, 3)).astype(np.float16)
    data = TrainingSet(maps, np.arange(4) % 2, np.arange(4) % 2, 2, np.arange(4))
    rows, photo = heads.training_rows(data, quick(pooling="attention", views=views))
    kept = views or 3
    assert (
        rows.shape == (4 * kept, 6, 5)
        and rows.flags.c_contiguous
        and photo.tolist() == np.repeat(range(4), kept).tolist()
    )
    assert np.array_equal(rows[kept + 1, 4], maps[1, 1, :, 1, 1]) and np.array_equal(rows[0, 2], maps[0, 0, :, 0, 2])
    maps[2, kept - 1, 0, 0, 0] = np.inf
    with pytest.raises(UserError, match="NaN or Inf"):
        heads.training_rows(data, quick(pooling="attention", views=views))
