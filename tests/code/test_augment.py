"""sortline.data.augment: each distortion against what SciPy does with the same numbers, and its promises."""

import numpy as np
import pytest
from scipy import ndimage

from sortline.config.augment import DistortionParams
from sortline.data.augment.distortion import distort, gaussian, matrices, sample


def pictures(count=3, side=21):
    grid = np.arange(side) - (side - 1) / 2
    shape = np.exp(-((grid[:, None] - 2) ** 2) / 18 - (grid + 1) ** 2 / 50)
    return np.stack([(230 * np.roll(shape, i, 0)).astype(np.uint8) for i in range(count)])


def test_nothing_to_do_leaves_the_pictures_and_draws_nothing():
    images, generator = pictures(), np.random.default_rng(0)
    assert not DistortionParams().any
    assert distort(images, DistortionParams(), generator) is images
    assert generator.random() == np.random.default_rng(0).random()


def test_sampling_is_scipys_bilinear_interpolation_with_zeros_outside():
    images = np.random.default_rng(0).integers(0, 256, (4, 9, 9)).astype(np.uint8)
    points = np.random.default_rng(1).uniform(-2.5, 10.5, (2, 4, 9, 9)).astype(np.float32)
    found = sample(images, *points)
    for image, rows, columns, ours in zip(images, *points, found, strict=True):
        padded = np.pad(image.astype(float), 4)
        expected = ndimage.map_coordinates(padded, [rows + 4, columns + 4], order=1)
        assert ours == pytest.approx(expected, abs=0.51)


@pytest.mark.parametrize("side", [28, 32])
def test_whole_shifts_move_the_picture_by_whole_pixels(side):
    image = np.zeros((1, side, side), np.uint8)
    image[0, 10, 12] = 200
    rows, columns = np.indices((side, side)).astype(np.float32)
    moved = sample(image, rows[None] + 2, columns[None] - 3)
    assert np.argwhere(moved[0]).tolist() == [[8, 15]] and moved.max() == 200


def test_a_turn_keeps_lengths_and_turns_by_its_angle():
    how = DistortionParams(rotation=30)
    matrix = matrices(how, np.array([[1.0, -0.5], [0, 0], [0, 0], [0, 0]], np.float32))
    for i, degrees in enumerate((30, -15)):
        angle = np.radians(degrees)
        expected = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        assert matrix[:, i] == pytest.approx(np.array(expected), abs=1e-6)


def test_scale_and_shear_are_what_they_say():
    draws = np.array([[0.0], [1.0], [-1.0], [0.0]], np.float32)
    assert matrices(DistortionParams(scale=0.2), draws)[:, 0] == pytest.approx(np.diag([1 / 1.2, 1 / 0.8]), abs=1e-6)
    draws = np.array([[0.0], [0.0], [0.0], [1.0]], np.float32)
    sheared = matrices(DistortionParams(shear=45), draws)[:, 0]
    assert sheared == pytest.approx(np.array([[1, 0], [1, 1]]), abs=1e-6)


def test_the_elastic_field_is_smoothed_as_scipys_gaussian():
    field = np.random.default_rng(2).uniform(-1, 1, (32, 32))
    smooth = gaussian(32, 4)
    expected = ndimage.gaussian_filter(field, 4, mode="constant", truncate=8)
    assert smooth @ field @ smooth.T == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("key", ["shift", "rotation", "scale", "shear", "elastic"])
def test_each_strength_changes_the_pictures_and_more_of_it_more(key):
    images = pictures(200)
    weak, strong = {"shift": (0.5, 2), "rotation": (5, 20), "scale": (0.05, 0.2), "shear": (5, 20), "elastic": (5, 20)}[
        key
    ]

    def moved(strength):
        changed = distort(images, DistortionParams(**{key: strength}), np.random.default_rng(0))
        assert changed.shape == images.shape and changed.dtype == np.uint8
        return np.abs(changed.astype(int) - images).mean()

    assert 0 < moved(weak) < moved(strong)


def test_a_shift_stays_within_its_limit():
    image = np.zeros((400, 15, 15), np.uint8)
    image[:, 7, 7] = 255
    changed = distort(image, DistortionParams(shift=2), np.random.default_rng(0)).astype(float)
    total = changed.sum((1, 2))
    rows = (changed.sum(2) * np.arange(15)).sum(1) / total - 7
    assert -2.02 < rows.min() < -1.8 and 1.8 < rows.max() < 2.02


def test_the_same_generator_gives_the_same_pictures_and_each_its_own():
    how = DistortionParams(shift=1, rotation=10, scale=0.1, shear=5, elastic=20)
    images = np.repeat(pictures(1), 3, axis=0)
    first = distort(images, how, np.random.default_rng(5))
    assert np.array_equal(first, distort(images, how, np.random.default_rng(5)))
    assert not np.array_equal(first[0], first[1])
    assert not np.array_equal(first, distort(images, how, np.random.default_rng(6)))
