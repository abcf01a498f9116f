"""Contact sheets: where the pixels are, and captions that no text can break."""

import numpy as np
import pytest
from PIL import Image, ImageFont

from sortline.report.contact_sheet import FRAME, GAP, GLYPHS, PAPER, Tile, contact_sheet, drawable

RED, BLUE = (200, 30, 30), (20, 40, 220)


def tile(colour=RED, caption="a caption", frame=None, size=(50, 50)) -> Tile:
    return Tile(Image.new("RGB", size, colour), caption, frame)


def columns_of(sheet: Image.Image, tile_size: int) -> int:
    return (sheet.width - GAP) // (tile_size + 2 * FRAME + GAP)


def test_tiles_stand_in_rows_left_to_right():
    colours = [(10 * i, 255 - 10 * i, 77) for i in range(5)]
    sheet = contact_sheet([tile(colour, "") for colour in colours], columns=3, tile_size=40)
    cell = 40 + 2 * FRAME
    row_height = cell + GAP // 2 + GAP
    for i, colour in enumerate(colours):
        x = GAP + (i % 3) * (cell + GAP) + cell // 2
        y = GAP + (i // 3) * row_height + cell // 2
        assert sheet.getpixel((x, y)) == colour


def test_a_frame_has_its_colour_and_moves_no_photo():
    plain, framed = (contact_sheet([tile(frame=frame)], 1) for frame in (None, "#1428dc"))
    assert framed.getpixel((GAP + 1, GAP + 1)) == BLUE
    assert plain.getpixel((GAP + 1, GAP + 1)) == (255, 255, 255)
    inside = (GAP + FRAME, GAP + FRAME, GAP + FRAME + 160, GAP + FRAME + 160)
    assert plain.crop(inside).tobytes() == framed.crop(inside).tobytes()


@pytest.mark.parametrize("size", [(1, 1), (2000, 3), (1, 1000), (28, 28), (300, 400)])
def test_photos_of_any_shape_are_fitted_whole(size):
    sheet = contact_sheet([tile(size=size, caption="")], 1, tile_size=64)
    photo = np.all(np.asarray(sheet) == RED, axis=2)
    heights, widths = np.flatnonzero(photo.any(axis=1)), np.flatnonzero(photo.any(axis=0))
    assert max(np.ptp(heights), np.ptp(widths)) + 1 == 64
    assert widths.min() >= GAP + FRAME and widths.max() < GAP + FRAME + 64


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_photos_of_any_mode(mode):
    assert contact_sheet([Tile(Image.new(mode, (9, 9)), "")], 1).mode == "RGB"


@pytest.mark.parametrize(
    "caption",
    ["", "\n\n", "塑料瓶", "truth: 塑料瓶\npredicted: كرسي 0.5", "x" * 500, "two words " * 90, "🍌\ud800\x00\x07"],
)
def test_no_caption_breaks_a_sheet_or_leaves_its_tile(caption):
    sheet = contact_sheet([tile(caption=caption), tile(caption="")], columns=2)
    pixels = np.asarray(sheet.convert("L"))
    # Between the two tiles, and to the right of the last, is nothing but paper.
    cell = 160 + 2 * FRAME
    assert (pixels[:, GAP + cell + 2 : GAP + cell + GAP] == 255).all()


def test_captions_make_room_row_by_row():
    one = contact_sheet([tile(caption="one")] * 4, columns=2).height
    more = contact_sheet([tile(caption="one")] * 3 + [tile(caption="one\ntwo\nthree")], columns=2).height
    assert more > one


def test_a_sheet_without_photos_says_its_title():
    sheet = contact_sheet([], 6, "none of the 130 val photos is wrong")
    assert columns_of(sheet, 160) == 3
    assert np.asarray(sheet).min() < 100 and sheet.height < 60


def test_a_long_title_is_wrapped_not_cut():
    short, long = (contact_sheet([tile()], 1, title) for title in ("word", "word " * 30))
    assert long.height > short.height and long.width == short.width


def test_the_same_tiles_give_the_same_bytes():
    tiles = [tile(caption=f"photo {i}\nCafé", frame="#d95f02") for i in range(7)]
    assert contact_sheet(tiles, 3, "title").tobytes() == contact_sheet(tiles, 3, "title").tobytes()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Plastic Bottle 0.97", "Plastic Bottle 0.97"),
        ("Café Ångström", "Cafe Angstrom"),
        ("塑料瓶 Plastic", "? Plastic"),
        ("ＡＢＣ　１２", "ABC 12"),
        ("a – b × c → d", "a - b x c › d"),
        ("x…", "x..."),
    ],
)
def test_drawable(text, shown):
    assert drawable(text) == shown


def test_the_built_in_font_has_every_glyph_that_we_count_on():
    font = ImageFont.load_default(20)
    missing = bytes(font.getmask("塑"))
    assert [glyph for glyph in sorted(GLYPHS) if bytes(font.getmask(glyph)) == missing] == []


def test_paper_is_white():
    assert PAPER == "#ffffff"
