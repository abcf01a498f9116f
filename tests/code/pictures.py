"""Drawn pictures with much to see in them, for tests of the search for copies."""

import shutil
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont, ImageOps


def drawn(seed: int, width: int = 320, height: int = 240, shapes: int = 90) -> Image.Image:
    """Draw many-cornered, many-coloured shapes on clouds; different seeds share nothing."""
    random = np.random.default_rng(seed)
    clouds = random.integers(60, 200, (5, 6, 3), dtype=np.uint8)
    image = Image.fromarray(clouds).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(image)
    for _ in range(shapes):
        middle = random.integers(0, (width, height))
        corners = middle + random.integers(-26, 27, (random.integers(3, 7), 2))
        draw.polygon([tuple(corner) for corner in corners.tolist()], fill=tuple(random.integers(0, 256, 3).tolist()))
    return image


def lettered(image: Image.Image, text: str, places: list[tuple[int, int]], size: int = 24) -> Image.Image:
    """Lay a line of text over a picture, in white with a dark outline, at each of the places."""
    image = image.copy()
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size)
    for place in places:
        draw.text(place, text, "white", font, stroke_width=1, stroke_fill="black")
    return image


def two_classes(root: Path) -> Path:
    """Fill a folder: two classes, 8 train and 2 val photos each; one of val is also in train, another mirrored."""
    for c, name in enumerate(("hat", "can")):
        for i in range(10):
            path = root / ("train" if i < 8 else "val") / name / f"{i}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            drawn(100 * c + i, 120, 90, 40).save(path)
    shutil.copy(root / "train/hat/3.png", root / "val/hat/8.png")
    ImageOps.mirror(drawn(105, 120, 90, 40)).save(root / "val/can/9.png")
    return root


def plain(shade: int, size: tuple[int, int] = (200, 150)) -> Image.Image:
    return Image.new("RGB", size, (shade, shade, shade))
