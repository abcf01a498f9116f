"""What happens to photos that people take with a phone. As in `imagenet_c`: uint8 RGB (S, S, 3), a severity 1 to 5."""

from functools import cache

import numpy as np
from PIL import Image, ImageDraw

from sortline.data.images import resize
from sortline.evaluation.imagenet_c import SEED, by_value, whole

MARKS = 150  # ellipses, boxes and lines of a cluttered ground


def turned(pixels: np.ndarray, severity: int) -> np.ndarray:
    """A quarter to the right, as where the phone was held upright and the file does not say so; one severity."""
    return np.ascontiguousarray(np.rot90(pixels, -1))


def half_in_shadow(pixels: np.ndarray, severity: int) -> np.ndarray:
    """The light times 0.7 down to 0.2 on the right of a slanted edge, which is soft over a tenth of the side."""
    return whole(pixels * _light(len(pixels), severity))


@cache
def _light(side: int, severity: int) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side] / side - 0.5
    shade = np.clip((columns + 0.3 * rows) / 0.1 + 0.5, 0, 1)
    return np.stack([1 - shade * (1 - (0.7, 0.55, 0.4, 0.3, 0.2)[severity - 1])] * 3, -1)


def white_balance(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Lamplight taken for daylight: red times 1.1 to 1.5, blue divided by as much."""
    gain = 1 + severity / 10
    return by_value(pixels, lambda values: values * np.array([gain, 1, 1 / gain]))


def small(pixels: np.ndarray, severity: int) -> np.ndarray:
    """From far away: 0.8 down to 0.3 of the side, on a ground of the border's mean colour."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    ground = np.broadcast_to(whole(border.mean(0)), pixels.shape)
    return _laid_on(ground, pixels, (0.8, 0.65, 0.5, 0.4, 0.3)[severity - 1])


def cut_off(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Too near and aside: the upper left 0.9 down to 0.5 of the side."""
    side = round(len(pixels) * (0.9, 0.8, 0.7, 0.6, 0.5)[severity - 1])
    return resize(Image.fromarray(pixels[:side, :side]), len(pixels))


def cluttered(pixels: np.ndarray, severity: int) -> np.ndarray:
    """0.85 down to 0.45 of the side, on a ground of drawn things in any colours."""
    return _laid_on(_ground(len(pixels)), pixels, (0.85, 0.75, 0.65, 0.55, 0.45)[severity - 1])


def _laid_on(ground: np.ndarray, pixels: np.ndarray, share: float) -> np.ndarray:
    """Return the picture, `share` of the side, in the middle of `ground`."""
    side = max(1, round(len(pixels) * share))
    start = (len(pixels) - side) // 2
    found = ground.copy()
    found[start : start + side, start : start + side] = resize(Image.fromarray(pixels), side)
    return found


@cache
def _ground(side: int) -> np.ndarray:
    draws = np.random.default_rng(SEED)
    image = Image.new("RGB", (side, side), (128, 128, 128))
    pen = ImageDraw.Draw(image)
    for number in range(MARKS):
        left, top, width, height = (side * draws.uniform(size=4) * (1.2, 1.2, 0.25, 0.25)).tolist()
        left, top = left - 0.1 * side, top - 0.1 * side
        colour = tuple(draws.integers(0, 256, 3).tolist())
        box = (left, top, left + width, top + height)
        if number % 3:
            (pen.ellipse, pen.rectangle)[number % 2](box, fill=colour)
        else:
            pen.line(box, fill=colour, width=max(1, side // 60))
    return np.array(image)
