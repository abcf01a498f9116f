"""Contact sheets: photos in a grid, each with a caption; drawn with Pillow alone, the same on every machine."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from sortline._core.files import replacing

PAPER, MAT, INK = "#ffffff", "#f0f0f0", "#202020"
TILE = 160  # pixels a side, where a sheet says nothing else
GAP = 10  # pixels between tiles and around the sheet
FRAME = 5  # pixels; kept free where a tile has no frame, so that photos line up
ROWS_A_LINE = 2  # rows that one line of a caption may be wrapped to

# Pillow's built-in font (a subset of Aileron) has drawable ASCII and these; signs with an obvious stand-in come next.
GLYPHS = frozenset(map(chr, range(32, 127))) | frozenset("©«°±·»‘’“”…‹›™")
STAND_INS = str.maketrans({"×": "x", "–": "-", "—": "-", "−": "-", "→": "›", "←": "‹", "•": "·", "\t": " "})


@dataclass(frozen=True)
class Tile:
    """One photo of a sheet; `colour` (any Pillow colour, as "#1f77b4") draws a frame around it."""

    image: Image.Image
    caption: str
    colour: str | None = None


def contact_sheet(tiles: Sequence[Tile], columns: int, title: str = "", tile_size: int = TILE) -> Image.Image:
    """Return an RGB sheet of `tiles`, `columns` a row (at least 1), read left to right, under `title`.

    Each photo is fitted whole into `tile_size` x `tile_size` pixels. A caption's lines are parted by newlines;
    a long line is wrapped to two rows and ends in an ellipsis if that is not enough. Characters that the
    built-in font lacks (see `drawable`) become "?". No tiles: a sheet with the title alone.
    """
    font, title_font = _font(max(10, tile_size // 12)), _font(max(12, tile_size // 8))
    columns = min(columns, max(3, len(tiles)))
    cell = tile_size + 2 * FRAME
    width = columns * (cell + GAP) + GAP
    title_rows = _wrapped(title, title_font, width - 2 * GAP, rows=3)
    captions = [
        [row for line in tile.caption.split("\n") for row in _wrapped(line, font, cell, ROWS_A_LINE)] for tile in tiles
    ]
    # A row of tiles is as high as its longest caption.
    lines = [captions[start : start + columns] for start in range(0, len(tiles), columns)]
    heights = [cell + GAP // 2 + max(map(len, line)) * _row_height(font) + GAP for line in lines]
    top = GAP + len(title_rows) * _row_height(title_font) + (GAP if title_rows else 0)

    sheet = Image.new("RGB", (width, top + sum(heights)), PAPER)
    draw = ImageDraw.Draw(sheet)
    _write(draw, (GAP, GAP), title_rows, title_font)
    for i, (tile, caption) in enumerate(zip(tiles, captions, strict=True)):
        left = GAP + (i % columns) * (cell + GAP)
        y = top + sum(heights[: i // columns])
        _place(sheet, draw, tile, left, y, tile_size)
        _write(draw, (left, y + cell + GAP // 2), caption, font)
    return sheet


def save(sheet: Image.Image, path: Path) -> None:
    with replacing(path) as temporary:
        sheet.save(temporary)


def shown(names: Sequence[str], label: int) -> str:
    """Return a class's name, or its number (as in classes.csv of prepare) if the sheets' font cannot show the name."""
    return f"class {label}" if "?" in drawable(names[label]) else names[label]


def drawable(text: str) -> str:
    """Return `text` in the characters of Pillow's built-in font.

    Accents are dropped and full-width forms narrowed (Unicode NFKD); each run of other characters, such as
    Chinese, becomes one "?".
    """
    plain = unicodedata.normalize("NFKD", text.translate(STAND_INS))
    letters: list[str] = []
    lost = False
    for letter in plain:
        if letter in GLYPHS:
            letters.append(letter)
            lost = False
        elif not unicodedata.combining(letter):
            if not lost:
                letters.append("?")
            lost = True
    return "".join(letters)


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # Pillow's bitmap font would be the answer without FreeType
    return font


def _row_height(font: ImageFont.FreeTypeFont) -> int:
    return sum(font.getmetrics()) + 1


def _wrapped(line: str, font: ImageFont.FreeTypeFont, width: int, rows: int) -> list[str]:
    """Break `line` at spaces into at most `rows` rows of `width` pixels; what is left over becomes an ellipsis."""
    words = drawable(line).split()
    lines: list[str] = []
    while words and len(lines) < rows - 1:
        count = 1
        while count < len(words) and font.getlength(" ".join(words[: count + 1])) <= width:
            count += 1
        lines.append(_ellipsised(" ".join(words[:count]), font, width))
        words = words[count:]
    return [*lines, _ellipsised(" ".join(words), font, width)] if words else lines


def _ellipsised(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


def _write(draw: ImageDraw.ImageDraw, at: tuple[int, int], rows: Sequence[str], font: ImageFont.FreeTypeFont) -> None:
    for i, row in enumerate(rows):
        draw.text((at[0], at[1] + i * _row_height(font)), row, fill=INK, font=font)


def _place(sheet: Image.Image, draw: ImageDraw.ImageDraw, tile: Tile, left: int, top: int, size: int) -> None:
    if tile.colour:
        end = size + 2 * FRAME - 1
        draw.rectangle((left, top, left + end, top + end), fill=tile.colour)
    left, top = left + FRAME, top + FRAME
    draw.rectangle((left, top, left + size - 1, top + size - 1), fill=MAT)
    scale = size / max(tile.image.size)
    width, height = (max(1, round(side * scale)) for side in tile.image.size)
    photo = tile.image.convert("RGB").resize((width, height), Image.Resampling.LANCZOS)
    sheet.paste(photo, (left + (size - photo.width) // 2, top + (size - photo.height) // 2))
