"""sortline.evaluation.corruptions: that photos keep their shape, and what each does, worked out in another way."""

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import center_of_mass

from sortline.evaluation import imagenet_c, phone
from sortline.evaluation.corruptions import ALIKE, CORRUPTIONS, KINDS, SEVERITIES, grid

SIDE = 112  # half of the papers': lengths are half as long
EVERY = CORRUPTIONS | {name: kind.corrupt for name, kind in KINDS.items()}


def smooth_photo(seed=0, side=SIDE):
    random, grid = np.random.default_rng(seed), np.mgrid[0:side, 0:side] / side
    waves = [np.sin(2 * np.pi * (a * grid[0] + b * grid[1])) for a, b in random.integers(1, 4, (3, 2))]
    return np.uint8(127 + 60 * np.stack(waves, -1))


def plain(value=128):
    return np.full((SIDE, SIDE, 3), value, np.uint8)


def point(value=255):
    picture = plain(0)
    picture[SIDE // 2, SIDE // 2] = value
    return picture


@pytest.mark.parametrize("name", EVERY)
def test_a_corruption_is_repeatable_and_leaves_the_photo_as_it_was(name):
    photo = smooth_photo()
    kept = photo.copy()
    for severity in SEVERITIES:
        one, two = EVERY[name](photo, severity), EVERY[name](photo, severity)
        assert np.array_equal(one, two) and np.array_equal(photo, kept)
        assert one.dtype == np.uint8 and one.shape == photo.shape and not np.array_equal(one, photo)
    assert EVERY[name](photo[:32, :32].copy(), 5).shape == (32, 32, 3)  # digits are as small


def clipped(values):
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def drawn():
    return np.random.default_rng(0)


def shadow(pixels, light):
    rows, columns = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    return pixels * (1 - np.clip((columns + 0.3 * rows) / 0.1 + 0.5, 0, 1)[..., None] * (1 - light))


def turned_left(pixels, angle):
    fill = tuple(int(value) for value in np.rint(pixels.mean((0, 1))))
    return np.array(Image.fromarray(pixels).rotate(angle, Image.Resampling.BILINEAR, fillcolor=fill))


def speckled(pixels, share):
    there = drawn().random(pixels.shape, np.float32)
    return np.where(there < share / 2, 0, np.where(there < share, 255, pixels))


# What the quick forms, which draw once and look values up, must come to, of severity 3: pixel by pixel.
PLAINLY = {
    "Gaussian noise": lambda pixels: pixels + 255 * drawn().normal(0, 0.18, pixels.shape),
    "impulse noise": lambda pixels: speckled(pixels, 0.09),
    "contrast": lambda pixels: pixels.mean((0, 1)) + (pixels - pixels.mean((0, 1))) * 0.2,
    "half in shadow": lambda pixels: shadow(pixels, 0.4),
    "white balance": lambda pixels: pixels * np.array([1.3, 1, 1 / 1.3]),
    "rotation": lambda pixels: turned_left(pixels, 45),
}


@pytest.mark.parametrize("name", PLAINLY)
def test_a_quick_form_gives_the_bits_of_the_plain_one(name):
    for pixels in (smooth_photo(), drawn().integers(0, 256, (SIDE, SIDE, 3), np.uint8), plain(0), plain(255)):
        for _ in range(2):  # what was drawn is the same the second time
            assert np.array_equal(KINDS[name].corrupt(pixels, 3), clipped(PLAINLY[name](pixels)))


@pytest.mark.parametrize("name", [name for name in EVERY if name not in (*ALIKE, "rotation", "small", "cut off")])
def test_a_corruption_gets_worse_with_its_severity(name):
    photos = [smooth_photo(seed).astype(float) for seed in range(3)]
    errors = [np.mean([np.abs(EVERY[name](np.uint8(p), s) - p).mean() for p in photos]) for s in SEVERITIES]
    assert errors == sorted(errors) and errors[-1] > 1.5 * errors[0]


def test_what_each_corruption_does():
    photo = smooth_photo()
    assert np.array_equal(CORRUPTIONS["swapped channels"](photo, 1)[..., 0], photo[..., 2])
    assert CORRUPTIONS["darkness"](photo, 2).mean() == pytest.approx(photo.mean() / 2, abs=1)
    assert CORRUPTIONS["noise"](plain(), 1).std() == pytest.approx(0.08 * 255, rel=0.05)
    assert np.array_equal(CORRUPTIONS["rotation"](photo, 5), np.rot90(photo))
    assert np.array_equal(phone.turned(photo, 1), np.rot90(photo, 3))


def test_shot_noise_grows_with_the_root_of_the_light():
    """Of Poisson's distribution the variance is the mean: photons, here 60 for white."""
    for value in (40, 128):
        found = imagenet_c.shot_noise(plain(value), 1).astype(float)
        assert found.mean() == pytest.approx(value, rel=0.02)
        assert found.std() == pytest.approx(255 * np.sqrt(value / 255 / 60), rel=0.03)


def test_impulse_noise_is_black_and_white_by_halves():
    found = imagenet_c.impulse_noise(plain(), 4)
    assert [(found == value).mean() for value in (0, 255)] == pytest.approx([0.085, 0.085], abs=0.005)
    assert (found == 128).mean() == pytest.approx(0.83, abs=0.01)


def test_a_point_out_of_focus_is_an_even_disc():
    found = imagenet_c.defocus(point(), 3)[..., 0].astype(float)  # 6 pixels of 224, here 3
    rows, columns = np.nonzero(found)
    distance = np.hypot(rows - SIDE // 2, columns - SIDE // 2)
    assert distance.max() < 3.5 and found.max() == pytest.approx(255 / (np.pi * 3**2), rel=0.1)
    assert (found[rows, columns][distance < 2.4] == found.max()).all()
    assert np.array_equal(imagenet_c.defocus(plain(), 5), plain())


def test_a_point_that_a_hand_moves_is_a_fading_line():
    for severity in SEVERITIES:
        found = imagenet_c.motion(point(), severity)[..., 0].astype(float)
        rows, columns = np.nonzero(found)
        line = np.polyfit(columns, rows, 1, w=found[rows, columns])
        assert abs(np.polyval(line, columns) - rows).max() < 1.5 and abs(line[0]) <= 1.05
        assert np.array_equal(imagenet_c.motion(plain(), severity), plain())
    lengths = [np.ptp(np.nonzero(imagenet_c.motion(point(), severity))[1]) for severity in (1, 5)]
    assert lengths[1] > 1.5 * lengths[0]


def test_contrast_brings_values_nearer_to_their_mean():
    photo = smooth_photo()
    found = imagenet_c.contrast(photo, 3)
    assert found.mean((0, 1)) == pytest.approx(photo.mean((0, 1)), abs=0.5)
    assert found.std((0, 1)) == pytest.approx(0.2 * photo.std((0, 1)), rel=0.02)


def test_pixelate_shows_the_mean_of_blocks():
    photo = smooth_photo()
    found = imagenet_c.pixelate(photo, 2)  # half of the side
    means = photo.reshape(SIDE // 2, 2, SIDE // 2, 2, 3).mean((1, 3))
    assert np.abs(found[::2, ::2] - means).max() <= 1 and np.array_equal(found[::2, ::2], found[1::2, 1::2])


def test_half_a_photo_is_in_shadow_and_half_is_not():
    photo = smooth_photo()
    found = phone.half_in_shadow(photo, 5)
    assert (found == photo).all(2).mean() > 0.4
    assert ((found - 0.2 * photo.astype(float)).__abs__() <= 0.5).all(2).mean() > 0.4


def test_lamplight_is_red():
    found = phone.white_balance(plain(100), 2)
    assert found[0, 0].tolist() == [120, 100, 83]


def test_a_small_photo_lies_in_the_middle_of_its_borders_colour():
    photo = plain(90)
    photo[40:72, 40:72] = 200
    found = phone.small(photo, 3)  # half of the side
    assert center_of_mass(found[..., 0] - 90.0) == pytest.approx((SIDE / 2 - 0.5,) * 2, abs=0.1)
    assert (found > 145).all(2).sum() == 16 * 16 and (found[:28] == 90).all()


def test_what_is_cut_off_is_enlarged():
    photo = smooth_photo()
    found = phone.cut_off(photo, 5)
    expected = Image.fromarray(photo[: SIDE // 2, : SIDE // 2]).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    assert np.array_equal(found, expected)


def test_a_cluttered_ground_is_the_same_whatever_lies_on_it():
    light, dark = phone.cluttered(plain(250), 1), phone.cluttered(plain(5), 1)
    inside = (light == 250).all(2) & (dark == 5).all(2)
    assert inside.sum() == round(0.85 * SIDE) ** 2 and np.array_equal(light[~inside], dark[~inside])
    assert len(np.unique(light[~inside].reshape(-1, 3), axis=0)) > 20


def test_those_of_one_severity_are_tried_once_and_the_others_as_often_as_asked():
    tried = grid([2, 4])
    assert len(tried) == 2 * (len(CORRUPTIONS) - 1) + 1 and tried.count(("swapped channels", 1)) == 1
    assert grid([1, 5], ["turned", "blur"]) == [("turned", 1), ("blur", 1), ("blur", 5)]
