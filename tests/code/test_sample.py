"""The drawn sample: reproducible, varied, and learnable but not trivial; and the geometry it is drawn with."""

import hashlib

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import RidgeClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sortline.data.classes import load_table
from sortline.data.drawings import DRAWINGS
from sortline.data.drawings.colours import mix, rgba
from sortline.data.drawings.pen import Fade, Pen, band, box, curve, ellipse, paint
from sortline.data.drawings.scenes import compose
from sortline.data.sources.sample import draw, picture

CODES = [row["code"] for row in load_table("garbage").classes]


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.glob("*/*"))}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A sample of 8 pictures a class at 64 x 64, seed 5."""
    folder = tmp_path_factory.mktemp("drawn") / "垃圾 分类"
    draw(folder, 8, 64, 5)
    return folder


def test_files_sizes_and_modes(drawn):
    assert list(contents(drawn)) == [f"{code}/{number:02d}.png" for code in CODES for number in range(8)]
    for path in drawn.glob("*/*.png"):
        with Image.open(path) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "RGB", (64, 64))


def test_same_arguments_give_the_same_bytes_and_more_pictures_change_none(drawn, tmp_path):
    draw(tmp_path, 2, 64, 5)
    again, before = contents(tmp_path), contents(drawn)
    assert len(again) == 2 * len(CODES)
    assert all(before[name] == content for name, content in again.items())


def test_a_picture_depends_on_its_own_class_and_number_alone(drawn):
    for code, number in (("00_04", 3), ("03_03", 7)):
        with Image.open(drawn / code / f"{number:02d}.png") as image:
            assert np.array_equal(np.asarray(image), np.asarray(picture(code, number, 64, 5)))


def test_no_two_pictures_are_alike_and_another_seed_gives_others(drawn, tmp_path):
    draw(tmp_path, 1, 64, 6)
    pixels = [np.asarray(Image.open(path)).tobytes() for folder in (drawn, tmp_path) for path in folder.glob("*/*")]
    assert len({hashlib.sha256(content).hexdigest() for content in pixels}) == 9 * len(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_kind_of_every_class_can_be_drawn(code):
    kinds = len(DRAWINGS[code])
    assert kinds >= 3
    for number in range(2 * kinds):
        spread = np.asarray(picture(code, number, 33, 77)).std(axis=(0, 1))
        assert spread.max() > 8


def test_thumbnails_tell_the_classes_apart_but_not_perfectly(drawn):
    """An independent learner, ridge regression on 16 x 16 thumbnails; chance is 1/26 = 3.8 %."""
    paths = sorted(drawn.glob("*/*.png"))
    thumbnails = [np.asarray(Image.open(path).resize((16, 16), Image.Resampling.BILINEAR)).ravel() for path in paths]
    learner = make_pipeline(StandardScaler(), RidgeClassifier(alpha=1000))
    folds = StratifiedKFold(4, shuffle=True, random_state=0)
    labels = [path.parent.name for path in paths]
    accuracy = cross_val_score(learner, np.array(thumbnails, float), labels, cv=folds).mean()
    assert 0.12 < accuracy < 0.9


@pytest.mark.parametrize("stands", [True, False])
def test_the_object_fills_the_picture_and_stays_inside(stands):
    pen = Pen()
    pen.fill(box(-70, 5, -10, 35), "#ff00ff")
    for seed in range(12):
        image = compose(pen.shapes, stands, 90, np.random.default_rng(seed), 64)
        red, green, blue = np.asarray(image).astype(int).transpose(2, 0, 1)
        seen = (red - green > 90) & (blue - green > 90)
        assert 0.15 < seen.mean() < 0.7
        assert not (seen[0].any() or seen[-1].any() or seen[:, 0].any() or seen[:, -1].any())


def test_curve_passes_through_its_points():
    knots = np.array([(0, 0), (1, 2), (3, 1), (4, 4)], float)
    assert np.allclose(curve(knots, steps=5)[::5], knots)
    assert np.allclose(curve(knots, closed=True, steps=5)[::5], knots)


def test_band_has_its_width_and_round_ends():
    outline = band([(0, 0), (10, 0)], 2)
    assert np.allclose([outline.min(0), outline.max(0)], [(-1, -1), (11, 1)])
    ends = outline[(outline[:, 0] < 0) | (outline[:, 0] > 10)]
    nearest = np.minimum(np.hypot(*ends.T), np.hypot(*(ends - (10, 0)).T))
    assert np.allclose(nearest, 1)


def test_area_of_a_painted_ellipse_turned_and_clipped():
    image = Image.new("RGB", (200, 200))
    pen = Pen()
    with pen.at(100, 100, 90), pen.inside(box(-60, 0, 60, 60)):
        pen.fill(ellipse(0, 0, 60, 30), "#ffffff")
    paint(pen.shapes, image, np.eye(3))
    seen = np.asarray(image)[..., 0] > 0
    # Half of pi a b (Pillow paints the pixels on the edge too); a quarter turn takes its lower half to the left.
    assert seen.sum() == pytest.approx(np.pi * 60 * 30 / 2, rel=0.05)
    assert not seen[:, 101:].any()


def test_translucent_paint_and_gradient_mix_as_they_should():
    image = Image.new("RGB", (101, 10), "#000000")
    pen = Pen()
    pen.fill(box(0, 0, 101, 4), rgba("#ffffff", 51))
    pen.fill(box(0, 5, 101, 10), Fade((0, 0), (101, 0), ("#000000", "#c86432")))
    paint(pen.shapes, image, np.eye(3))
    assert image.getpixel((50, 2)) == (51, 51, 51)
    assert np.allclose(image.getpixel((50, 7)), mix("#000000", "#c86432", 0.5)[:3], atol=2)
    assert np.allclose(image.getpixel((100, 7)), (200, 100, 50), atol=3)
