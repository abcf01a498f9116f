"""Exact copies by pixels, near ones by geometry, scenes of both; what is asked of them."""

import numpy as np
import pytest
from pictures import drawn
from PIL import ImageOps

from sortline.data import duplicates
from sortline.data.copies import KINDS, sketch
from sortline.data.duplicates import Duplicates, Match, find_duplicates, firsts


def chain() -> Duplicates:
    """Photos 0 1 2 3 4 5: pictures A B A C D E; A-B are near and B-C nearer, A-C not; D, E apart."""
    pairs = np.array([[1, 2, 3, 1], [0, 1, 20, 6]])
    return Duplicates(np.array([0, 1, 0, 2, 3, 4]), pairs, np.array([0, 0, 0, 0, 1, 2]))


def mask(*photos: int) -> np.ndarray:
    return np.isin(np.arange(6), photos)


def test_scenes_link_exact_and_near_copies_through_others(monkeypatch):
    monkeypatch.setattr(duplicates, "find_copies", lambda sketches: chain().pairs)
    found = find_duplicates(list("ABACDE"), lambda photo: photo)
    for name in ("picture", "pairs", "scene"):
        assert np.array_equal(getattr(found, name), getattr(chain(), name)), name


def test_only_the_first_of_exact_copies_is_looked_at(monkeypatch):
    seen = []
    monkeypatch.setattr(duplicates, "find_copies", lambda sketches: seen.extend(sketches) or np.empty((0, 4), int))
    find_duplicates(list("ABACDE"), lambda photo: photo)
    assert seen == [0, 1, 3, 4, 5]


def test_copies_of_pictures_are_found():
    one, other = drawn(0), drawn(1)
    images = [one, other, ImageOps.mirror(one), other.rotate(90, expand=True).resize((60, 80)), one]
    found = find_duplicates(["a", "b", "c", "d", "a"], [sketch(image) for image in images].__getitem__)
    assert found.picture.tolist() == [0, 1, 2, 3, 0]
    assert found.scene.tolist() == [0, 1, 0, 1, 0]
    assert sorted(found.pairs[:, :2].tolist()) == [[0, 2], [1, 3]]
    assert found.kinds() == {"pairs": 2, "mirrored": 1, "turned": 1, "cropped": 0, "recoloured": 0, "as_it_is": 0}


@pytest.mark.parametrize("pixels", ["", "A", "AA", "ABAB", "ABC"])
def test_exact_copies_alone(pixels):
    found = find_duplicates(list(pixels))
    assert found.pairs.shape == (0, 4)
    assert found.picture.tolist() == found.scene.tolist() == ["ABC".index(one) for one in pixels]


def test_groups_inside_a_mask():
    found = chain()
    assert found.exact_groups(mask(0, 1, 2, 3, 4, 5)) == [[0, 2]]
    assert found.exact_groups(mask(1, 2, 3)) == []
    assert found.near_groups(mask(0, 1, 2, 3, 4, 5)) == [[0, 1, 2, 3]]
    # Without B they still show one scene. Two copies of A are exact, and no near group.
    assert found.near_groups(mask(0, 2, 3, 4, 5)) == [[0, 2, 3]]
    assert found.near_groups(mask(0, 2, 4, 5)) == []


def test_nearest_prefers_exact_copies_then_the_closest():
    found = chain()
    assert found.nearest(mask(2), mask(0, 1)) == [Match(2, 0, 0, True)]
    assert found.nearest(mask(0, 2, 3, 4), mask(1, 5)) == [
        Match(0, 1, 20, False, 6),
        Match(2, 1, 20, False, 6),
        Match(3, 1, 3, False, 1),
    ]
    assert found.nearest(mask(1), mask(0, 3)) == [Match(1, 3, 3, False, 1)]
    assert found.nearest(mask(4), mask(0, 1, 2, 3, 5)) == []


def test_near_matches_inside_a_mask():
    found = chain()
    assert found.near_matches(mask(1, 2, 3)) == [Match(1, 3, 3, False, 1), Match(2, 1, 20, False, 6)]
    assert found.near_matches(mask(1, 2, 3), limit=1) == [Match(1, 3, 3, False, 1)]
    assert found.near_matches(mask(0, 2, 3)) == []


def test_firsts_of_pictures_and_of_scenes():
    found = chain()
    assert np.flatnonzero(firsts(found.picture, mask(0, 1, 2, 3, 4, 5))).tolist() == [0, 1, 3, 4, 5]
    assert np.flatnonzero(firsts(found.scene, mask(1, 2, 3, 5))).tolist() == [1, 5]
    assert not firsts(found.scene, mask()).any()


def test_nearest_agrees_with_comparing_one_by_one():
    random = np.random.default_rng(2)
    distance = np.triu(random.integers(1, 101, (60, 60)), 1)
    rows = np.argwhere((distance > 0) & (distance <= 7))
    pairs = np.column_stack([rows, distance[tuple(rows.T)], random.integers(0, 16, len(rows))])
    found = Duplicates(np.arange(60), pairs[np.argsort(pairs[:, 2], kind="stable")], np.zeros(60, int))
    val = random.random(60) < 0.3
    both = distance + distance.T
    both[(both == 0) | (both > 7)] = 1000
    closest = both[:, ~val].min(1)
    expected = {photo: closest[photo] for photo in np.flatnonzero(val & (closest < 1000)).tolist()}
    assert expected
    assert {match.photo: match.distance for match in found.nearest(val, ~val)} == expected


def test_how_names_what_differs():
    assert Match(0, 1, 0, True).how == "exact copy"
    assert Match(0, 1, 3, False).how == "as it is"
    assert [Match(0, 1, 3, False, 1 << bit).how for bit in range(4)] == list(KINDS)
    assert Match(0, 1, 3, False, 5).how == "mirrored, cropped"


def test_kinds_are_counted_each_where_there_are_several():
    assert chain().kinds() == {"pairs": 2, "mirrored": 1, "turned": 1, "cropped": 1, "recoloured": 0, "as_it_is": 0}
