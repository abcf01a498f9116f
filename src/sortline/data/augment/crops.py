"""Random crops of photos, resized back, and flips: what a net that is trained from photos sees."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

TRIES = 10


@dataclass(frozen=True)
class Crops:
    """`scale`: share of the area that a crop keeps; `ratio`: its width to height; `flip`: chance of left for right."""

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (0.75, 4 / 3)
    flip: float = 0.5


def crop(images: np.ndarray, how: Crops, generator: np.random.Generator) -> np.ndarray:
    """Return uint8 (n, S, S, 3), each photo a crop of its own (Szegedy et al. 2015, arXiv:1409.4842, section 6)."""
    side = images.shape[1]
    found = np.empty_like(images)
    for place, image in enumerate(images):
        box = draw_box(side, how, generator)
        cut = Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR, box=box)
        found[place] = np.asarray(cut)[:, :: -1 if generator.random() < how.flip else 1]
    return found


def draw_box(side: int, how: Crops, generator: np.random.Generator) -> tuple[float, float, float, float]:
    """Return (left, top, right, bottom) inside a square photo; the whole photo after TRIES that would not fit."""
    for _ in range(TRIES):
        area = generator.uniform(*how.scale) * side * side
        ratio = math.exp(generator.uniform(*np.log(how.ratio)))
        width, height = math.sqrt(area * ratio), math.sqrt(area / ratio)
        if width <= side and height <= side:
            left, top = generator.uniform(0, side - width), generator.uniform(0, side - height)
            return left, top, left + width, top + height
    return 0, 0, side, side
