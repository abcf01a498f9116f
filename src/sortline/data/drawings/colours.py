"""Colours of the drawings: mixing them, and the palettes the objects and rooms are picked from."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from PIL import ImageColor

Colour = tuple[int, int, int, int]
Tint = str | Colour
T = TypeVar("T")

BRIGHT = ("#e4572e", "#f2a33a", "#f4c430", "#3fa796", "#2f86c1", "#5b5fc7", "#c94f7c", "#6aa84f", "#d9363e", "#274060")
PASTEL = ("#f3c6c0", "#cfe3d4", "#bcd7ea", "#f6e2b3", "#d9cdec", "#f5f0e6", "#ffd9a8")
ROOM = (
    "#e3d3b8",
    "#b9cfc0",
    "#a8c3d6",
    "#d8b5ad",
    "#c5bbd8",
    "#93a8aa",
    "#c4ae94",
    "#7d9a94",
    "#72829a",
    "#dfc58c",
    "#b77f70",
    "#5d6b79",
    "#cdcbc6",
    "#8d9b6f",
    "#a08aa0",
)
WOOD = ("#c89b6a", "#a8794e", "#d9b382", "#8a6244", "#bfa07a")
CLEAR: Colour = (255, 255, 255, 0)


def rgba(colour: Tint, alpha: int | None = None) -> Colour:
    """Return a colour ("#rrggbb" or a tuple) as red, green, blue, alpha, each 0..255."""
    red, green, blue, opacity = ImageColor.getcolor(colour, "RGBA") if isinstance(colour, str) else colour
    return red, green, blue, opacity if alpha is None else alpha


def mix(first: Tint, second: Tint, share: float) -> Colour:
    """Return `first` with `share` (0..1) of `second` mixed in."""
    return tuple(round(a + (b - a) * share) for a, b in zip(rgba(first), rgba(second), strict=True))


def dark(colour: Tint, share: float = 0.25) -> Colour:
    """Return the colour in shade: towards a deep plum, which looks warmer than black."""
    return mix(colour, rgba("#2a1a3e", rgba(colour)[3]), share)


def light(colour: Tint, share: float = 0.3) -> Colour:
    """Return the colour in light: towards a warm white."""
    return mix(colour, rgba("#fffaf0", rgba(colour)[3]), share)


def pick(rng: np.random.Generator, options: Sequence[T]) -> T:
    return options[int(rng.integers(len(options)))]
