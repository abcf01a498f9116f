"""The random crop of a photo (Szegedy et al. 2015, arXiv:1409.4842, section 6), for views and for training."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image

from sortline.config.augment import CropParams

TRIES = 10

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels, not rounded


def extent(scale: Sequence[float], ratio: Sequence[float], draws: Sequence[float]) -> tuple[float, float]:
    """Return a crop's width and height as shares of the photo's; above 1 it does not fit.

    `draws`, 0 .. 1: where between the two of `scale` its area is, and its logarithmic width to height in `ratio`.
    """
    area = scale[0] + (scale[1] - scale[0]) * draws[0]
    narrow, wide = map(math.log, ratio)
    shape = math.exp(narrow + (wide - narrow) * draws[1])
    return math.sqrt(area * shape), math.sqrt(area / shape)


def box_at(size: tuple[int, int], extent: tuple[float, float], draws: Sequence[float]) -> Box:
    """Return the crop of that `extent` in a photo of `size` (width, height); `draws`, 0 .. 1, say how far along."""
    width, height = (share * side for share, side in zip(extent, size, strict=True))
    left, top = draws[0] * (size[0] - width), draws[1] * (size[1] - height)
    return left, top, min(size[0], left + width), min(size[1], top + height)


def cut(image: Image.Image, box: Box, size: int, flip: bool) -> Image.Image:
    """Return the crop as size x size pixels, by Pillow's BILINEAR filter, which antialiases; `flip`: left for right."""
    image = image.resize((size, size), Image.Resampling.BILINEAR, box=box)
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else image


def crop(images: np.ndarray, params: CropParams, generator: np.random.Generator) -> np.ndarray:
    """Return uint8 (n, S, S, 3), each photo a crop of its own, flipped by chance."""
    side = images.shape[1]
    found = np.empty_like(images)
    for i, image in enumerate(images):
        box = draw_box(side, params, generator)
        found[i] = cut(Image.fromarray(image), box, side, flip=generator.random() < params.flip)
    return found


def draw_box(side: int, params: CropParams, generator: np.random.Generator) -> Box:
    """Return a crop inside a square photo; the whole photo after TRIES that would not fit."""
    for _ in range(TRIES):
        shares = extent(params.scale, params.ratio, generator.random(2).tolist())
        if max(shares) <= 1:
            return box_at((side, side), shares, generator.random(2).tolist())
    return 0, 0, side, side
