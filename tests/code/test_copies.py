"""Copies of one picture are found whatever was done to it, and told in what they differ; like things are no copies."""

import io
from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
import pytest
from pictures import drawn, lettered, plain
from PIL import Image, ImageEnhance, ImageFilter, ImageOps
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sortline._core import cores
from sortline.data.copies import KINDS, Sketch, candidates, find_copies, sketch
from sortline.data.copies.sketch import HASH, MIRRORED, comparable

OTHERS = [sketch(drawn(seed)) for seed in range(100, 106)]


@cache
def another(number: int) -> tuple[Image.Image, Sketch]:
    """One of many small pictures, with its sketch."""
    image = drawn(1000 + number, 160, 120, 40)
    return image, sketch(image)


def found(*images: Image.Image) -> list[tuple[int, int, set[str]]]:
    """Return the pairs among the images and OTHERS behind them: a, b, in what they differ."""
    pairs = find_copies([*map(sketch, images), *OTHERS])
    assert pairs.dtype == np.int64
    assert ((pairs[:, 2] >= 0) & (pairs[:, 2] <= 100)).all()
    return [(a, b, {name for bit, name in enumerate(KINDS) if kind >> bit & 1}) for a, b, _, kind in pairs.tolist()]


def middle(image: Image.Image, share: float) -> Image.Image:
    """Cut out the middle, so that `share` of the area stays."""
    left, top = (round(side * (1 - share**0.5) / 2) for side in image.size)
    return image.crop((left, top, image.width - left, image.height - top))


def turned(image: Image.Image, degrees: float) -> Image.Image:
    return image.rotate(degrees, Image.Resampling.BICUBIC, expand=True)


def recoded(image: Image.Image, quality: int) -> Image.Image:
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=quality)
    return Image.open(stream).convert("RGB")


MADE: dict[str, tuple[Callable[[Image.Image], Image.Image], set[str]]] = {
    "as it is": (lambda image: image, set()),
    "mirrored": (ImageOps.mirror, {"mirrored"}),
    "upside down": (ImageOps.flip, {"mirrored", "turned"}),
    "on its side": (lambda image: image.transpose(Image.Transpose.ROTATE_90), {"turned"}),
    "by its diagonal": (lambda image: image.transpose(Image.Transpose.TRANSPOSE), {"mirrored", "turned"}),
    # Black corners are no part of the picture: less than all is in common.
    **{
        f"turned by {angle}": (lambda image, angle=angle: turned(image, angle), {"turned", "cropped"})
        for angle in (10, 33, 58, 145, 200, 301)
    },
    "half of it": (lambda image: middle(image, 0.5), {"cropped"}),
    "a quarter of it": (lambda image: middle(image, 0.25), {"cropped"}),
    "a corner": (lambda image: image.crop((160, 120, 320, 240)), {"cropped"}),
    "larger": (lambda image: image.resize((900, 675), Image.Resampling.BICUBIC), set()),
    "a third as large": (lambda image: image.resize((107, 80), Image.Resampling.BOX), set()),
    "squashed": (lambda image: image.resize((320, 160), Image.Resampling.BOX), set()),
    "JPEG": (lambda image: recoded(image, 20), set()),
    "blurred": (lambda image: image.filter(ImageFilter.GaussianBlur(1.5)), {"recoloured"}),
    "grey": (lambda image: image.convert("L").convert("RGB"), set()),
    "darker": (lambda image: ImageEnhance.Brightness(image).enhance(0.5), {"recoloured"}),
    "paler": (lambda image: ImageEnhance.Contrast(image).enhance(0.5), {"recoloured"}),
    "lettered": (lambda image: lettered(image, "SPECIAL OFFER", [(20, 30), (20, 110), (20, 190)]), set()),
    "mirrored, turned, half of it": (
        lambda image: middle(turned(ImageOps.mirror(image), 20), 0.3), {"mirrored", "turned", "cropped"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", MADE)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_copy_is_found_and_its_kind_is_named(how, seed):
    make, kind = MADE[how]
    image = drawn(seed)
    ((a, b, named),) = found(image, make(image))
    assert (a, b) == (0, 1)
    # Blurring takes away contrast, which looks like another exposure.
    assert named - {"recoloured"} == kind - {"recoloured"}
    if how != "blurred" and "turned" not in kind:
        assert named == kind


@pytest.mark.xdist_group("copies")  # one worker draws the many
@pytest.mark.parametrize("count", [0, 1, 5, 30, 210])
def test_a_pair_is_found_among_few_as_among_many(count):
    image = drawn(0)
    others = [another(number)[1] for number in range(count)]
    pairs = find_copies([sketch(image), *others, sketch(middle(turned(image, 25), 0.4))])
    assert pairs[:, :2].tolist() == [[0, count + 1]]


def test_all_copies_of_one_picture_are_linked():
    image = drawn(2)
    made = [make(image) for make, _ in MADE.values()]
    pairs = np.array([pair[:2] for pair in found(image, *made)])
    count = 1 + len(made)
    graph = coo_array((np.ones(len(pairs)), pairs.T), shape=(count, count))  # refuses any of OTHERS
    # Not each to each: a photo is compared with a few that are most like it.
    assert connected_components(graph, directed=False)[0] == 1


def test_a_copy_of_a_copy_is_no_copy_of_another_picture():
    first, second = drawn(0), drawn(1)
    assert [pair[:2] for pair in found(first, second, ImageOps.mirror(first), turned(second, 90))] in (
        [(0, 2), (1, 3)], [(1, 3), (0, 2)],
    )  # fmt: skip


def arranged(seed: int) -> Image.Image:
    """Lay the same twelve things on another ground, each at another place and turned by another angle."""
    random = np.random.default_rng(seed)
    image = drawn(seed, 360, 270).filter(ImageFilter.GaussianBlur(3))
    for place, thing in enumerate(random.permutation(12).tolist()):
        ((column, row), angle) = (place % 4, place // 4), random.uniform(0, 360)
        thing = drawn(50 + thing, 160, 160, 60).rotate(angle, Image.Resampling.BICUBIC).crop((40, 40, 120, 120))
        image.paste(thing, (5 + column * 90, 5 + row * 90))
    return image


@pytest.mark.parametrize("seeds", [(60, 61), (62, 63), (64, 65)])
def test_the_same_things_arranged_otherwise_are_no_copy(seeds):
    assert found(*map(arranged, seeds)) == []


def noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (150, 200, 3), dtype=np.uint8))


def gradient(a: int, b: int) -> Image.Image:
    ramp = np.linspace(a, b, 200).astype(np.uint8)
    return Image.fromarray(np.broadcast_to(ramp[None, :, None], (150, 200, 3)).copy())


@pytest.mark.parametrize(
    "pair",
    [
        (drawn(0), drawn(1)),
        (plain(90), plain(200)),
        (plain(0), drawn(0)),
        (noise(0), noise(1)),
        (gradient(0, 255), gradient(30, 200)),
        (plain(10, (1, 1)), plain(200, (1, 1))),
        (plain(10, (1, 1)), drawn(0)),
        (plain(10, (2000, 1)), plain(10, (1, 2000))),
    ],
    ids=["pictures", "plain", "plain and picture", "noise", "gradients", "a pixel", "a pixel and picture", "lines"],
)
def test_what_is_no_copy_is_not_linked(pair):
    assert found(*pair) == []


@pytest.mark.parametrize("places", [[(60, 205)], [(10, 10)], [(20, 90), (20, 125)]], ids=["foot", "top", "two lines"])
def test_a_watermark_that_two_pictures_share_makes_them_no_copies(places):
    marked = [lettered(drawn(seed), "www.photos-for-all.example", places, 20) for seed in (3, 4, 5)]
    assert found(*marked) == []


def test_a_line_of_text_on_plain_ground_is_no_picture():
    assert found(*(lettered(plain(shade), "www.photos-for-all.example", [(5, 60)], 14) for shade in (120, 160))) in (
        [], [(0, 1, set())],  # all that there is to see is the same
    )  # fmt: skip


def test_nothing_and_one_photo_have_no_pairs():
    assert find_copies([]).shape == (0, 4)
    assert find_copies([sketch(drawn(0))]).shape == (0, 4)
    assert find_copies([sketch(plain(5))] * 3).shape == (0, 4)  # exact copies are found by their pixels


def test_mirrored_features_are_those_of_the_mirrored_picture():
    gray = np.asarray(drawn(0).convert("L"))
    flipped = np.ascontiguousarray(gray[:, ::-1])
    detector = cv2.SIFT.create()
    points = [point for point in detector.detect(gray, None) if point.octave & 255 < 3][:100]
    # The same points in the mirrored picture: directions run the other way round.
    mirrored = [
        cv2.KeyPoint(gray.shape[1] - 1 - p.pt[0], p.pt[1], p.size, (180 - p.angle) % 360, p.response, p.octave)
        for p in points
    ]
    _, own = detector.compute(gray, points)
    _, expected = detector.compute(flipped, mirrored)
    cosine = (comparable(own[:, MIRRORED]) * comparable(expected)).sum(1)
    assert np.median(cosine) > 0.99
    assert np.median((comparable(own) * comparable(expected)).sum(1)) < 0.9


def by_symmetry(grid: np.ndarray, mirrored: bool, quarters: int) -> np.ndarray:
    """Return the hash of the picture mirrored, then turned to the left: the slow way, by the picture itself."""
    image = Image.fromarray(grid)
    image = ImageOps.mirror(image) if mirrored else image
    return sketch(image.rotate(90 * quarters, expand=True)).bits


@pytest.mark.parametrize("mirrored", [False, True])
def test_the_hashes_of_eight_symmetries_are_those_of_the_turned_pictures(mirrored, monkeypatch):
    """Each turned picture's hash must come up as a query: all bits but a few are those asked for."""
    gray = np.asarray(drawn(0, 256, 256).convert("L"))
    bits = np.stack([sketch(Image.fromarray(gray)).bits])
    asked = []

    class Index:
        def __init__(self, *_) -> None:
            pass

        def train(self, _) -> None:
            pass

        def add(self, _) -> None:
            pass

        def search(self, query, count):
            asked.append(np.unpackbits(query, axis=1)[0].astype(bool))
            return np.full((1, count), 256), np.full((1, count), -1)

    monkeypatch.setattr(candidates.faiss, "index_binary_factory", lambda *_: Index())
    list(candidates._alike(bits, mirrored))
    assert len(asked) == 4
    # Each of the four turned pictures is asked for once.
    differ = np.array([[(by_symmetry(gray, mirrored, q) != one).sum() for one in asked] for q in range(4)])
    assert sorted(differ.argmin(1)) == [0, 1, 2, 3]
    assert differ.min(1).max() <= HASH


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and np.array_equal(a, b)


def test_the_result_is_the_same_twice_and_on_any_number_of_cores(monkeypatch):
    sketches = [sketch(make(drawn(0))) for make, _ in list(MADE.values())[::2]] + OTHERS
    first = find_copies(sketches)
    assert len(first) > 20
    assert same(first, find_copies(sketches))
    for number in (1, 2, 5):
        monkeypatch.setattr(cores, "cores", lambda n=number: n)
        assert same(first, find_copies(sketches))


def test_pairs_are_sorted_and_each_is_there_once():
    sketches = [sketch(make(drawn(0))) for make, _ in MADE.values()]
    pairs = find_copies(sketches)
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert len(np.unique(pairs[:, :2], axis=0)) == len(pairs)
    assert pairs.tolist() == sorted(pairs.tolist(), key=lambda row: (row[2], row[0], row[1]))


def test_a_symmetrical_picture_is_one_pair():
    half = drawn(0, 160, 240, 50)
    image = Image.new("RGB", (320, 240))
    image.paste(half, (0, 0))
    image.paste(ImageOps.mirror(half), (160, 0))
    assert [pair[:2] for pair in found(image, ImageOps.mirror(image))] == [(0, 1)]


@pytest.mark.xdist_group("copies")
def test_the_inverted_index_finds_what_exhaustive_search_finds(monkeypatch):
    copied = [sketch(turned(middle(another(number)[0], 0.6), 15)) for number in range(50)]
    sketches = [*(another(number)[1] for number in range(160)), *copied]
    exhaustive = find_copies(sketches)
    assert len(exhaustive) >= 35
    monkeypatch.setattr(candidates, "EXACT_SEARCH", 200)
    monkeypatch.setattr(candidates, "CELLS", 42)  # of 57: with more, all would be looked into
    inverted = find_copies(sketches)
    every, some = ({tuple(pair) for pair in pairs[:, :2].tolist()} for pairs in (exhaustive, inverted))
    assert len(every - some) <= 1
    assert some <= every
