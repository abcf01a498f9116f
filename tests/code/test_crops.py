"""Random crops: their boxes against the definition, their pixels against Pillow, the same ones from the same seed."""

import numpy as np
import pytest
from PIL import Image

from sortline.config.augment import CropParams
from sortline.data.augment.crops import crop, draw_box


def photos(n: int, side: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def test_boxes_lie_inside_and_have_the_area_and_shape_asked_for():
    generator, how = np.random.default_rng(1), CropParams(scale=[0.2, 0.6], ratio=[0.5, 2.0])
    boxes = np.array([draw_box(100, how, generator) for _ in range(2000)])
    left, top, right, bottom = boxes.T
    assert boxes.min() >= 0 and boxes.max() <= 100
    area, ratio = (right - left) * (bottom - top) / 100**2, (right - left) / (bottom - top)
    assert area.min() > 0.199 and area.max() < 0.601 and area.mean() == pytest.approx(0.4, abs=0.02)
    assert ratio.min() > 0.499 and ratio.max() < 2.001
    assert np.mean(ratio > 1) == pytest.approx(0.5, abs=0.05)  # even in the logarithm
    assert (left + right).mean() / 2 == pytest.approx(50, abs=2) and (top + bottom).mean() / 2 == pytest.approx(
        50, abs=2
    )


def test_a_shape_that_never_fits_gives_the_whole_photo():
    assert draw_box(10, CropParams(scale=[1, 1], ratio=[3, 4]), np.random.default_rng(0)) == (0, 0, 10, 10)


def test_without_crops_and_flips_photos_stay_as_they_are_and_flips_turn_left_to_right():
    images, whole = photos(3, 8), {"scale": [1, 1], "ratio": [1, 1]}
    assert np.array_equal(crop(images, CropParams(**whole, flip=0), np.random.default_rng(0)), images)
    assert np.array_equal(crop(images, CropParams(**whole, flip=1), np.random.default_rng(0)), images[:, :, ::-1])


def test_pixels_are_pillows_and_follow_the_generator():
    images, how = photos(4, 32), CropParams(flip=0)
    found = crop(images, how, np.random.default_rng(5))
    assert found.dtype == np.uint8 and found.shape == images.shape
    assert np.array_equal(found, crop(images, how, np.random.default_rng(5)))
    assert not np.array_equal(found, crop(images, how, np.random.default_rng(6)))
    box = draw_box(32, how, np.random.default_rng(5))
    first = Image.fromarray(images[0]).resize((32, 32), Image.Resampling.BILINEAR, box=box)
    assert np.array_equal(found[0], np.asarray(first))
