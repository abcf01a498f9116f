"""Features that are made up: of each model's own photos alone, as many as are asked for, like those of their class."""

import numpy as np
import pytest
from pydantic import ValidationError

from sortline._core.errors import UserError
from sortline.config.training import TrainHeadParams
from sortline.training import generated
from sortline.training.heads import train_by_steps
from sortline.training.results import TrainingSet

pytestmark = pytest.mark.usefixtures("graph_mode")

WAYS = ("copies", "noise", "vae", "gan")
COUNTS = (40, 30, 6)
CENTRES = np.array([[4, 0, 0, 1], [0, 4, 0, 1], [0, 0, 4, 1]], np.float32)


def params(by, count=5, **changes):
    return TrainHeadParams(generated={"by": by, "count": count}, batch_size=64, epochs=4, **changes)


@pytest.fixture(scope="module")
def few_steps():
    """A few steps show as well as many what a model is made of."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generated, "STEPS", {"vae": 5, "gan": 5})
        yield


@pytest.fixture
def photos():
    """Return features (rows, 4) of two views a photo, the photo of each row, masks of two models, labels."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), COUNTS)
    spread = np.array([0.1, 0.2, 0.4], np.float32)[labels, None]
    features = CENTRES[labels] + spread * random.standard_normal((len(labels), 4), np.float32)
    masks = np.ones((len(labels), 2), bool)
    masks[::3, 0] = False
    return np.repeat(features, 2, 0), np.repeat(np.arange(len(labels)), 2), masks, labels


def test_by_default_nothing_is_added(photos):
    features, photo, masks, labels = photos
    given = TrainHeadParams()
    rows, photos_of, seen, after = generated.with_generated(features, photo, masks, labels, given)
    assert rows is features and photos_of is photo and after is given
    assert np.array_equal(seen, masks[photo])


@pytest.mark.parametrize("by", WAYS)
def test_each_model_has_its_own_and_as_many_of_each_class_as_asked_for(by, photos, few_steps):
    features, photo, masks, labels = photos
    rows, photos_of, seen, after = generated.with_generated(features, photo, masks, labels, params(by))
    more = len(rows) - len(features)
    assert more == 2 * 3 * 5 == len(photos_of) - len(photo)
    assert np.array_equal(rows[:-more], features) and np.array_equal(seen[:-more], masks[photo])
    assert (seen[-more:].sum(1) == 1).all()
    for model in range(2):
        assert np.bincount(labels[photos_of[-more:][seen[-more:, model]]]).tolist() == [5, 5, 5]
    assert after.batch_size == round(64 * len(rows) / len(features))


@pytest.mark.parametrize("by", WAYS)
def test_what_a_model_may_not_see_alters_nothing_that_is_made_for_it(by, photos, few_steps):
    features, photo, masks, labels = photos
    other = features.copy()
    other[~masks[photo, 0]] += 3
    made = []
    for given in (features, other):
        rows, _, seen, _ = generated.with_generated(given, photo, masks, labels, params(by))
        made.append([rows[len(features) :][seen[len(features) :, model]] for model in range(2)])
    assert made[1][0] == pytest.approx(made[0][0], abs=1e-5)
    assert np.abs(made[1][1] - made[0][1]).max() > 0.1


def test_even_fills_every_class_up_to_the_largest(photos):
    features, photo, masks, labels = photos
    _, photos_of, seen, _ = generated.with_generated(features, photo, masks, labels, params("noise", "even"))
    for model in range(2):
        counts = np.bincount(labels[photos_of[seen[:, model]]])
        assert counts.tolist() == [2 * masks[labels == 0, model].sum()] * 3


@pytest.mark.parametrize("by", ["copies", "noise"])
def test_even_adds_nothing_where_the_classes_are_even(by, photos):
    features, photo, masks, labels = photos
    masks[:] = np.concatenate([np.arange(count) < 6 for count in COUNTS])[:, None]
    rows, _, seen, after = generated.with_generated(features, photo, masks, labels, params(by, "even"))
    assert np.array_equal(rows, features) and np.array_equal(seen, masks[photo]) and after.batch_size == 64


def test_noise_has_each_class_s_own_mean_and_spread(photos):
    features, photo, masks, labels = photos
    rows, photos_of, seen, _ = generated.with_generated(features, photo, masks, labels, params("noise", 4000))
    made = np.arange(len(rows)) >= len(features)
    for kind in range(2):
        own = features[masks[photo, 0] & (labels[photo] == kind)].astype(float)
        drawn = rows[made & seen[:, 0] & (labels[photos_of] == kind)]
        inside = np.abs(own - own.mean(0)).max() < 4 * own.std(0).max()
        assert inside and drawn.mean(0) == pytest.approx(own.mean(0), abs=0.03)
        assert drawn.std(0) == pytest.approx(own.std(0), rel=0.1)


def test_copies_are_rows_of_their_class(photos):
    features, photo, masks, labels = photos
    rows, photos_of, seen, _ = generated.with_generated(features, photo, masks, labels, params("copies", 20))
    for row, of, mask in zip(*(one[len(features) :] for one in (rows, photos_of, seen)), strict=True):
        same = (features == row).all(1) & masks[photo, mask.argmax()]
        assert labels[photo[same]].tolist() and set(labels[photo[same]]) == {labels[of]}


@pytest.mark.parametrize("by", ["vae", "gan"])
def test_what_a_net_has_made_lies_among_its_class(by, photos):
    features, photo, masks, labels = photos
    rows, photos_of, _, _ = generated.with_generated(features, photo, masks, labels, params(by, 200))
    made, kinds = rows[len(features) :], labels[photos_of[len(features) :]]
    nearest = ((made[:, None] - CENTRES) ** 2).sum(2).argmin(1)
    assert (nearest == kinds).mean() > 0.95
    for kind in range(3):
        assert made[kinds == kind].std(0).max() > 0.03  # not one and the same
    again = generated.with_generated(features, photo, masks, labels, params(by, 200))[0]
    assert np.array_equal(rows, again)


def test_the_space_keeps_what_varies_most_within_classes(photos):
    features, photo, _, labels = photos
    found = generated.space(features, labels[photo], 4, 3)
    apart = features - found.means[labels[photo]]
    wanted = np.linalg.svd(apart.astype(float))[2][:3]
    assert np.abs(wanted @ found.axes).max(1) == pytest.approx([1, 1, 1], abs=1e-3)
    assert found.means[3] == pytest.approx(features.mean(0), abs=1e-4)  # a class without photos
    there = found.features(found.coordinates(features, labels[photo]), labels[photo])
    assert there == pytest.approx(found.means[labels[photo]] + apart @ wanted.T @ wanted, abs=1e-3)


@pytest.mark.parametrize("by", WAYS)
def test_heads_learn_from_them_and_the_same_each_time(by, photos, few_steps):
    features, photo, _, labels = photos
    pooled = features.reshape(len(labels), 2, 1, 4).repeat(2, 2)
    data = TrainingSet(pooled, labels, np.arange(len(labels)) % 3, 3, np.arange(len(labels)))
    found, again, plain = (train_by_steps(data, params(one)) for one in (by, by, "none"))
    assert np.array_equal(found.out_of_fold, again.out_of_fold)
    assert np.abs(found.out_of_fold - plain.out_of_fold).max() > 1e-4
    assert (found.out_of_fold.argmax(1) == labels).mean() > 0.9


@pytest.mark.parametrize("changes", [{"optimizer": "lbfgs"}, {"pooling": "attention"}])
def test_heads_that_cannot_learn_from_them_are_refused(changes):
    with pytest.raises(ValidationError, match="set by: none"):
        params("noise", **changes)


@pytest.mark.parametrize("by", ["noise", "vae", "gan"])
def test_of_photos_that_are_all_alike_nothing_can_be_made(by, photos):
    features, photo, masks, labels = photos
    alike = np.eye(len(COUNTS), features.shape[1], dtype=np.float32)[labels[photo]]
    with pytest.raises(UserError, match="all alike.*set by to none"):
        generated.with_generated(alike, photo, masks, labels, params(by))
