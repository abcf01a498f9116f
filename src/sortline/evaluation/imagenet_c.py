"""Corruptions of ImageNet-C that `corruptions` has not: Hendrycks and Dietterich 2019, arXiv:1903.12261.

Their strengths are those of its published program, for pictures of 224 pixels; lengths are in proportion to the side.
Each takes uint8 RGB (S, S, 3) and a severity, 1 to 5, and returns the same; what is drawn is the same on every picture,
and so it is drawn once.
"""

from collections.abc import Callable
from functools import cache

import cv2
import numpy as np
from PIL import Image

SEED = 0
SIDE = 224


def whole(pixels: np.ndarray) -> np.ndarray:
    """Round to uint8, what lies outside clipped."""
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def mean_colour(pixels: np.ndarray) -> np.ndarray:
    """Return each channel's mean, float64 (3,)."""
    return np.array(cv2.sumElems(pixels)[:3]) / (pixels.size // 3)  # the sums are whole numbers, and exact


def by_value(pixels: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return uint8 `change` of the pixels, worked out of the 256 values that a channel may have, and looked up."""
    values = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None, None], (256, 1, 3))
    return cv2.LUT(pixels, whole(change(values)))


def shot_noise(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Poisson's, as of little light: 60 down to 3 photons for full white."""
    photons = (60, 25, 12, 5, 3)[severity - 1]
    return whole(np.random.default_rng(SEED).poisson(pixels / 255 * photons) / photons * 255)


def impulse_noise(pixels: np.ndarray, severity: int) -> np.ndarray:
    """3 to 27 % of the values black or white."""
    drawn = _uniform(pixels.shape)
    share = (0.03, 0.06, 0.09, 0.17, 0.27)[severity - 1]
    return np.where(drawn < share / 2, 0, np.where(drawn < share, 255, pixels)).astype(np.uint8)


@cache
def _uniform(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(SEED).random(shape, np.float32)


def defocus(pixels: np.ndarray, severity: int) -> np.ndarray:
    """A disc of 3 to 10 pixels' radius."""
    return cv2.filter2D(pixels, -1, _disc(len(pixels), severity), borderType=cv2.BORDER_REFLECT_101)


@cache
def _disc(side: int, severity: int) -> np.ndarray:
    radius = (3, 4, 6, 8, 10)[severity - 1] * side / SIDE
    steps = np.arange(-int(radius + 1), int(radius + 1) + 1)
    # A pixel at the edge counts as far as the disc reaches into it.
    disc = np.clip(radius + 0.5 - np.hypot(steps[:, None], steps), 0, 1)
    return disc / disc.sum()


def motion(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Blurred along a line, as by a hand that moves: half of a Gaussian of 3 to 15 pixels, at most 45 degrees steep."""
    return cv2.filter2D(pixels, -1, _line(len(pixels), severity), borderType=cv2.BORDER_REFLECT_101)


@cache
def _line(side: int, severity: int) -> np.ndarray:
    length, sigma = ((21, 3), (31, 5), (31, 8), (31, 12), (41, 15))[severity - 1]
    scale = side / SIDE
    angle = np.random.default_rng(SEED).uniform(-np.pi / 4, np.pi / 4)
    along = np.arange(0, length * scale, 0.25)
    weights = np.exp(-0.5 * (along / (sigma * scale)) ** 2)
    reach = int(length * scale) + 1
    edges = (np.arange(-reach, reach + 2) - 0.5).tolist()
    line, _, _ = np.histogram2d(np.sin(angle) * along, np.cos(angle) * along, [edges, edges], weights=weights)
    return line / line.sum()


def contrast(pixels: np.ndarray, severity: int) -> np.ndarray:
    """0.4 down to 0.05 of each channel's distance from its mean."""
    mean = mean_colour(pixels)
    return by_value(pixels, lambda values: mean + (values - mean) * (0.4, 0.3, 0.2, 0.1, 0.05)[severity - 1])


def pixelate(pixels: np.ndarray, severity: int) -> np.ndarray:
    """Made smaller, 0.6 down to 0.25 of the side, and enlarged without smoothing."""
    side = len(pixels)
    few = max(1, int(side * (0.6, 0.5, 0.4, 0.3, 0.25)[severity - 1]))
    small = Image.fromarray(pixels).resize((few, few), Image.Resampling.BOX)
    return np.array(small.resize((side, side), Image.Resampling.NEAREST))
