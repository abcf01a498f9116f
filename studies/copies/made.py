"""Copies as people make them: mirrored, turned, cropped, recoloured, written over, saved again."""

import io
import math
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

BICUBIC = Image.Resampling.BICUBIC
TEXTS = ("www.all-our-things.example", "SPECIAL OFFER - ORDER NOW", "call 555-0100 for prices")


def copy(image: Image.Image, how: dict[str, Any], random: np.random.Generator, saved: int) -> Image.Image:
    """Return an RGB image after each step of `how` that is there, in the order below, saved as JPEG and read again."""
    if how.get("mirror"):
        image = ImageOps.mirror(image)
    if "turn" in how:
        image = turned(image, how["turn"] * random.choice((-1, 1)), how.get("inside", False))
    if "crop" in how:
        image = cropped(image, how["crop"], random)
    for name, enhance in (("brightness", ImageEnhance.Brightness), ("contrast", ImageEnhance.Contrast),
                          ("colour", ImageEnhance.Color)):  # fmt: skip
        if name in how:
            image = enhance(image).enhance(how[name])
    if "hue" in how:
        hue, saturation, value = image.convert("HSV").split()
        hue = hue.point(lambda level: (level + how["hue"]) % 256)
        image = Image.merge("HSV", (hue, saturation, value)).convert("RGB")
    if "height" in how:
        size = image.width * how.get("width", 1), image.height * how["height"]
        image = image.resize([max(1, round(side)) for side in size], Image.Resampling.BOX)
    if "lines" in how:
        image = written_over(image, how["lines"], random)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=how.get("quality", saved))
    return Image.open(stream).convert("RGB")


def turned(image: Image.Image, degrees: float, inside: bool) -> Image.Image:
    """Turn to the left; what is uncovered is black, or cut away: the largest upright piece of the same shape stays."""
    width, height = image.size
    image = image.rotate(degrees, BICUBIC, expand=True)
    if not inside:
        return image
    sine, cosine = abs(math.sin(math.radians(degrees))), abs(math.cos(math.radians(degrees)))
    scale = min(width / (width * cosine + height * sine), height / (width * sine + height * cosine))
    half = 0.5 * scale * width, 0.5 * scale * height
    x, y = image.width / 2, image.height / 2
    return image.crop((math.ceil(x - half[0]), math.ceil(y - half[1]), int(x + half[0]), int(y + half[1])))


def cropped(image: Image.Image, share: float, random: np.random.Generator) -> Image.Image:
    """Cut out a piece of the same shape, anywhere, with `share` of the area."""
    size = [max(1, round(side * share**0.5)) for side in image.size]
    left, top = (int(random.integers(0, side - own + 1)) for side, own in zip(image.size, size, strict=True))
    return image.crop((left, top, left + size[0], top + size[1]))


def written_over(image: Image.Image, lines: int, random: np.random.Generator) -> Image.Image:
    """Lay text over: one line in white; or several, outlined, each in an eighth of the height."""
    image = image.copy()
    drawing = ImageDraw.Draw(image)
    tall = image.height / (8 if lines > 1 else 14)
    for line in range(lines):
        text = TEXTS[line]
        font = ImageFont.load_default(tall)
        # No wider than the picture.
        font = ImageFont.load_default(max(6, tall * min(1, 0.95 * image.width / font.getlength(text))))
        top = image.height * (line + 0.5) / lines if lines > 1 else image.height * random.uniform(0.1, 0.85)
        stroke = max(1, round(tall / 12)) if lines > 1 else 0
        place = (image.width - font.getlength(text)) / 2, min(top, image.height - tall)
        drawing.text(place, text, "white", font, stroke_width=stroke, stroke_fill="black")
    return image
