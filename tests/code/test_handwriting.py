"""sortline.data.handwriting: a digit out of a photo, however large, dark on light or light on dark."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from sortline.data.handwriting import read_digit
from sortline.data.images import NoDigit


def photo(size=(640, 480), at=(200, 120), scale=3.0, ink=(40, 40, 60), paper=(220, 215, 200), width=6) -> Image.Image:
    """Draw a 7 with pen strokes."""
    image = Image.new("RGB", size, paper)
    points = [(0, 0), (40, 0), (15, 70)]
    draw = ImageDraw.Draw(image)
    draw.line([(at[0] + scale * x, at[1] + scale * y) for x, y in points], ink, round(width * scale / 3), joint="curve")
    return image


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(read_digit(image).convert("L")).astype(float)


def same(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_it_looks_as_mnist_does():
    found = read_digit(photo())
    assert (found.mode, found.size) == ("RGB", (28, 28))
    ink = pixels(photo())
    assert ink[0].max() == ink[:, 0].max() == ink[-1].max() == ink[:, -1].max() == 0 and ink.max() > 200
    rows, columns = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert ndimage.center_of_mass(ink) == pytest.approx((13.5, 13.5), abs=0.6)
    assert 40 < (ink > 127).sum() < 160  # MNIST's digits: 60 to 150 such pixels


OTHERS = {
    "light on dark": {"ink": (230, 230, 230), "paper": (30, 40, 30)},
    "elsewhere": {"at": (430, 200)},
    "smaller": {"scale": 1.5, "width": 6},
    "large": {"size": (3000, 4000), "at": (300, 500), "scale": 25},
    "thin pen": {"width": 3},
    "pale ink": {"ink": (150, 150, 160)},
}


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_however_it_is_shown_it_is_the_same_digit(change):
    assert same(pixels(photo(**change)), pixels(photo())) > 0.85


def test_a_shadow_across_the_paper_and_specks_are_no_ink():
    plain = np.asarray(photo()).astype(float)
    shaded = plain * np.linspace(1, 0.6, 640)[:, None]
    shaded[400:404, 600:604] = 20
    assert same(pixels(Image.fromarray(shaded.astype(np.uint8))), pixels(photo())) > 0.95


def test_a_digit_of_mnists_own_form_stays_as_it_is():
    once = read_digit(photo())
    assert same(np.asarray(read_digit(once).convert("L")).astype(float), pixels(photo())) > 0.97


@pytest.mark.parametrize(
    "image", [Image.new("RGB", (50, 40), "white"), Image.new("RGB", (1, 1)), Image.new("RGB", (28, 28))]
)
def test_where_nothing_stands_out_there_is_no_digit(image):
    with pytest.raises(NoDigit):
        read_digit(image)
