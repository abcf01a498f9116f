"""Which photos are worth labelling first: the doubtful ones, of several kinds."""

import numpy as np
import pytest

from sortline._core.errors import UserError
from sortline.features.heads import Head, dropped, pool, softmax
from sortline.review.ranking import rank


def draws_of(top: np.ndarray) -> np.ndarray:
    """Return two draws of two classes that agree: the first has the probability `top`."""
    return np.repeat(np.stack([top, 1 - top], 1)[None], 2, 0)


@pytest.mark.parametrize("models", [1, 2])
def test_the_surest_are_never_chosen_and_the_most_doubtful_comes_first(models):
    top = np.random.default_rng(1).permutation(np.linspace(0.5, 0.99, 100))  # the place says nothing
    ranked = rank(draws_of(top)[:models], np.random.default_rng(0).normal(size=(100, 8)), 5)
    assert ranked.chosen[0] == top.argmin() and len(set(ranked.chosen.tolist())) == 5
    assert set(ranked.chosen.tolist()) <= set(np.argsort(top)[:25].tolist())
    assert ranked.margin == pytest.approx(2 * top - 1) and ranked.disagreement == pytest.approx(0, abs=1e-12)


def test_copies_count_once():
    """Of 20 doubtful photos 17 are one: the three others are chosen too."""
    features = np.zeros((20, 4))
    features[:17] = [1, 0, 0, 0]
    features[17:, 1:] = np.eye(3)
    chosen = rank(draws_of(np.full(20, 0.5)), features, 4).chosen.tolist()
    assert {17, 18, 19} < set(chosen) and len(chosen) == 4


def test_models_that_contradict_one_another_disagree_and_those_that_are_unsure_alike_do_not():
    contradict = np.array([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]])
    ranked = rank(contradict, np.eye(2), 1)
    assert ranked.disagreement == pytest.approx([np.log(2), 0]) and ranked.margin == pytest.approx([0, 0])
    assert ranked.chosen.tolist() == [0]


def test_all_are_chosen_where_there_are_no_more():
    assert sorted(rank(draws_of(np.full(3, 0.6)), np.eye(3), 9).chosen.tolist()) == [0, 1, 2]
    with pytest.raises(UserError):
        rank(draws_of(np.full(3, 0.6)), np.eye(3), 0)


def test_dropped_channels_are_made_up_for_on_the_mean():
    generator = np.random.default_rng(0)
    head = Head(generator.normal(size=(3, 50)).astype(np.float32), np.zeros(3, np.float32), "mean")
    features = generator.normal(size=(4, 2, 50)).astype(np.float32)
    draws = dropped(head, features, draws=4000, share=0.1)
    assert draws.shape == (4000, 4, 3) and np.unique(draws[:, 0, 0]).size > 100
    assert dropped(head, features, share=0.0) == pytest.approx(
        np.repeat(softmax(pool(features, "mean") @ head.weight.T)[None], 16, 0)
    )
    logits = np.log(draws)
    logits -= logits.mean(2, keepdims=True)
    expected = pool(features, "mean") @ head.weight.T
    expected -= expected.mean(1, keepdims=True)
    assert logits.mean(0) == pytest.approx(expected, abs=0.2)
