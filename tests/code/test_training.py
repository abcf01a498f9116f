"""sortline.training and the stage train_head: out-of-fold scores against scikit-learn, leaks that would show, records.

The data are drawn here: `pooled` (n, K, 2, C) in which a photo's class shifts its features.
"""

import hashlib
import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from scipy.stats import binomtest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from threadpoolctl import threadpool_limits

from sortline import files, fit, runtime
from sortline.errors import UserError
from sortline.headnets import HeadNet
from sortline.heads import load_head, save_heads
from sortline.lbfgs import train_lbfgs
from sortline.params.train_head import TrainHeadParams
from sortline.smoothing import smooth_targets
from sortline.training import TrainingSet, train_by_steps

SOLVERS = {"momentum": train_by_steps, "lbfgs": train_lbfgs}
STAGE = Path(__file__).parents[2] / "stages" / "train_head.py"


@pytest.fixture(scope="module", autouse=True)
def graph_mode():
    """Also one BLAS thread: matrices are tiny here, and threads that wait for one another slow on a busy machine."""
    runtime.prepare()
    with threadpool_limits(1):
        yield


def toy(n=120, views=2, channels=8, classes=3, folds=4, noise=1.0, seed=0):
    random = np.random.default_rng(seed)
    labels = random.permutation(np.arange(n) % classes)
    centres = random.normal(size=(classes, 2, channels))
    pooled = centres[labels][:, None] + noise * random.normal(size=(n, 1, 2, channels))
    pooled = pooled + 0.3 * noise * random.normal(size=(n, views, 2, channels))
    return TrainingSet(pooled.astype(np.float32), labels, random.permutation(np.arange(n) % folds), classes)


def quick(**changes):
    settings = {"solver": "momentum", "pooling": "mean", "views": None, "seed": 1, "lr": 0.1, "warmup_epochs": 1.0,
                "schedule": "cosine", "momentum": 0.9, "weight_decay": 1e-3, "label_smoothing": 0.1, "batch_size": 32,
                "epochs": 6, "checkpoint": "last", "lbfgs_c": [0.1, 1.0, 10.0], "lbfgs_max_iter": 2000}  # fmt: skip
    return TrainHeadParams(**settings | changes)


def plain(data, pooling):
    return {"mean": data.features[:, 0, 0], "max": data.features[:, 0, 1],
            "mean+max": data.features[:, 0].reshape(len(data.features), -1)}[pooling]  # fmt: skip


def rows(data, pooling):
    """Return (features, labels, photo) of all views in float64, view by view: another order than the library's."""
    views = [TrainingSet(data.features[:, [view]], data.labels, data.folds, data.classes)
             for view in range(data.features.shape[1])]  # fmt: skip
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


# ---- L-BFGS


@pytest.mark.parametrize("pooling", ["mean", "max", "mean+max"])
def test_lbfgs_out_of_fold_matches_scikit_learn_for_every_c(pooling):
    data = toy()
    trained = train_lbfgs(data, quick(pooling=pooling, lbfgs_c=[3.0, 0.1, 1.0]))  # in any order
    assert [row["c"] for row in trained.curve] == [0.1, 1.0, 3.0] and trained.curve_x == "c"
    for row in trained.curve:
        expected = fitted_directly(data, row["c"], pooling)
        assert row["oof_loss"] == pytest.approx(log_loss(data.labels, expected), abs=1e-3)
        assert row["oof_accuracy"] == pytest.approx(accuracy_score(data.labels, expected.argmax(1)), abs=1e-12)
    assert trained.facts["converged"] is True
    assert trained.out_of_fold == pytest.approx(fitted_directly(data, trained.facts["c"], pooling), abs=5e-3)


def test_lbfgs_takes_the_c_that_is_right_most_often():
    data = toy(noise=2.0, seed=5)
    strengths = [0.001, 0.01, 0.1, 1.0, 100.0]
    trained = train_lbfgs(data, quick(lbfgs_c=strengths))
    direct = {c: fitted_directly(data, c) for c in strengths}
    scores = {c: accuracy_score(data.labels, one.argmax(1)) for c, one in direct.items()}
    assert len(set(scores.values())) > 2
    best = max(strengths, key=lambda c: (scores[c], -log_loss(data.labels, direct[c])))
    assert trained.facts["c"] == best and trained.selected == ["C"]


def test_lbfgs_parts_equal_accuracies_by_their_log_loss():
    data = toy(noise=0.1, channels=32)
    trained = train_lbfgs(data, quick(lbfgs_c=[1.0, 0.001, 0.1]))
    assert {row["oof_accuracy"] for row in trained.curve} == {1.0}
    assert trained.facts["c"] == 1.0  # the surest, as all are right


def test_lbfgs_with_one_c_has_selected_nothing():
    trained = train_lbfgs(toy(), quick(lbfgs_c=[0.5]))
    assert trained.facts["c"] == 0.5 and trained.selected == [] and len(trained.curve) == 1


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("pooling", ["mean", "mean+max"])
def test_the_lbfgs_head_is_scikit_learns_on_all_of_train(classes, pooling):
    data = toy(classes=classes)
    trained = train_lbfgs(data, quick(pooling=pooling))
    features, labels, _ = rows(data, pooling)
    expected = LogisticRegression(C=trained.facts["c"], tol=1e-9, max_iter=10_000).fit(features, labels)
    head = trained.heads["last"]
    assert head.weight.shape == (classes, features.shape[1]) and head.bias.shape == (classes,)
    assert head.weight.dtype == head.bias.dtype == np.float32 and head.pooling == pooling
    assert head.probabilities(data.features[:, 0]) == pytest.approx(
        expected.predict_proba(plain(data, pooling)), abs=5e-3
    )
    assert trained.heads["best"] is head and trained.checkpoint == "last"


def test_two_classes_out_of_fold_match_scikit_learn():
    data = toy(classes=2, noise=1.5)
    trained = train_lbfgs(data, quick())
    assert trained.out_of_fold.shape == (120, 2)
    assert trained.out_of_fold == pytest.approx(fitted_directly(data, trained.facts["c"]), abs=5e-3)


@pytest.mark.filterwarnings("error")
def test_an_lbfgs_that_did_not_converge_says_so_in_the_record_only():
    assert train_lbfgs(toy(), quick(lbfgs_max_iter=2)).facts["converged"] is False


# ---- Momentum


def epochs_of(data, params):
    """Train straight through sortline.fit (itself tested against NumPy): a model a fold, and one on everything."""
    features = data.features[:, : params.views].reshape(-1, 2, data.features.shape[-1])
    features = plain(TrainingSet(features[:, None], None, None, data.classes), params.pooling)
    views = params.views or data.features.shape[1]
    recipe = fit.Recipe(params.solver, params.lr, params.schedule, params.warmup_epochs, params.momentum,
                        params.weight_decay, params.batch_size, params.epochs, params.seed)  # fmt: skip
    targets = smooth_targets(np.repeat(data.labels, views), data.classes, params.label_smoothing)
    masks = np.stack([data.folds != 0, data.folds != 1, data.folds != 2, data.folds != 3, data.folds >= 0], 1)
    net = HeadNet(features.shape[1], data.classes, params.pooling)
    return list(fit.train(features, targets, np.repeat(masks, views, 0), net, recipe))


@pytest.mark.parametrize("pooling", ["mean", "mean+max"])
@pytest.mark.parametrize("checkpoint", ["last", "best"])
def test_momentum_heads_scores_and_curve(pooling, checkpoint):
    data = toy(noise=2.5, seed=2)
    params = quick(pooling=pooling, checkpoint=checkpoint, lr=1.0, label_smoothing=0.0)
    trained = train_by_steps(data, params)

    epochs = epochs_of(data, params)
    scores = np.empty((params.epochs, len(data.labels), data.classes))
    for number, epoch in enumerate(epochs):
        for photo, fold in enumerate(data.folds):
            logits = plain(data, pooling)[photo].astype(float) @ epoch.head(fold).weight.T + epoch.head(fold).bias
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
    assert np.array_equal(trained.heads["best"].weight, epochs[best].head(4).weight)
    assert np.array_equal(trained.heads["best"].bias, epochs[best].head(4).bias)
    assert np.array_equal(trained.heads["last"].weight, epochs[-1].head(4).weight)
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


@pytest.mark.parametrize("solver", SOLVERS)
def test_pooling_decides_which_half_is_seen(solver):
    data = toy(noise=0.3, seed=2)
    data.features[:, :, 0] = np.random.default_rng(0).normal(size=data.features[:, :, 0].shape)  # mean: noise only
    seen = {pooling: SOLVERS[solver](data, quick(pooling=pooling, lr=0.5)) for pooling in ("mean", "max", "mean+max")}
    score = {pooling: accuracy_score(data.labels, one.out_of_fold.argmax(1)) for pooling, one in seen.items()}
    assert score["mean"] < 0.5 and score["max"] > 0.95 and score["mean+max"] > 0.9
    assert seen["max"].heads["last"].weight.shape == (3, 8) and seen["mean+max"].heads["last"].weight.shape == (3, 16)


@pytest.mark.parametrize("solver", SOLVERS)
def test_views_limits_what_is_trained_on(solver):
    data = toy(views=3)
    spoilt = TrainingSet(data.features.copy(), data.labels, data.folds, data.classes)
    spoilt.features[:, 2] = 1e3 * np.random.default_rng(0).normal(size=spoilt.features[:, 2].shape)
    for params in (quick(views=2, epochs=2), quick(views=None, epochs=2)):
        one, other = SOLVERS[solver](data, params), SOLVERS[solver](spoilt, params)
        same = np.array_equal(one.heads["last"].weight, other.heads["last"].weight)
        assert same == (params.views == 2) == np.array_equal(one.out_of_fold, other.out_of_fold)
    first = TrainingSet(data.features[:, :1], data.labels, data.folds, data.classes)
    limited, alone = SOLVERS[solver](data, quick(views=1, epochs=2)), SOLVERS[solver](first, quick(epochs=2))
    assert np.array_equal(limited.heads["last"].weight, alone.heads["last"].weight)


@pytest.mark.parametrize("solver", SOLVERS)
def test_only_the_plain_view_is_scored(solver):
    data = toy(noise=0.3)
    data.features[:, 0] = 0  # nothing to be seen in it
    trained = SOLVERS[solver](data, quick(lr=0.5))
    assert np.ptp(trained.out_of_fold[data.folds == 0], axis=0) == pytest.approx(np.zeros(3), abs=1e-9)
    assert accuracy_score(data.labels, trained.out_of_fold.argmax(1)) < 0.5


@pytest.mark.parametrize("solver", SOLVERS)
def test_no_score_comes_from_a_model_that_saw_the_photo_or_its_copy(solver):
    """Labels are drawn at random; the two photos of a group are one: who saw either knows the other's label."""
    random = np.random.default_rng(4)
    groups, classes = np.repeat(np.arange(60), 2), 4
    labels = random.integers(0, classes, 60)[groups]
    pooled = random.normal(size=(60, 3, 2, 150)).astype(np.float32)[groups]
    params = quick(lr=0.5, epochs=20, weight_decay=0.0, lbfgs_c=[1.0])

    grouped = SOLVERS[solver](TrainingSet(pooled, labels, random.permutation(60)[groups] % 5, classes), params)
    assert accuracy_score(labels, grouped.out_of_fold.argmax(1)) < 0.4
    assert (grouped.heads["last"].probabilities(pooled[:, 0]).argmax(1) == labels).all()

    # The same data, its groups split between folds: a leak does show.
    leaking = SOLVERS[solver](TrainingSet(pooled, labels, np.arange(120) % 5, classes), params)
    assert accuracy_score(labels, leaking.out_of_fold.argmax(1)) > 0.9


@pytest.mark.parametrize("solver", SOLVERS)
def test_fold_numbers_need_not_be_dense(solver):
    data = toy()
    gaps = TrainingSet(data.features, data.labels, np.array([0, 2, 3, 7])[data.folds], data.classes)
    one, other = SOLVERS[solver](data, quick()), SOLVERS[solver](gaps, quick())
    assert np.array_equal(one.out_of_fold, other.out_of_fold)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_features_that_are_no_numbers_are_one_line(solver, value):
    data = toy()
    data.features[17, 1, 0, 3] = value
    with pytest.raises(UserError, match="NaN or Inf") as caught:
        SOLVERS[solver](data, quick())
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


# ---- recipes


def grouped(**changes):
    data = toy(noise=1.5, n=240, classes=3, **changes)
    return TrainingSet(data.features, data.labels, data.folds, data.classes, np.arange(240), np.array([0, 0, 1]), "set")


@pytest.mark.parametrize("solver", ["nesterov", "sgd", "adam", "adamw", "nadam"])
def test_every_optimiser_learns(solver):
    rate = {"nesterov": 0.1, "sgd": 1.0}.get(solver, 0.02)
    trained = train_by_steps(toy(noise=0.3), quick(solver=solver, lr=rate, epochs=15))
    assert trained.curve[-1]["oof_accuracy"] > 0.97


def test_early_stopping_takes_each_models_best_epoch_on_a_part_it_did_not_learn_from(monkeypatch):
    data, seen = grouped(), []
    wrapped = fit.train

    def spy(features, targets, masks, *rest):
        seen.append(masks)
        return wrapped(features, targets, masks, *rest)

    monkeypatch.setattr(fit, "train", spy)
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

    replayed = list(wrapped(*replay(data, params, masks)))
    inner = ~masks[::2, 4]
    losses = []
    for epoch in replayed[: len(trained.curve)]:
        logits = epoch.head(4).logits(data.features[inner, 0]).astype(float)
        losses.append(-log_softmax(logits, axis=1)[np.arange(inner.sum()), data.labels[inner]].mean())
    assert int(np.argmin(losses)) + 1 == trained.facts["stopped_epoch"]
    assert np.array_equal(trained.heads["last"].weight, replayed[np.argmin(losses)].head(4).weight)


def replay(data, params, masks):
    features = data.features.reshape(-1, 2, 8)[:, 0]
    targets = smooth_targets(data.labels, 3, params.label_smoothing).repeat(2, 0)
    recipe = fit.Recipe(params.solver, params.lr, params.schedule, params.warmup_epochs, params.momentum,
                        params.weight_decay, params.batch_size, params.epochs, params.seed)  # fmt: skip
    return features, targets, masks, HeadNet(8, 3), recipe


def test_the_last_checkpoints_are_kept_as_many_as_asked():
    trained = train_by_steps(toy(), quick(keep_checkpoints=2))
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
    with pytest.raises(UserError, match="gone.safetensors: missing"):
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
    data = TrainingSet(maps.reshape(180, 1, 8, 3, 3).astype(np.float16), labels, np.arange(180) // 3 % 4, 3)
    trained = train_by_steps(data, quick(pooling="attention", epochs=60, lr=0.05, solver="adam", weight_decay=0.0))
    mean = np.stack((maps.mean(3), maps.max(3)), 2).astype(np.float32)
    plain_head = train_by_steps(
        TrainingSet(mean, labels, data.folds, 3), quick(epochs=60, lr=0.05, solver="adam", weight_decay=0.0)
    )
    assert trained.curve[-1]["oof_accuracy"] > 0.9 > plain_head.curve[-1]["oof_accuracy"]


# ---- the stage


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with what train_head reads: 120 train photos of a toy set, mixed with dropped and val ones."""
    root = tmp_path / "垃圾 分类"
    data = toy(noise=1.5, views=3)
    random = np.random.default_rng(9)
    kinds = random.permutation(["train"] * 120 + ["val"] * 20 + ["dropped"] * 5)
    pooled = np.full((145, 3, 2, 8), np.nan, np.float32)  # not one of the others may be read
    pooled[kinds == "train"] = data.features
    labels, folds = iter(data.labels), iter(data.folds)
    table = [[f"{i:03d}.jpg", next(labels) if kind == "train" else 0, kind, next(folds) if kind == "train" else "",
              i, 0, 0] for i, kind in enumerate(kinds)]  # fmt: skip
    header = ["image", "label", "split", "fold", "group", "in_train_exact", "in_train_near"]
    files.write_csv(root / "prepared" / "split.csv", header, table)
    names = [{"code": f"00_0{i}", "en": name, "zh": "", "bin": ""} for i, name in enumerate(("Cup", "Can", "Peel"))]
    files.write_json(root / "prepared" / "classes.json", {"classes": names, "bins": [], "table": None})
    (root / "features").mkdir()
    np.save(root / "features" / "pooled.npy", pooled)
    files.write_json(root / "features" / "features.json", {"dataset": "0123456789abcdef", "views": 3})
    monkeypatch.chdir(root)
    configure()
    return data


def words(task="toy", out="."):
    line = f"{task} --prepared prepared --features features --out {out}/head --plots {out}/plots"
    return [*line.split(), "--metrics", f"{out}/metrics/train.json"]


def configure(**changes):
    """Write params.yaml; JSON is YAML too."""
    settings = quick().model_dump() | {"epochs": 4, "calibrate": False} | changes
    files.write_json(Path("params.yaml"), {"toy": {"train_head": settings}})
    return TrainHeadParams(**settings)


def run_stage(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["train_head", *words()])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(STAGE), run_name="__main__")
    return ended.value.code


def written():
    outs = [path for name in ("head", "plots", "metrics") for path in Path(name).rglob("*") if path.is_file()]
    return {path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(outs)}


HEADS = ["head/best.safetensors", "head/head.json", "head/last.safetensors", "head/out_of_fold.npy"]


def test_the_stage_with_momentum(project, monkeypatch):
    params = configure(checkpoint="best", views=2)
    assert run_stage(monkeypatch) == 0
    assert list(written()) == [*HEADS, "metrics/train.json", "plots/accuracy.png", "plots/curves.csv",
                               "plots/log.txt", "plots/loss.png"]  # fmt: skip
    log = Path("plots/log.txt").read_text(encoding="utf-8").splitlines()
    assert len(log) == 4 and log[3].startswith("epoch   4/4  rate ") and log[3].endswith(" % right")

    data = TrainingSet(project.features, project.labels, project.folds, 3)
    trained = train_by_steps(data, params)
    assert np.array_equal(load_head(Path("head")).weight, trained.heads["best"].weight)
    assert np.array_equal(load_head(Path("head"), "last").weight, trained.heads["last"].weight)
    about = files.read_json(Path("head/head.json"))
    assert about == {"checkpoint": "best", "solver": "momentum", "dataset": "0123456789abcdef", "pooling": "mean",
                     "activation": "none", "scale": 1.0, "threshold": about["threshold"]}  # fmt: skip

    rows = files.read_csv(Path("plots/curves.csv"))
    assert list(rows[0]) == ["epoch", "lr", "fold_train_loss", "oof_loss", "oof_accuracy", "train_loss"]
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    for row, expected in zip(rows, trained.curve, strict=True):
        assert {key: float(value) for key, value in row.items()} == pytest.approx(expected, rel=1e-5)

    metrics = files.read_json(Path("metrics/train.json"))
    check_scores(metrics, project, trained.out_of_fold)
    assert metrics["solver"] == "momentum" and metrics["checkpoint"] == "best" and metrics["views"] == 2
    assert metrics["selected_on_folds"] == ["epoch"]
    assert metrics["best_epoch"] == trained.facts["best_epoch"]
    assert metrics["temperature"] == 1 and metrics["cv_log_loss_tempered"] == metrics["cv_log_loss"]


def check_scores(metrics, data, probabilities):
    """The metrics against counts, SciPy and scikit-learn."""
    right = probabilities.argmax(1) == data.labels
    interval = binomtest(int(right.sum()), 120).proportion_ci(method="wilson")
    assert metrics["cv_accuracy"] == pytest.approx(right.mean(), abs=5e-5)
    assert metrics["cv_accuracy_low"] == pytest.approx(interval.low, abs=5.1e-5)
    assert metrics["cv_accuracy_high"] == pytest.approx(interval.high, abs=5.1e-5)
    each = [accuracy_score(data.labels[data.folds == fold], probabilities[data.folds == fold].argmax(1))
            for fold in range(4)]  # fmt: skip
    deviation = (sum((one - sum(each) / 4) ** 2 for one in each) / 3) ** 0.5
    assert metrics["cv_std"] == pytest.approx(deviation, abs=5.1e-5)
    assert metrics["cv_log_loss"] == pytest.approx(log_loss(data.labels, probabilities), abs=1e-3)
    assert metrics["cv_n"] == 120 and metrics["folds"] == 4 and metrics["dataset"] == "0123456789abcdef"
    assert 0.4 < metrics["cv_accuracy"] < 1  # or nothing was measured


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("calibrate", [True, False])
def test_the_stage_warns_of_nothing(project, monkeypatch, solver, calibrate):
    configure(solver=solver, calibrate=calibrate)
    assert run_stage(monkeypatch) == 0


def test_the_stage_with_lbfgs(project, monkeypatch):
    configure(solver="lbfgs", pooling="mean+max", lbfgs_c=[10.0, 0.1, 1.0])
    assert run_stage(monkeypatch) == 0
    assert list(written()) == [*HEADS, "metrics/train.json", "plots/curves.csv", "plots/curves.png"]
    metrics = files.read_json(Path("metrics/train.json"))
    check_scores(metrics, project, fitted_directly(project, metrics["c"], "mean+max"))
    assert metrics["selected_on_folds"] == ["C"] and metrics["solver"] == "lbfgs" and metrics["views"] == 3
    assert metrics["converged"] is True
    assert [float(row["c"]) for row in files.read_csv(Path("plots/curves.csv"))] == [0.1, 1.0, 10.0]
    assert load_head(Path("head")).weight.shape == (3, 16)


def test_the_stage_with_a_temperature(project, monkeypatch):
    """Fitted on the out-of-fold probabilities; in the head's weights, so that all after it have it."""
    configure(lr=0.5)
    run_stage(monkeypatch)
    before, kept = files.read_json(Path("metrics/train.json")), load_head(Path("head"))
    params = configure(calibrate=True, lr=0.5)
    run_stage(monkeypatch)
    after, head = files.read_json(Path("metrics/train.json")), load_head(Path("head"))

    probabilities = train_by_steps(project, params).out_of_fold.astype(float)
    tempered = {t: softmax(np.log(probabilities) / t, axis=1) for t in np.geomspace(0.2, 5, 161)}
    losses = {t: -np.log(one[np.arange(120), project.labels]).mean() for t, one in tempered.items()}
    temperature = min(losses, key=losses.get)
    assert after["temperature"] == pytest.approx(temperature, rel=0.02) and abs(temperature - 1) > 0.05
    assert after["cv_log_loss_tempered"] == pytest.approx(losses[temperature], abs=5e-4)
    assert after["cv_log_loss"] == before["cv_log_loss_tempered"] > after["cv_log_loss_tempered"]
    assert after["cv_accuracy"] == before["cv_accuracy"]
    assert head.weight == pytest.approx(kept.weight / after["temperature"], rel=1e-3, abs=1e-6)
    assert head.bias == pytest.approx(kept.bias / after["temperature"], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize(
    ("changes", "selected"),
    [
        ({"checkpoint": "last"}, []),
        ({"checkpoint": "last", "chosen_on_folds": ["weight_decay", "lr"]}, ["lr", "weight_decay"]),
        ({"checkpoint": "best", "chosen_on_folds": ["lr"]}, ["epoch", "lr"]),
        ({"solver": "lbfgs", "chosen_on_folds": ["pooling"]}, ["C", "pooling"]),
        ({"solver": "lbfgs", "lbfgs_c": [1.0]}, []),
        # What only the other solver reads was not chosen for this one.
        ({"solver": "lbfgs", "chosen_on_folds": ["lr", "views"]}, ["C", "views"]),
    ],
)
def test_what_was_selected_on_the_folds_is_told(project, monkeypatch, changes, selected):
    configure(epochs=2, **changes)
    assert run_stage(monkeypatch) == 0
    assert files.read_json(Path("metrics/train.json"))["selected_on_folds"] == selected


def run_both_solvers(out):
    """Run the stage once with each solver, into `out`/<solver>, from the two tasks of params.yaml."""
    for solver in SOLVERS:
        sys.argv = ["train_head", *words(solver, f"{out}/{solver}")]
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(STAGE), run_name="__main__")
        assert ended.value.code == 0


def test_the_stage_writes_the_same_bytes_in_another_process(project, monkeypatch):
    settings = quick(epochs=3).model_dump()
    tasks = {solver: {"train_head": settings | {"solver": solver}} for solver in SOLVERS}
    files.write_json(Path("params.yaml"), tasks)
    monkeypatch.setattr(sys, "argv", sys.argv)
    run_both_solvers("here")
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_training as t\n"
        "with t.threadpool_limits(1): t.run_both_solvers('there')"
    )
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=environment)

    here = {path.relative_to("here"): path.read_bytes() for path in Path("here").rglob("*.*")}
    there = {path.relative_to("there"): path.read_bytes() for path in Path("there").rglob("*.*")}
    assert len(here) == 9 + 7 and here == there


def test_another_seed_gives_another_head(project, monkeypatch):
    run_stage(monkeypatch)
    first = written()
    configure(seed=2)
    run_stage(monkeypatch)
    assert {name for name, digest in written().items() if digest != first[name]} > set(HEADS) - {"head/head.json"}


def refused(monkeypatch, capsys):
    """Run the stage, which must end with 2, one line and nothing written; return the line."""
    before = written()
    assert run_stage(monkeypatch) == 2
    line = capsys.readouterr().err
    assert line.startswith("error: ") and line.count("\n") == 1 and written() == before
    return line


def test_features_of_another_number_of_photos(project, monkeypatch, capsys):
    run_stage(monkeypatch)
    np.save("features/pooled.npy", np.load("features/pooled.npy")[:-1])
    line = refused(monkeypatch, capsys)
    assert "144 photos" in line and "145" in line and "dvc repro" in line


def test_more_views_than_were_extracted(project, monkeypatch, capsys):
    configure(views=4)
    line = refused(monkeypatch, capsys)
    assert "train_head.views is 4" in line and "3" in line


def test_a_mistake_in_the_params(project, monkeypatch, capsys):
    files.write_text(Path("params.yaml"), "toy: {train_head: {lr: fast}}\n")
    assert "'toy.train_head.lr' is 'fast'" in refused(monkeypatch, capsys)


def test_a_rate_that_is_too_high_leaves_the_old_head(project, monkeypatch, capsys):
    run_stage(monkeypatch)
    capsys.readouterr()
    configure(lr=100.0, weight_decay=1.0, epochs=30)
    line = refused(monkeypatch, capsys)
    assert "epoch" in line and "lower lr (now 100.0)" in line
