"""A small vector pen: shapes in free units, filled flat or with a gradient, painted with plain Pillow polygons."""

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from sortline.data.drawings.colours import Colour, Tint, rgba


@dataclass(frozen=True)
class Fade:
    """A gradient through evenly spaced colours, from `start` to `end`; radial: from the centre `start` out to `end`."""

    start: tuple[float, float]
    end: tuple[float, float]
    colours: tuple[Tint, ...]
    radial: bool = False


@dataclass(frozen=True)
class Shape:
    """A polygon (points float64 (n, 2)) with its paint, seen only inside `window` (points, or None for everywhere)."""

    points: np.ndarray
    paint: Colour | Fade
    window: np.ndarray | None = None

    @property
    def opacity(self) -> int:
        return min(colour[3] for colour in self.paint.colours) if isinstance(self.paint, Fade) else self.paint[3]


class Pen:
    """Collects shapes; x points right and y down, in units the drawing chooses (it is fitted to the picture later)."""

    def __init__(self) -> None:
        self.shapes: list[Shape] = []
        self._matrix = np.eye(3)
        self._window: np.ndarray | None = None

    def fill(self, points: np.ndarray | Sequence, paint: Tint | Fade) -> None:
        if isinstance(paint, Fade):
            start, end = map(tuple, moved(np.array([paint.start, paint.end], float), self._matrix).tolist())
            paint = Fade(start, end, tuple(map(rgba, paint.colours)), paint.radial)
        else:
            paint = rgba(paint)
        self.shapes.append(Shape(moved(np.asarray(points, float), self._matrix), paint, self._window))

    def stroke(self, points: np.ndarray | Sequence, width: float | Sequence[float], paint: Tint | Fade) -> None:
        """Draw a line with round ends; `width` may be one number for each point."""
        self.fill(band(points, width), paint)

    def outline(self, points: np.ndarray, width: float, paint: Tint) -> None:
        """Draw the edge of a closed shape, on its inside."""
        along = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
        side = along[:, ::-1] * (-width, width) / np.maximum(np.hypot(along[:, :1], along[:, 1:]), 1e-9)
        rings = [np.concatenate([ring, ring[:1]]) for ring in (points + side, points - side)]
        with self.inside(points):
            self.fill(np.concatenate([rings[0], rings[1][::-1]]), paint)

    @contextmanager
    def inside(self, points: np.ndarray | Sequence) -> Iterator[None]:
        """What is drawn in the block is seen only inside the polygon (inside the inner one, where blocks nest)."""
        before, self._window = self._window, moved(np.asarray(points, float), self._matrix)
        yield
        self._window = before

    @contextmanager
    def at(self, x: float = 0, y: float = 0, turn: float = 0, scale: float | tuple = 1, lean: float = 0):
        """Draw the block moved to (x, y), turned by degrees (clockwise), scaled, leaning (x grows by lean * y)."""
        before = self._matrix
        wide, high = scale if isinstance(scale, tuple) else (scale, scale)
        self._matrix = before @ placed(x, y, turn) @ np.array([[wide, lean * high, 0], [0, high, 0], [0, 0, 1]])
        yield
        self._matrix = before


def placed(x: float, y: float, turn: float) -> np.ndarray:
    """Return the 3 x 3 matrix that turns by degrees about the origin, then moves to (x, y)."""
    cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    return np.array([[cos, -sin, x], [sin, cos, y], [0, 0, 1]])


def moved(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return points @ matrix[:2, :2].T + matrix[:2, 2]


def ellipse(x: float, y: float, wide: float, high: float | None = None, start: float = 0, end: float = 360):
    """Return points of an ellipse by its half-axes, or of an arc of it, in degrees (0 is right, 90 is down)."""
    return _arc(start, end) * (wide, wide if high is None else high) + (x, y)


@functools.lru_cache(maxsize=256)
def _arc(start: float, end: float) -> np.ndarray:
    angles = np.radians(np.linspace(start, end, 49))
    return np.column_stack([np.cos(angles), np.sin(angles)])


def box(left: float, top: float, right: float, bottom: float, corner: float = 0) -> np.ndarray:
    """Return a rectangle, its corners rounded with radius `corner`."""
    if not corner:
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], float)
    centres = [(right - corner, top + corner, -90), (right - corner, bottom - corner, 0),
               (left + corner, bottom - corner, 90), (left + corner, top + corner, 180)]  # fmt: skip
    return np.concatenate([ellipse(x, y, corner, corner, start, start + 90)[::8] for x, y, start in centres])


def curve(points: Sequence, closed: bool = False, steps: int = 8) -> np.ndarray:
    """Return a smooth (Catmull-Rom) curve through the points; a point given twice makes a corner."""
    knots = np.asarray(points, float)
    if closed:
        knots = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        knots = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    t = (np.arange(steps) / steps)[:, None]
    p, q, r, s = (knots[at : len(knots) - 3 + at, None] for at in range(4))
    parts = 0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t**2 + (3 * q - p - 3 * r + s) * t**3)
    return np.concatenate([parts.reshape(-1, 2), knots[:0] if closed else knots[-2:-1]])


def lathe(profile: Sequence | np.ndarray) -> np.ndarray:
    """Return the outline of a turned body from its right-hand profile, top to bottom."""
    right = np.asarray(profile, float)
    return np.concatenate([right, right[::-1] * (-1, 1)])


def band(points: np.ndarray | Sequence, width: float | Sequence[float]) -> np.ndarray:
    """Return a line of the given width(s) as a polygon with round ends."""
    line = np.asarray(points, float)
    half = np.broadcast_to(np.asarray(width, float) / 2, len(line))[:, None]
    along = np.gradient(line, axis=0)
    along /= np.maximum(np.hypot(along[:, :1], along[:, 1:]), 1e-9)
    along, side = along * half, along[:, ::-1] * (-1, 1) * half
    cap = _arc(90, -90)[::6]
    last, first = (line[end] + sign * cap @ np.stack([along[end], side[end]]) for end, sign in ((-1, 1), (0, -1)))
    return np.concatenate([line + side, last, (line - side)[::-1], first])


def paint(shapes: Sequence[Shape], image: Image.Image, matrix: np.ndarray) -> None:
    """Paint shapes onto an RGB image; `matrix` (3 x 3) takes their units to pixels."""
    for _, group in itertools.groupby(shapes, key=lambda shape: id(shape.window)):
        same = list(group)
        if same[0].window is None:
            for shape in same:
                _paint(shape, image, matrix)
            continue
        window = moved(same[0].window, matrix)
        corner, size = _bounds(window, image.size)
        if min(size) <= 0:
            continue
        region = image.crop((*corner, corner[0] + size[0], corner[1] + size[1]))
        shift = placed(-corner[0], -corner[1], 0)
        for shape in same:
            _paint(shape, region, shift @ matrix)
        image.paste(region, corner, _mask(window - corner, size))


def _paint(shape: Shape, image: Image.Image, matrix: np.ndarray) -> None:
    points = moved(shape.points, matrix)
    if not isinstance(shape.paint, Fade):
        ImageDraw.Draw(image, "RGBA").polygon(_flat(points), fill=shape.paint)
        return
    corner, size = _bounds(points, image.size)
    if min(size) <= 0:
        return
    start, end = moved(np.array([shape.paint.start, shape.paint.end]), matrix) - corner
    colours = _fade(size, start, end, shape.paint)
    mask = ImageChops.multiply(_mask(points - corner, size), colours.getchannel("A"))
    image.paste(colours.convert("RGB"), corner, mask)


def _fade(size: tuple[int, int], start: np.ndarray, end: np.ndarray, fade: Fade) -> Image.Image:
    """Return the gradient as an RGBA image, by tables of 256 levels."""
    axis = end - start
    length = max(math.hypot(*axis), 1e-9)
    x, y = np.arange(size[0]) + 0.5 - start[0], (np.arange(size[1]) + 0.5 - start[1])[:, None]
    if fade.radial:
        share = np.sqrt((255 / length * x) ** 2 + (255 / length * y) ** 2)
    else:
        share = x * (255 * axis[0] / length**2) + y * (255 * axis[1] / length**2)
    levels = Image.fromarray(np.clip(share, 0, 255, out=share).astype(np.uint8))
    stops = np.linspace(0, 255, len(fade.colours))
    tables = (np.interp(np.arange(256), stops, channel) for channel in zip(*fade.colours, strict=True))
    return Image.merge("RGBA", [levels.point(np.round(table).astype(int).tolist()) for table in tables])


def _mask(points: np.ndarray, size: tuple[int, int]) -> Image.Image:
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).polygon(_flat(points), fill=255)
    return mask


def _bounds(points: np.ndarray, size: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the pixel corner and size of the part of the image the points can touch."""
    low = np.clip(np.floor(points.min(0)), 0, size).astype(int)
    high = np.clip(np.ceil(points.max(0)) + 1, 0, size).astype(int)
    return (int(low[0]), int(low[1])), (int(high[0] - low[0]), int(high[1] - low[1]))


def _flat(points: np.ndarray) -> list[int]:
    return np.round(points).astype(int).ravel().tolist()
