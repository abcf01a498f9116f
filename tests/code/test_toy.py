"""The toy set: reproducible, varied, and learnable; with a class table and bins."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from sortline.data.classes import load_table
from sortline.data.sources.toy import SHAPES, draw, picture


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.glob("*/*"))}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Six pictures a class at 32 x 32, seed 5."""
    folder = tmp_path_factory.mktemp("drawn") / "玩具"
    draw(folder, 6, 32, 5)
    return folder


def test_the_table_has_the_classes_and_every_bin_has_some():
    table = load_table("toy")
    assert [row["code"] for row in table.classes] == list(SHAPES)
    assert {row["bin"] for row in table.classes} == {row["id"] for row in table.bins} and len(table.bins) == 3
    assert all(row["en"] and row["zh"] for row in (*table.classes, *table.bins))


def test_files_sizes_and_modes(drawn):
    assert sorted(contents(drawn)) == sorted(f"{name}/{number:02d}.png" for name in SHAPES for number in range(6))
    for path in drawn.glob("*/*.png"):
        with Image.open(path) as image:
            assert (image.format, image.mode, image.size) == ("PNG", "RGB", (32, 32))


def test_same_arguments_give_the_same_bytes_and_more_pictures_change_none(drawn, tmp_path):
    paths = draw(tmp_path, 2, 32, 5)
    again, before = contents(tmp_path), contents(drawn)
    assert sorted(paths) == sorted(tmp_path / name for name in again) and len(again) == 2 * len(SHAPES)
    assert all(before[name] == content for name, content in again.items())


def test_no_two_pictures_are_alike_and_another_seed_gives_others(drawn, tmp_path):
    draw(tmp_path, 1, 32, 6)
    pixels = [np.asarray(Image.open(path)).tobytes() for folder in (drawn, tmp_path) for path in folder.glob("*/*")]
    assert len({hashlib.sha256(content).hexdigest() for content in pixels}) == 7 * len(SHAPES)


@pytest.mark.parametrize("share", [0, 1])
@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_fills_part_of_its_square_and_is_about_the_middle(name, share):
    steps = np.linspace(-1.5, 1.5, 301)
    u, v = np.meshgrid(steps, steps)
    inside = SHAPES[name](u, v, share)
    assert 0.15 < inside.sum() * 0.01**2 / 4 < 0.85
    assert np.hypot(u, v)[inside].max() < 1.45
    assert np.hypot(u[inside].mean(), v[inside].mean()) < 0.2


def test_shapes_stand_out_from_their_ground():
    for name in SHAPES:
        pixels = np.asarray(picture(name, 3, 64, 1), float).mean(2)
        assert np.percentile(pixels, 97) - np.percentile(pixels, 3) > 50
