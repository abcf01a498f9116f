"""A toy set, drawn: eight shapes and patterns, to run the line without data."""

from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from sortline._core.files import sha256_file
from sortline.config.fetch import Fetched, Source

FINE = 2  # each pixel is the mean of so many by so many points
SPECKS = 4  # spots of other colours, which mean nothing

Array = np.ndarray


def _turned(u: Array, v: Array, corners: int) -> tuple[Array, Array]:
    """Return the points after turns by a part of a circle that bring each into the sector about the u axis, folded."""
    half = np.pi / corners
    angle = np.abs((np.arctan2(v, u) + half) % (2 * half) - half)
    radius = np.hypot(u, v)
    return radius * np.cos(angle), radius * np.sin(angle)


def _star(u: Array, v: Array, share: float) -> Array:
    # Below the line from a tip, (1, 0), to the notch beside it.
    along, across = _turned(u, v, 5)
    notch = 0.35 + 0.1 * share
    x, y = notch * np.cos(np.pi / 5), notch * np.sin(np.pi / 5)
    return across * (1 - x) < y * (1 - along)


def _cross(u: Array, v: Array, share: float) -> Array:
    short, long = np.minimum(np.abs(u), np.abs(v)), np.maximum(np.abs(u), np.abs(v))
    return (long < 1) & (short < 0.2 + 0.12 * share)


def _stripes(u: Array, v: Array, share: float) -> Array:
    bands = 2.5 + share
    return (np.maximum(np.abs(u), np.abs(v)) < 0.95) & (u * bands % 1 < 0.5)


def _dots(u: Array, v: Array, share: float) -> Array:
    """Nine of them, in three rows."""
    inside = np.maximum(np.abs(u), np.abs(v)) < 0.99
    return inside & (np.hypot((u * 1.5 + 0.5) % 1 - 0.5, (v * 1.5 + 0.5) % 1 - 0.5) < 0.25 + 0.1 * share)


# For each class: which points (u, v) are in it. It is about the origin and about 1 large; `share`, 0 to 1, varies it.
SHAPES: dict[str, Callable[[Array, Array, float], Array]] = {
    "circle": lambda u, v, share: np.hypot(u, v) < 0.9,
    "ring": lambda u, v, share: np.abs(np.hypot(u, v) - 0.75) < 0.12 + 0.1 * share,
    "square": lambda u, v, share: np.maximum(np.abs(u), np.abs(v)) < 0.8,
    "triangle": lambda u, v, share: _turned(u, v, 3)[0] < 0.6,
    "star": _star,
    "cross": _cross,
    "stripes": _stripes,
    "dots": _dots,
}


class Toy(Source):
    former_kind: ClassVar[str | None] = "drawn"
    note: ClassVar[str] = "built-in sample: proves the pipeline, not the accuracy"

    kind: Literal["toy"]
    per_class: int = Field(24, ge=1, le=1000, description="pictures of each class")
    # Not `size`: DVC leaves keys of that name out when it looks for a run that it has done before.
    side: int = Field(128, ge=16, le=1024, description="of a picture, in pixels")
    seed: int = Field(1, ge=0, description="of the drawing")

    def fetch(self, out: Path, downloads: Path, data_folder: Path | None) -> Fetched:
        files = draw(out, self.per_class, self.side, self.seed)
        return Fetched("sample", {path.relative_to(out).as_posix(): sha256_file(path) for path in files})


def draw(out: Path, per_class: int, side: int, seed: int) -> list[Path]:
    """Write `out/<class>/<nn>.png`, RGB, `side` x `side` pixels, each by the seed, its class and its number alone."""
    paths = []
    for name in SHAPES:
        (out / name).mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            paths.append(out / name / f"{number:02d}.png")
            # Level 3 halves the time of the default 6 for 3 % more bytes.
            picture(name, number, side, seed).save(paths[-1], compress_level=3)
    return paths


def picture(name: str, number: int, side: int, seed: int) -> Image.Image:
    """Draw picture `number` of a class: its shape, dark on a light, shaded ground with specks and noise; RGB."""
    rng = np.random.default_rng([seed, list(SHAPES).index(name), number])
    steps = (np.arange(side * FINE) + 0.5) / (side * FINE) * 2 - 1  # -1 to 1 over the picture
    x, y = np.meshgrid(steps, steps)
    ground = rng.uniform(200, 240, 3) + rng.uniform(-15, 15, (2, 3))
    along, _ = _rotated(x, y, rng)
    pixels = ground[0] + (ground[1] - ground[0]) * (along[..., None] / 3 + 0.5)
    for left, top in rng.uniform(-0.95, 0.95, (SPECKS, 2)):
        pixels[np.hypot(x - left, y - top) < rng.uniform(0.03, 0.07)] = rng.uniform(0, 255, 3)
    scale = rng.uniform(0.45, 0.75)
    left, top = rng.uniform(-0.9, 0.9, 2) * (1 - scale)
    u, v = _rotated((x - left) / scale, (y - top) / scale, rng)
    pixels[SHAPES[name](u, v, rng.uniform())] = rng.uniform(10, 110, 3)
    pixels = pixels.reshape(side, FINE, side, FINE, 3).mean((1, 3))
    pixels += rng.normal(0, rng.uniform(2, 10), pixels.shape)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def _rotated(x: Array, y: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    angle = rng.uniform(0, 2 * np.pi)
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
