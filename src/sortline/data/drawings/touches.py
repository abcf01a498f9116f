"""Touches that many drawings share: the sheen of a round body, glass, spots and stains, lines of print."""

import numpy as np

from sortline.data.drawings.colours import BRIGHT, CLEAR, Tint, dark, light, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, box, curve, ellipse

INK = "#3a3440"


def sheen(pen: Pen, outline: np.ndarray, left: float, right: float, strength: float = 1) -> None:
    """Shade a turned body between two x: a bright streak left of the middle, dark at both sides."""
    shadow, glow = rgba("#2a1a3e", round(105 * strength)), rgba("#fffaf0", round(120 * strength))
    soft = rgba("#2a1a3e", round(30 * strength))
    pen.fill(outline, Fade((left, 0), (right, 0), (shadow, CLEAR, glow, CLEAR, rgba("#2a1a3e", 0), soft, shadow)))


def glass(pen: Pen, outline: np.ndarray, tint: Tint, alpha: int, edge: float = 0.03) -> None:
    """Fill a see-through body, thicker towards its edge."""
    pen.fill(outline, rgba(tint, alpha))
    pen.outline(outline, 2.2 * edge, rgba(dark(tint, 0.15), 70))
    pen.outline(outline, edge, rgba(dark(tint, 0.35), 190))


def glint(pen: Pen, points: list, width: float, alpha: int = 190) -> None:
    """Draw a reflection: a soft white streak."""
    pen.stroke(curve(points), width, rgba("#ffffff", alpha))


def blot(rng: np.random.Generator, x: float, y: float, radius: float, rough: float = 0.3, knots: int = 9) -> np.ndarray:
    """Return an irregular round outline."""
    angles = np.linspace(0, 2 * np.pi, knots, endpoint=False)
    radii = radius * rng.uniform(1 - rough, 1 + rough, knots)
    return curve(np.column_stack([x + radii * np.cos(angles), y + radii * np.sin(angles)]), closed=True, steps=5)


def stains(pen: Pen, rng: np.random.Generator, outline: np.ndarray, count: int, colours: tuple[str, ...]) -> None:
    """Spill dirt on a shape: blots with a paler rim and a few splashes."""
    low, high = outline.min(0), outline.max(0)
    with pen.inside(outline):
        for _ in range(count):
            x, y = rng.uniform(low + 0.2 * (high - low), high - 0.2 * (high - low))
            radius, tone = rng.uniform(0.07, 0.16) * max(high - low), pick(rng, colours)
            pen.fill(blot(rng, x, y, radius), rgba(tone, 110))
            pen.fill(blot(rng, x, y, radius * 0.75), rgba(tone, 150))
            for _ in range(4):
                dx, dy = rng.normal(0, radius, 2)
                pen.fill(blot(rng, x + dx, y + dy, radius * rng.uniform(0.08, 0.2), knots=6), rgba(tone, 160))


def print_lines(
    pen: Pen,
    rng: np.random.Generator,
    left: float,
    top: float,
    right: float,
    bottom: float,
    step: float = 0.09,
    ink: Tint = INK,
    alpha: int = 170,
) -> None:
    """Fill a rectangle with lines of print, as rows of bars; the last is short."""
    rows = np.arange(top, bottom, step)
    for y in rows:
        end = left + (right - left) * (rng.uniform(0.35, 0.7) if y == rows[-1] else rng.uniform(0.9, 1))
        pen.fill(box(left, y, end, y + step * 0.42), rgba(ink, alpha))


def speckle(pen: Pen, rng: np.random.Generator, outline: np.ndarray, count: int, size: float, tone: Tint) -> None:
    """Sprinkle small dots over a shape."""
    low, high = outline.min(0), outline.max(0)
    with pen.inside(outline):
        for x, y in rng.uniform(low, high, (count, 2)):
            half = size * rng.uniform(0.5, 1.2)
            pen.fill([(x - half, y), (x, y - half), (x + half, y), (x, y + half)], tone)


def tape(pen: Pen, points: list, width: float) -> None:
    """Lay a strip of clear brown tape."""
    pen.stroke(points, width, rgba("#e8c98c", 200))
    pen.stroke(points, width * 0.15, rgba(light("#e8c98c", 0.6), 160))


def drum(upper: float, top: float, lower: float, bottom: float, bulge: float) -> np.ndarray:
    """Return the outline of an upright round tin seen a little from above; `upper` and `lower` are its half-widths."""
    return np.concatenate([ellipse(0, top, upper, bulge, 180, 360), ellipse(0, bottom, lower, bulge, 0, 180)])


def belt(upper: float, top: float, lower: float, bottom: float, bulge: float) -> np.ndarray:
    """Return the front of a ring round such a tin, between two heights."""
    return np.concatenate([ellipse(0, top, upper, bulge, 180, 0), ellipse(0, bottom, lower, bulge, 0, 180)])


def star(x: float, y: float, radius: float, points: int = 5, depth: float = 0.45) -> np.ndarray:
    """Return a star; with a depth near 1 it is a burst."""
    angles = np.linspace(-np.pi / 2, 1.5 * np.pi, 2 * points, endpoint=False)
    radii = np.where(np.arange(2 * points) % 2, radius * depth, radius)
    return np.column_stack([x + radii * np.cos(angles), y + radii * np.sin(angles)])


def emblem(pen: Pen, rng: np.random.Generator, x: float, y: float, radius: float, tone: Tint) -> None:
    """Draw a small sign of a made-up brand."""
    kind = int(rng.integers(5))
    if kind == 0:
        pen.fill(star(x, y, radius), tone)
    elif kind == 1:
        pen.fill(ellipse(x, y, radius * 0.8), tone)
        pen.fill(ellipse(x, y, radius * 0.5), light(tone, 0.6))
    elif kind == 2:
        pen.fill(curve([(x, y - radius), (x, y - radius), (x + 0.7 * radius, y + 0.3 * radius), (x, y + 0.9 * radius),
                        (x - 0.7 * radius, y + 0.3 * radius)], closed=True), tone)  # fmt: skip
    elif kind == 3:
        bolt = [(0.2, -1), (-0.6, 0.2), (-0.05, 0.2), (-0.2, 1), (0.6, -0.25), (0.05, -0.25)]
        pen.fill([(x + radius * a, y + radius * b) for a, b in bolt], tone)
    else:
        pen.fill(star(x, y, radius, 9, 0.72), tone)
        pen.fill(ellipse(x, y, radius * 0.45), dark(tone, 0.3))


def gloss(pen: Pen, body: np.ndarray, half: float) -> None:
    sheen(pen, body, -half, half, 0.45)
    with pen.inside(body):
        glint(pen, [(-0.62 * half, -0.5), (-0.7 * half, 0.2), (-0.68 * half, 0.86)], 0.06, 170)
        glint(pen, [(0.72 * half, -0.3), (0.75 * half, 0.5)], 0.03, 110)


def paper_label(pen: Pen, rng: np.random.Generator, half: float, top: float, bottom: float) -> None:
    """Stick a paper label on the front: a small picture and lines of print."""
    tone, paper = pick(rng, BRIGHT), pick(rng, ("#f7efdc", "#fbf8f0", "#efe3c8"))
    pen.fill(belt(half, top, half, bottom, 0.04), paper)
    pen.fill(belt(half, bottom - 0.1, half, bottom - 0.05, 0.04), tone)
    emblem(pen, rng, 0, top + 0.18, 0.1, tone)
    print_lines(pen, rng, -0.55 * half, top + 0.32, 0.55 * half, bottom - 0.1, 0.07, INK)
