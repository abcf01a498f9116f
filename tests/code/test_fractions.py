"""Large JPEG files are decoded at a fraction of their pixels, which no view of them shows."""

import numpy as np
import pytest
from PIL import Image

from sortline.backbones.preprocessing import Preprocessing
from sortline.config.augment import ViewParams
from sortline.data.augment.views import decoded_side, render
from sortline.data.images import open_rgb, resize
from sortline.features.of_photo import OfPhoto

ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """A photo-like picture of 12 megapixels: large shapes, edges and fine grain, turned by its EXIF."""
    random, small = np.random.default_rng(0), np.random.default_rng(1).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    pixels = np.asarray(Image.fromarray(small).resize((4000, 3000), Image.Resampling.BICUBIC)).astype(np.int16)
    pixels[1000:1400, 500:3500] = (200, 30, 60)
    grain = np.tile(random.integers(-20, 21, (500, 500, 1)), (6, 8, 1))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    path = tmp_path_factory.mktemp("large") / "phone.jpg"
    Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8)).save(path, quality=90, exif=exif)
    return path


@pytest.mark.parametrize(("side", "size"), [(32, (375, 500)), (224, (750, 1000)), (400, (1500, 2000)),
                                            (800, (3000, 4000)), (None, (3000, 4000))])  # fmt: skip
def test_the_smallest_fraction_that_leaves_twice_the_side(large, side, size):
    assert open_rgb(large, side=side).size == size


@pytest.mark.parametrize("side", [32, 224])
def test_a_view_is_the_same_but_for_rounding(large, side):
    whole, fraction = (resize(open_rgb(large, side=one), side).astype(int) for one in (None, side))
    difference = np.abs(whole - fraction)
    assert difference.mean() < 0.5 and difference.max() <= 8


def test_small_photos_and_other_formats_are_decoded_whole(tmp_path, large):
    image = open_rgb(large, side=400)
    for size in ((224, 224), (2048, 2048)):
        image.resize(size).save(tmp_path / "small.jpg", quality=95)
        assert np.array_equal(open_rgb(tmp_path / "small.jpg", side=28), open_rgb(tmp_path / "small.jpg"))
    image.save(tmp_path / "large.png")
    assert np.array_equal(open_rgb(tmp_path / "large.png", side=28), image)


def test_the_smallest_crop_still_has_the_pixels_of_a_view(large):
    plan = ViewParams(count=3, crop_scale=[0.04, 0.06], crop_ratio=[0.8, 1.25])
    side = decoded_side(plan, 224)
    assert side == 627  # a crop of 0.04 at 0.8: sqrt(0.032) of twice that are just over 224 pixels
    assert decoded_side(ViewParams(count=4), 224) == 224  # of the usual crops the plain view asks for most
    assert decoded_side(ViewParams(count=1, crop_scale=[0.04, 0.06]), 224) == 224
    whole, fraction = (render(open_rgb(large, side=one), plan, 1, "key", 224).astype(int) for one in (None, side))
    assert np.abs(whole - fraction).mean() < 1


def test_the_plain_view_is_decoded_as_for_a_prediction_also_beside_small_crops(large):
    plan, seen = ViewParams(count=2, crop_scale=[0.04, 0.06], crop_ratio=[0.8, 1.25]), []

    def run(x):
        seen.append(x)
        return x.mean((2, 3)), x.max((2, 3)), x

    work = OfPhoto(plan, 224, Preprocessing((0.0,) * 3, (1.0,) * 3))
    work(run, lambda side: open_rgb(large, side=side), "key", "phone.jpg")
    shown = np.rint(seen[0].transpose(0, 2, 3, 1) * 255)
    assert np.array_equal(shown[0], resize(open_rgb(large, side=224), 224))
    assert np.array_equal(shown[1], render(open_rgb(large, side=decoded_side(plan, 224)), plan, 1, "key", 224))
