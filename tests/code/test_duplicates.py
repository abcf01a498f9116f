"""Copies: exact ones by pixels, near ones by hash; the fast search agrees with the slow one."""

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from sortline._core.errors import UserError
from sortline.config.prepare import DuplicateParams
from sortline.data import duplicates
from sortline.data.duplicates import find_duplicates, hamming_pairs, perceptual_hash

DEFAULTS = DuplicateParams()


def picture(seed: int, width: int = 200, height: int = 150) -> Image.Image:
    """A smooth random picture; different seeds share nothing."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def recoded(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


def slow_pairs(bits: np.ndarray, threshold: int) -> list[tuple[int, int, int]]:
    pairs = []
    for a in range(len(bits)):
        for b in range(a + 1, len(bits)):
            distance = sum(x != y for x, y in zip(bits[a], bits[b], strict=True))
            if distance <= threshold:
                pairs.append((a, b, distance))
    return sorted(pairs, key=lambda pair: (pair[2], pair[0], pair[1]))


@pytest.mark.parametrize(
    ("count", "width", "threshold"), [(60, 64, 26), (41, 16, 5), (30, 81, 0), (1, 64, 10), (2, 8, 8)]
)
@pytest.mark.parametrize("block", [1, 7, 512])
def test_hamming_pairs_agree_with_comparing_one_by_one(count, width, threshold, block):
    bits = np.random.default_rng(count).random((count, width)) < 0.5
    bits[count // 2] = bits[0]
    expected = slow_pairs(bits, threshold)
    assert [tuple(row) for row in hamming_pairs(bits, threshold, block).tolist()] == expected
    assert count < 30 or expected


def test_hamming_pairs_of_nothing():
    assert hamming_pairs(np.zeros((0, 64), dtype=bool), 5).shape == (0, 3)


def test_too_many_pairs_are_one_clear_line(monkeypatch):
    monkeypatch.setattr(duplicates, "MAX_PAIRS", 100)
    with pytest.raises(UserError, match="more than 100 pairs.*threshold"):
        hamming_pairs(np.zeros((50, 64), dtype=bool), 3)


def distance(a: Image.Image, b: Image.Image, name: str = DEFAULTS.hash, size: int = DEFAULTS.hash_size) -> int:
    return int((perceptual_hash(a, name, size) != perceptual_hash(b, name, size)).sum())


@pytest.mark.parametrize("seed", range(5))
def test_resized_recoded_and_lit_copies_are_near_and_other_pictures_are_not(seed):
    image = picture(seed)
    copies = [
        image.resize((100, 75)),
        image.resize((224, 224)),
        recoded(image, 40),
        recoded(image.resize((320, 240)), 70),
        ImageEnhance.Brightness(image).enhance(1.15),
        image.crop((2, 2, 198, 148)),
    ]
    assert max(distance(image, copy) for copy in copies) <= DEFAULTS.threshold
    assert min(distance(image, picture(other)) for other in range(5, 30)) > DEFAULTS.threshold


@pytest.mark.parametrize("name", ["phash", "dhash"])
def test_both_hashes_have_size_squared_bits(name):
    bits = perceptual_hash(picture(0), name, 12)
    assert bits.dtype == bool
    assert bits.shape == (144,)
    assert distance(picture(0), recoded(picture(0), 60), name, 12) < distance(picture(0), picture(1), name, 12)


def chain() -> duplicates.Duplicates:
    """Photos 0 1 2 3 4 5: pictures A B A C D E; A-B differ in 2 bits, B-C in 2, A-C in 4; D, E apart."""
    a = np.zeros(64, dtype=bool)
    b, c, d, e = a.copy(), a.copy(), ~a, a.copy()
    b[:2] = True
    c[:4] = True
    e[:32] = True
    return find_duplicates(list("ABACDE"), np.array([a, b, a, c, d, e]), 2)


def mask(*photos: int) -> np.ndarray:
    return np.isin(np.arange(6), photos)


def test_groups_link_exact_and_near_copies_through_others():
    found = chain()
    assert found.picture.tolist() == [0, 1, 0, 2, 3, 4]
    assert found.pairs.tolist() == [[0, 1, 2], [1, 2, 2]]
    assert found.group.tolist() == [0, 0, 0, 0, 1, 2]


def test_groups_inside_a_mask():
    found = chain()
    assert found.exact_groups(mask(0, 1, 2, 3, 4, 5)) == [[0, 2]]
    assert found.exact_groups(mask(1, 2, 3)) == []
    assert found.near_groups(mask(0, 1, 2, 3, 4, 5)) == [[0, 1, 2, 3]]
    # Without B nothing near is left: A and C are linked through it alone, and two copies of A are exact.
    assert found.near_groups(mask(0, 2, 3, 4, 5)) == []


def test_nearest_prefers_exact_copies_then_the_closest():
    found = chain()
    assert found.nearest(mask(2), mask(0, 1)) == [duplicates.Match(2, 0, 0, True)]
    assert found.nearest(mask(0, 2, 3, 4), mask(1, 5)) == [
        duplicates.Match(0, 1, 2, False),
        duplicates.Match(2, 1, 2, False),
        duplicates.Match(3, 1, 2, False),
    ]
    assert found.nearest(mask(4), mask(0, 1, 2, 3, 5)) == []


def test_near_matches_and_masks():
    found = chain()
    assert found.near_matches(mask(1, 2, 3)) == [duplicates.Match(2, 1, 2, False), duplicates.Match(1, 3, 2, False)]
    assert found.near_matches(mask(1, 2, 3), limit=1) == [duplicates.Match(2, 1, 2, False)]
    assert found.near_other(mask(1)).tolist() == [True, False, True, True, False, False]
    # A stays, B is near A and goes, C is near B alone and stays; the second A is an exact copy, not a near one.
    assert found.near_repeats(mask(0, 1, 2, 3, 4, 5)).tolist() == [False, True, False, False, False, False]
    assert found.near_repeats(mask(1, 2, 3)).tolist() == [False, False, True, True, False, False]


def test_nearest_agrees_with_comparing_one_by_one():
    rng = np.random.default_rng(2)
    bits = rng.random((60, 24)) < 0.5
    found = find_duplicates([str(i) for i in range(60)], bits, 7)
    val = rng.random(60) < 0.3
    expected = {}
    for photo in np.flatnonzero(val):
        distances = (bits[photo] != bits[~val]).sum(axis=1)
        if distances.min() <= 7:
            expected[int(photo)] = int(distances.min())
    assert expected
    assert {match.photo: match.distance for match in found.nearest(val, ~val)} == expected
