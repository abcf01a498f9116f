"""The view plan: view 0 is the plain view; the others are seeded per photo and stay within the plan's bounds."""

import math

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from sortline.config.augment import ViewParams
from sortline.data.augment.views import render
from sortline.data.images import resize


def changed(plan: ViewParams, **changes: object) -> ViewParams:
    return plan.model_copy(update=changes)


# More views than the parameters allow, to see how often something comes.
STILL = changed(
    ViewParams(
        seed=3, crop_scale=[1.0, 1.0], crop_ratio=[1.0, 1.0], flip=0.0, brightness=0.0, contrast=0.0, saturation=0.0
    ),
    count=200,
)  # fmt: skip
LIVELY = changed(
    STILL, crop_scale=[0.5, 0.9], crop_ratio=[0.8, 1.25], flip=0.5, brightness=0.3, contrast=0.3, saturation=0.3
)


def photo(seed: int = 0, width: int = 90, height: int = 70) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def ramp(width: int, height: int) -> Image.Image:
    """Red grows from left to right, green from top to bottom, so that a crop can be read off its colours."""
    y, x = np.mgrid[0:height, 0:width]
    return Image.fromarray(np.dstack([x * 255 / width, y * 255 / height, 0 * x]).astype(np.uint8))


def test_view_0_is_the_plain_resize():
    for image in (photo(), photo(1, 33, 300)):
        assert np.array_equal(render(image, LIVELY, 0, "a", 64), resize(image, 64))


def test_a_plan_that_does_nothing_gives_the_plain_view_everywhere():
    for view in range(5):
        assert np.array_equal(render(photo(), STILL, view, "a", 64), resize(photo(), 64))


def test_shape_and_type():
    for view in range(4):
        pixels = render(photo(), LIVELY, view, "a", 48)
        assert pixels.shape == (48, 48, 3)
        assert pixels.dtype == np.uint8


def test_a_view_depends_on_seed_key_and_number_alone():
    first = [render(photo(), LIVELY, view, "a", 32) for view in range(4)]
    render(photo(9), LIVELY, 2, "b", 32)  # another photo in between, and another order
    for view in reversed(range(4)):
        assert np.array_equal(render(photo(), LIVELY, view, "a", 32), first[view])
        assert np.array_equal(render(photo(), changed(LIVELY, count=6), view, "a", 32), first[view])
    different = [*first, render(photo(), LIVELY, 1, "b", 32), render(photo(), changed(LIVELY, seed=4), 1, "a", 32)]
    assert len({pixels.tobytes() for pixels in different}) == len(different)


def test_one_number_of_the_plan_changes_only_what_it_names():
    for view in range(1, 30):
        plain = render(photo(), changed(LIVELY, flip=0.0), view, "a", 32)
        mirrored = render(photo(), changed(LIVELY, flip=1.0), view, "a", 32)
        assert np.array_equal(plain[:, ::-1], mirrored)
    gray = Image.new("RGB", (50, 50), (100, 100, 100))
    for view in range(1, 30):
        bright = render(gray, LIVELY, view, "a", 8)
        assert np.array_equal(bright, render(gray, changed(LIVELY, crop_scale=[0.2, 0.3]), view, "a", 8))
        assert np.array_equal(bright, render(gray, changed(LIVELY, flip=1.0), view, "a", 8))


def test_flips_come_at_the_given_rate():
    image = ramp(64, 64)
    plan = changed(STILL, flip=0.3)
    flipped = [render(image, plan, view, "a", 16)[0, 0, 0] > 128 for view in range(1, 200)]
    assert 0.3 * 199 - 4 * math.sqrt(199 * 0.3 * 0.7) < sum(flipped) < 0.3 * 199 + 4 * math.sqrt(199 * 0.3 * 0.7)


@pytest.mark.parametrize(("width", "height"), [(400, 400), (600, 300)])
def test_crops_keep_the_share_and_the_ratio_of_the_plan(width, height):
    plan = changed(STILL, crop_scale=[0.3, 0.6], crop_ratio=[0.8, 1.25])
    shares, ratios, lefts = [], [], []
    for view in range(1, 120):
        red, green = render(ramp(width, height), plan, view, "a", 200)[:, :, :2].transpose(2, 0, 1).astype(float)
        # Of the crop's width, the ramp between the centres of the outer columns shows 199 of 200 parts.
        across, down = (red[0, -1] - red[0, 0]) / 255 * 200 / 199, (green[-1, 0] - green[0, 0]) / 255 * 200 / 199
        shares.append(across * down)
        ratios.append(across / down)
        lefts.append(red[0, 0] / 255)
    assert 0.29 < min(shares) < 0.35
    assert 0.55 < max(shares) < 0.61
    assert 0.78 < min(ratios) < 0.88
    assert 1.13 < max(ratios) < 1.28
    assert min(lefts) < 0.05
    assert max(lefts) > 0.3


def test_brightness_and_contrast_stay_within_their_bounds():
    gray = Image.new("RGB", (20, 20), (100, 100, 100))
    levels = [render(gray, changed(STILL, brightness=0.2), view, "a", 4)[0, 0, 0] for view in range(1, 200)]
    assert 79 <= min(levels) < 83
    assert 117 < max(levels) <= 120
    halves = Image.fromarray(
        np.repeat(np.array([[[80] * 3, [120] * 3]], dtype=np.uint8), 10, axis=1).repeat(20, axis=0)
    )
    spans = [np.ptp(render(halves, changed(STILL, contrast=0.5), view, "a", 20).astype(int)) for view in range(1, 200)]
    assert 19 <= min(spans) < 22
    assert 58 < max(spans) <= 61


def test_saturation_scales_the_distance_from_gray():
    red = Image.new("RGB", (20, 20), (150, 100, 100))
    for view in range(1, 40):
        pixel = render(red, changed(STILL, saturation=0.4), view, "a", 4)[0, 0].astype(int)
        assert 30 <= pixel[0] - pixel[1] <= 70
    gray = Image.new("RGB", (20, 20), (90, 90, 90))
    assert np.array_equal(render(gray, changed(STILL, saturation=0.4), 1, "a", 4), resize(gray, 4))


def test_one_factor_holds_for_the_whole_photo():
    plan = changed(STILL, brightness=0.4)
    factor = render(Image.new("RGB", (8, 8), (100, 100, 100)), plan, 1, "a", 8)[0, 0, 0] / 100
    expected = ImageEnhance.Brightness(Image.fromarray(resize(photo(), 32))).enhance(factor)
    assert factor != 1
    assert np.abs(render(photo(), plan, 1, "a", 32).astype(int) - np.asarray(expected)).max() <= 3


@pytest.mark.parametrize("view", [-1, 200])
def test_views_outside_the_plan_are_refused(view):
    with pytest.raises(ValueError, match="200 views"):
        render(photo(), STILL, view, "a", 8)


def test_crops_of_tiny_and_long_photos():
    for size in ((1, 1), (1, 500), (500, 2)):
        image = Image.new("RGB", size, (10, 200, 30))
        for view in range(4):
            pixels = render(image, changed(LIVELY, brightness=0.0, contrast=0.0, saturation=0.0), view, "a", 16)
            assert np.array_equal(pixels, np.full((16, 16, 3), (10, 200, 30)))


def test_gray_comes_as_often_as_asked():
    plan = changed(STILL, gray=0.3)
    gray = [np.ptp(render(photo(), plan, view, "a", 16), axis=2).max() == 0 for view in range(1, 200)]
    assert 0.2 < np.mean(gray) < 0.4
    gray_photo = np.asarray(photo().resize((16, 16), Image.Resampling.BILINEAR).convert("L"))
    shown = render(photo(), plan, 1 + gray.index(True), "a", 16)
    assert np.array_equal(shown[..., 1], gray_photo)


def test_a_rotated_view_is_turned_by_no_more_than_asked_and_filled_with_the_mean_colour():
    """A dark bar across the middle: its slope tells the angle."""
    pixels = np.full((101, 101, 3), 200, np.uint8)
    pixels[47:54] = 20
    bar, angles = Image.fromarray(pixels), []
    for view in range(1, 80):
        shown = render(bar, changed(STILL, rotation=25.0), view, "a", 101)[..., 0].astype(float)
        dark = 200 - np.clip(shown, 20, 200)
        left, right = ((dark[:, x] * np.arange(101)).sum() / dark[:, x].sum() for x in (30, 70))
        angles.append(math.degrees(math.atan2(left - right, 40)))
        assert shown[0, 0] == pytest.approx(np.mean(pixels), abs=2) or abs(angles[-1]) < 2
    assert max(np.abs(angles)) <= 26 and min(angles) < -15 and max(angles) > 15


def test_blur_takes_detail_and_noise_adds_as_much_as_asked():
    flat = Image.new("RGB", (64, 64), (120, 130, 140))
    noisy = np.stack([render(flat, changed(STILL, noise=6.0), view, "a", 64) for view in range(1, 9)]).astype(float)
    assert (noisy - [120, 130, 140]).std() == pytest.approx(6, abs=0.15)
    assert (noisy - [120, 130, 140]).mean() == pytest.approx(0, abs=0.15)
    sharp = render(photo(), STILL, 1, "a", 64).astype(float).std()
    spread = [render(photo(), changed(STILL, blur=2.0), view, "a", 64).astype(float).std() for view in range(1, 40)]
    assert max(spread) <= sharp and min(spread) < 0.4 * sharp


def test_the_new_changes_shift_no_other_draw():
    for view in range(1, 6):
        plain = render(photo(), LIVELY, view, "a", 32)
        grained = render(photo(), changed(LIVELY, noise=0.01), view, "a", 32)
        assert np.array_equal(plain, grained)
