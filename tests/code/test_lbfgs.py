"""sortline.lbfgs: out-of-fold scores, the choice of C and the head against scikit-learn."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.utils import compute_sample_weight
from test_training import fitted_directly, plain, quick, rows, toy
from threadpoolctl import threadpool_limits

from sortline.training.lbfgs import train_lbfgs

pytestmark = pytest.mark.usefixtures("graph_mode")


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


@pytest.mark.parametrize("classes", [2, 3])
def test_balanced_weights_are_those_of_scikit_learn(classes):
    data = toy(classes=classes, noise=2.0)
    rare = (data.labels == 0) & (np.arange(len(data.labels)) % 4 > 0)
    data = replace(data, features=data.features[~rare], labels=data.labels[~rare], folds=data.folds[~rare])
    trained = train_lbfgs(data, quick(class_weights="balanced", lbfgs_c=[1.0]))
    features, labels, _ = rows(data, "mean")
    each = compute_sample_weight("balanced", labels)
    expected = LogisticRegression(C=1.0, tol=1e-9, max_iter=10_000).fit(features, labels, each)
    found = trained.heads["last"].probabilities(data.features[:, 0])
    assert found == pytest.approx(expected.predict_proba(plain(data, "mean")), abs=5e-3)
    plainly = train_lbfgs(data, quick(lbfgs_c=[1.0])).heads["last"].probabilities(data.features[:, 0])
    assert found[:, 0].mean() > plainly[:, 0].mean() + 0.05


@pytest.mark.filterwarnings("error")
def test_an_lbfgs_that_did_not_converge_says_so_in_a_line_and_in_the_record(capsys):
    assert train_lbfgs(toy(), quick()).facts["converged"] is True
    assert capsys.readouterr().err == ""
    assert train_lbfgs(toy(), quick(lbfgs_max_iter=2)).facts["converged"] is False
    (line,) = capsys.readouterr().err.splitlines()
    assert "not converged in 2 iterations" in line


def test_the_weights_do_not_depend_on_the_number_of_threads():
    data, found = toy(n=400, views=1, channels=320, classes=8, folds=2, noise=3.0), {}
    for threads in (1, 2, 4):
        with threadpool_limits(threads):
            found[threads] = train_lbfgs(data, quick(lbfgs_c=[1.0], lbfgs_max_iter=300)).heads["last"].weight
    assert np.array_equal(found[1], found[2]) and np.array_equal(found[1], found[4])
