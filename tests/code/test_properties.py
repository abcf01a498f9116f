"""What must hold of every split, every deal of folds, every set of copies and every schedule, on inputs that hypothesis
makes up: few photos, one class, all photos copies, strange numbers."""

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sortline._core.doubt import NEVER, sure
from sortline._core.errors import UserError
from sortline.config.training import Recipe
from sortline.data.duplicates import Duplicates, find_duplicates, firsts
from sortline.data.holdout import hold_out
from sortline.data.split import deal_folds, to_drop
from sortline.training.calibration import reject_threshold
from sortline.training.schedules import SCHEDULES, learning_rates

SEEDS = st.integers(0, 2**31 - 1)


@st.composite
def photos(draw):
    """Labels of 1 to 60 photos, and the scene of each, which may hold photos of several classes."""
    count = draw(st.integers(1, 60))
    label = draw(st.lists(st.integers(0, 4), min_size=count, max_size=count))
    scene = draw(st.lists(st.integers(0, draw(st.integers(0, count))), min_size=count, max_size=count))
    return np.array(label), np.array(scene)


@given(photos(), st.floats(0.01, 0.9), SEEDS)
def test_what_is_held_out_is_whole_scenes_and_leaves_every_class_something(drawn, fraction, seed):
    label, scene = drawn
    val = hold_out(label, scene, fraction, seed)
    assert val.shape == label.shape and val.dtype == bool
    assert not set(scene[val]) & set(scene[~val])
    for c in set(label.tolist()):
        # A class whose photos are all of one scene cannot be on both sides; train keeps it.
        assert (~val)[label == c].any()
    assert np.array_equal(val, hold_out(label, scene, fraction, seed))
    # Scenes are told apart by being the same or not; a photo's place in the list is all that the seed shuffles.
    order = np.unique(scene, return_inverse=True)[1]
    assert np.array_equal(val, hold_out(label, order, fraction, seed))


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.floats(0.01, 0.9), SEEDS)
def test_without_copies_each_class_gives_its_share(label, fraction, seed):
    val = hold_out(np.array(label), np.arange(len(label)), fraction, seed)
    for c, n in Counter(label).items():
        assert val[np.array(label) == c].sum() == min(max(1, round(fraction * n)), n - 1)


@st.composite
def to_deal(draw):
    """Labels of up to 4 classes with as many photos as folds at least, as the split makes sure; scenes; the folds."""
    folds = draw(st.integers(2, 6))
    sizes = draw(st.lists(st.integers(folds, folds + 9), min_size=1, max_size=4))
    label = np.repeat(np.arange(len(sizes)), sizes)
    scenes = st.integers(0, draw(st.integers(0, len(label))))
    return label, np.array(draw(st.lists(scenes, min_size=len(label), max_size=len(label)))), folds


@given(to_deal(), SEEDS)
def test_folds_are_all_there_and_part_no_scene(drawn, seed):
    label, scene, folds = drawn
    try:
        fold = deal_folds(label, scene, folds, seed)
    except UserError as error:
        # Photos that are no copies of one another fill as many folds as there are.
        assert str(folds) in str(error) and np.unique(scene).size < len(scene)
        return
    assert np.unique(scene).size >= folds and set(fold.tolist()) == set(range(folds))
    assert all(np.unique(fold[scene == one]).size == 1 for one in set(scene.tolist()))
    assert np.array_equal(fold, deal_folds(label, scene, folds, seed))


@given(st.lists(st.sampled_from("abcdefgh"), max_size=40))
def test_exact_copies_are_those_of_equal_pixels(pixels):
    found = find_duplicates(pixels)
    for i in range(len(pixels)):
        for j in range(len(pixels)):
            assert (
                (found.picture[i] == found.picture[j]) == (pixels[i] == pixels[j]) == (found.scene[i] == found.scene[j])
            )
    assert len(found.pairs) == 0
    everything = np.ones(len(pixels), bool)
    groups = [sorted(i for i, one in enumerate(pixels) if one == letter) for letter in dict.fromkeys(pixels)]
    assert found.exact_groups(everything) == [group for group in groups if len(group) > 1]
    kept = firsts(found.picture, everything)
    assert [pixels[i] for i in np.flatnonzero(kept)] == list(dict.fromkeys(pixels))


@st.composite
def copies(draw):
    """Photos with pictures, near pairs of pictures, and the scenes that follow from them (by hand: a union of sets)."""
    picture = draw(st.lists(st.integers(0, 12), min_size=1, max_size=40))
    names = list(dict.fromkeys(picture))
    picture = np.array([names.index(one) for one in picture])
    last = len(names) - 1
    pairs = draw(st.lists(st.tuples(st.integers(0, last), st.integers(0, last)), max_size=20))
    pairs = sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]})
    scene = list(range(len(names)))
    for a, b in pairs:
        scene = [min(scene[a], scene[b]) if one in (scene[a], scene[b]) else one for one in scene]
    rows = np.array([(*pair, 5, 0) for pair in pairs], np.int64).reshape(-1, 4)
    held = np.array(draw(st.lists(st.booleans(), min_size=len(picture), max_size=len(picture))))
    return Duplicates(picture, rows, np.array(scene)[picture]), held


POLICIES = st.fixed_dictionaries(
    {name: st.sampled_from(["report", "drop"]) for name in ("exact_cross", "near_cross", "exact_train", "near_train")}
)


@given(copies(), POLICIES)
def test_what_is_dropped_is_train_and_what_stays_has_no_copy_where_the_policy_drops_them(drawn, policy):
    found, held = drawn
    dropped = to_drop(found, held, policy, ["a"] * len(held))
    assert not (dropped & held).any()
    train = ~held & ~dropped
    if policy["exact_cross"] == "drop":
        assert not set(found.picture[train]) & set(found.picture[held])
    if policy["near_cross"] == "drop":
        assert not set(found.scene[train]) & set(found.scene[held])
    for name, number in (("exact_train", found.picture), ("near_train", found.scene)):
        if policy[name] == "drop":
            assert max(Counter(number[train].tolist()).values(), default=1) == 1
    if set(policy.values()) == {"report"}:
        assert not dropped.any()
    # Nothing is lost without a reason: of a dropped photo another copy stays, in train or held out.
    for photo in np.flatnonzero(dropped):
        assert found.scene[photo] in set(found.scene[train | held])


@given(copies())
def test_the_nearest_copy_is_a_copy_and_on_the_other_side(drawn):
    found, held = drawn
    matches = found.nearest(held, ~held)
    linked = {(a, b) for a, b, *_ in found.pairs.tolist()}
    for one in matches:
        pair = tuple(sorted((int(found.picture[one.photo]), int(found.picture[one.copy]))))
        assert held[one.photo] and not held[one.copy]
        assert (pair[0] == pair[1]) == one.exact and (one.exact or pair in linked)
    # Whoever has a copy there is among them.
    for photo in np.flatnonzero(held):
        others = {int(one) for one in found.picture[~held]}
        own = int(found.picture[photo])
        has = own in others or any((min(own, one), max(own, one)) in linked for one in others)
        assert has == any(one.photo == photo for one in matches)


@st.composite
def recipes(draw):
    rate = draw(st.floats(1e-6, 1.0))
    return Recipe(
        lr=rate,
        lr_end=draw(st.floats(0, rate)),
        epochs=draw(st.integers(1, 12)),
        schedule=draw(st.sampled_from(sorted(SCHEDULES))),
        warmup_epochs=draw(st.sampled_from([0.0, 0.1, 1.0, 2.5, 20.0])),
        decay_rate=draw(st.floats(0.1, 1.0)),
        decay_epochs=draw(st.sampled_from([0.1, 1.0, 3.0])),
    )


@given(recipes(), st.integers(1, 30))
def test_rates_rise_to_the_highest_then_never_rise_again(recipe, steps):
    rates = learning_rates(recipe, steps)
    assert rates.shape == (recipe.epochs * steps,) and rates.dtype == np.float32
    assert np.isfinite(rates).all() and (rates >= 0).all() and rates.max() <= np.float32(recipe.lr) * (1 + 1e-6)
    warmup = min(round(recipe.warmup_epochs * steps), len(rates))
    assert (np.diff(rates[:warmup]) > 0).all()
    assert (np.diff(rates[warmup:]) <= 1e-7 * recipe.lr).all()
    if warmup > 0:
        assert rates[warmup - 1] == pytest.approx(recipe.lr, rel=1e-6)
    if warmup < len(rates):
        assert rates[warmup] == pytest.approx(recipe.lr, rel=1e-6)
    if recipe.schedule in ("cosine", "square", "linear"):
        assert (rates[warmup:] >= np.float32(recipe.lr_end) * (1 - 1e-6)).all()


@given(st.integers(2, 6), st.integers(1, 50), st.floats(0.05, 0.99), SEEDS)
def test_of_the_sure_photos_enough_are_correct_and_no_lower_threshold_does_it(classes, count, wanted, seed):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count)
    probabilities = random.dirichlet(np.ones(classes), count)
    correct, top = probabilities.argmax(1) == labels, np.ceil(probabilities.max(1) * 1e4) / 1e4
    threshold = reject_threshold(labels, probabilities, wanted)
    good = [one for one in set(top.tolist()) if correct[top >= one].mean() >= wanted]
    assert threshold == (min(good) if good else NEVER)
    inside = sure(top, threshold)
    assume(inside.any())
    assert correct[inside].mean() >= wanted and not math.isnan(threshold)
