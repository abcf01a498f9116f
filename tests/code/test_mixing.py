"""Mixed rows of heads: mixup and CutMix against plain NumPy, and no row of a fold in the head of that fold."""

import numpy as np
import pytest
from test_fit import RECIPE, problem, replace
from test_training import quick, toy

from sortline.config.training import TrainHeadParams
from sortline.training import heads
from sortline.training.head_graph import HeadNet
from sortline.training.heads import train_by_steps
from sortline.training.mixing import Mixing, boxes
from sortline.training.results import TrainingSet
from sortline.training.targets import smooth_targets

pytestmark = pytest.mark.usefixtures("graph_mode")
WAYS = {"mixup": Mixing(mixup=0.8), "cutmix": Mixing(cutmix=0.8)}


def drawn_rows(kind):
    """Return rows, targets that say of which rows an example is, and masks of three models."""
    random = np.random.default_rng(3)
    rows = random.normal(size=(4, 10, 9, 5) if kind == "cutmix" else (4, 10, 5)).astype(np.float32)
    return rows, np.tile(np.eye(10, dtype=np.float32), (4, 1, 1)), random.random((4, 10, 3)) < 0.7


@pytest.mark.parametrize("kind", WAYS)
def test_a_mixed_row_is_of_two_as_its_targets_say_and_teaches_whom_both_may(kind):
    rows, targets, masks = drawn_rows(kind)
    found, shares, inside = WAYS[kind](rows, targets, masks, np.random.default_rng(1))
    assert shares.sum(-1) == pytest.approx(np.ones((4, 10)), abs=1e-6) and found.dtype == shares.dtype == np.float32
    assert not np.allclose(shares, targets) and inside.sum() < masks.sum()
    for step in range(4):
        for row in range(10):
            part = shares[step, row]
            (others,) = np.nonzero(part)
            assert row in others or part[row] == 0  # a box may be the whole map
            made_of = {row, *others}
            assert len(made_of) <= 2
            # Seen from the targets alone where a share is 1, a partner of no share does not show.
            if part.max() < 1:
                assert np.array_equal(inside[step, row], masks[step, sorted(made_of)].all(0))
            if kind == "mixup":
                assert found[step, row] == pytest.approx(part @ rows[step], abs=1e-5)
            else:
                own = (found[step, row] == rows[step, row]).all(1)
                assert part[row] == 1 or own.mean() == pytest.approx(part[row], abs=1e-6)
                other = [one for one in others if one != row]
                assert all((found[step, row][~own] == rows[step, one][~own]).all() for one in other)


def test_a_box_is_a_rectangle_of_the_share_unless_the_edge_cuts_it_off():
    shares = np.tile(np.array([0.0, 0.25, 0.75, 1.0], np.float32), 50)
    found = boxes(shares, 8, np.random.default_rng(0)).reshape(-1, 8, 8)
    for one in found:
        rows, columns = one.any(1), one.any(0)
        assert np.array_equal(one, np.outer(rows, columns))
        for line in (rows, columns):
            assert np.abs(np.diff(np.r_[0, line, 0].astype(int))).sum() in (0, 2)  # in one piece
    for share, side in ((0.0, 8), (0.25, 7), (0.75, 4), (1.0, 0)):  # sqrt(0.75) of 8 is 6.9
        sides = [(one.any(1).sum(), one.any(0).sum()) for one, own in zip(found, shares, strict=True) if own == share]
        assert np.max(sides) == side
    assert 0.05 < found[shares == 0.75].mean() < 0.25
    assert found[shares == 0.75].any(0).all()  # wherever on the map


@pytest.mark.parametrize("kind", WAYS)
@pytest.mark.parametrize("pooling", ["mean", "attention"])
def test_what_is_held_out_from_a_model_does_not_move_it(kind, pooling):
    """Other features and labels in the rows of fold 0: the model that may not see these is the same to the last bit."""
    if kind == "cutmix" and pooling == "mean":
        pytest.skip("of maps alone")
    features, labels, masks, classes = problem()
    if pooling == "attention":
        features = np.stack([features, *(np.roll(features, k, 1) for k in (1, 2, 3))], 1)
    net, recipe = HeadNet(7, classes, pooling), replace(RECIPE, epochs=3, batch_size=16)
    out, ends = ~masks[:, 0], []
    assert 0 < out.sum() < len(out) and masks.shape[1] > 1 and masks[out].any(0).any()
    for change in (False, True):
        shown, told = features.copy(), labels.copy()
        if change:
            shown[out], told[out] = 3 - 5 * shown[out], (told[out] + 1) % classes
        *_, last = heads.epochs(shown, smooth_targets(told, classes, 0.1), masks, net, recipe, mixing=WAYS[kind])
        ends.append([net.head(last.parameters, model).weight for model in range(masks.shape[1])])
    assert np.array_equal(ends[0][0], ends[1][0])
    assert any(not np.allclose(one, other) for one, other in zip(*ends, strict=True))


def test_mixing_that_goes_on_draws_what_it_would_have_drawn():
    features, labels, masks, classes = problem()
    net, taken = HeadNet(7, classes), []
    for first in (1, 3):
        batches = heads._Batches(net.rows(features), smooth_targets(labels, classes, 0.1), masks, net,
                                 replace(RECIPE, batch_size=16), 0.3, WAYS["mixup"])  # fmt: skip
        for number in range(first, 4):
            generator = batches.generator(number)
            rows = heads.loop.order(batches.count, 16, generator)
            arrays = batches.take(rows, np.ones(rows.shape, bool), generator)
        taken.append(arrays)
    assert len(taken[0]) == 4 and all(np.array_equal(one, other) for one, other in zip(*taken, strict=True))


def test_mixup_changes_the_head_keeps_it_reproducible_and_good():
    data = toy(noise=0.5)
    plain, one, again = (train_by_steps(data, quick(mixup=mixup, epochs=15)) for mixup in (0.0, 0.4, 0.4))
    assert np.array_equal(one.heads["last"].weight, again.heads["last"].weight)
    assert not np.allclose(one.heads["last"].weight, plain.heads["last"].weight, atol=1e-3)
    assert one.curve[-1]["oof_accuracy"] > 0.95
    # A head that learns of mixes is less sure.
    assert one.out_of_fold.max(1).mean() < plain.out_of_fold.max(1).mean()


def test_cutmix_trains_attention_on_maps():
    random = np.random.default_rng(0)
    labels = np.arange(120) % 3
    maps = random.normal(size=(120, 2, 6, 3, 3)) + 2 * np.eye(3, 6)[labels][:, None, :, None, None]
    data = TrainingSet(maps.astype(np.float16), labels, np.arange(120) // 3 % 4, 3, np.arange(120))
    trained = train_by_steps(data, quick(pooling="attention", cutmix=1.0, epochs=15))
    assert trained.curve[-1]["oof_accuracy"] > 0.95
    plain = train_by_steps(data, quick(pooling="attention", epochs=15))
    assert not np.allclose(trained.heads["last"].weight, plain.heads["last"].weight, atol=1e-3)


@pytest.mark.parametrize("mistake", [{"cutmix": 1.0}, {"cutmix": 1.0, "pooling": "attention", "mixup": 0.2}])
def test_cutmix_without_maps_or_with_mixup_is_refused(mistake):
    with pytest.raises(
        ValueError, match="cutmix mixes positions of maps: it goes with pooling: attention or cbam, and mixup: 0"
    ):
        TrainHeadParams(**mistake)
