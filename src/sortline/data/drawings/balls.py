"""Basketballs."""

import numpy as np

from sortline.data.drawings.colours import dark, light, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, ellipse
from sortline.data.drawings.touches import blot, speckle


def basketball(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, ("#e07b2f", "#d9682a", "#c2592a", "#e8944a", "#b5502c"))
    _ball(pen, rng, tone, pick(rng, ("#2b2320", "#3a2a22", "#1f1f26")))


def two_tone_ball(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, ("#d8702e", "#c9432f", "#2f6fb0", "#7a4fa0"))
    _ball(pen, rng, tone, "#2b2320", panel=pick(rng, ("#f3ead6", "#f0c24b", "#2f3f6f")))


def flat_ball(pen: Pen, rng: np.random.Generator) -> None:
    """Draw an old ball that lost its air."""
    tone = pick(rng, ("#b5632f", "#a85428", "#c47a45"))
    with pen.at(scale=(1, rng.uniform(0.84, 0.92))):
        _ball(pen, rng, tone, "#2b2320", worn=True)
        with pen.at(rng.uniform(-0.3, 0.3), -0.6, rng.uniform(-20, 20)):
            pen.fill(
                ellipse(0, 0, 0.5, 0.24),
                Fade((0, -0.24), (0, 0.24), (dark(tone, 0.45), dark(tone, 0.1), light(tone, 0.3))),
            )


def _ball(
    pen: Pen, rng: np.random.Generator, tone: str, seam: str, panel: str | None = None, worn: bool = False
) -> None:
    """Draw a ball: seams are circles on a sphere, turned in space."""
    disc = ellipse(0, 0, 1)
    pen.fill(disc, tone)
    tilt = _turned(rng.uniform(-0.5, 0.5), 0) @ _turned(rng.uniform(-0.5, 0.5), 1) @ _turned(rng.uniform(0, 3), 2)
    t = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    ring = np.column_stack([np.zeros(72), np.sin(t), np.cos(t)])
    x = 0.58 - 0.16 * np.cos(2 * t)
    side = np.column_stack([x, np.sqrt(1 - x**2) * np.sin(t), np.sqrt(1 - x**2) * np.cos(t)])
    left, right = side @ tilt, (side * (-1, 1, 1)) @ tilt
    with pen.inside(disc):
        if panel:
            for path in (left, right):
                edge = path[:, :2] / np.maximum(np.hypot(path[:, :1], path[:, 1:2]), 1e-6)
                pen.fill(np.where(path[:, 2:] > 0, path[:, :2], edge), panel)
        for path in (ring @ tilt, ring[:, [1, 0, 2]] @ tilt, left, right):
            front = path[:, 2] > 0
            path = np.roll(path, -int(np.argmax(front & ~np.roll(front, 1))), axis=0)
            path = np.concatenate([path, path[:1]])
            for run in np.split(path, np.flatnonzero(np.diff(path[:, 2] > 0)) + 1):
                if run[0, 2] > 0 and len(run) > 1:
                    pen.stroke(run[:, :2], 0.055, seam)
        speckle(pen, rng, disc, 90, 0.018, rgba(dark(tone, 0.4), 110))
        if worn:
            for x, y in rng.uniform(-0.7, 0.7, (5, 2)):
                pen.fill(blot(rng, x, y, rng.uniform(0.06, 0.16)), rgba("#e8d8c0", 80))
    pen.fill(
        disc,
        Fade(
            (-0.35, -0.4),
            (0.75, 0.85),
            (rgba("#fff3e0", 90), rgba("#fff3e0", 0), rgba("#2a1a3e", 50), rgba("#2a1a3e", 150)),
            radial=True,
        ),
    )
    pen.fill(ellipse(-0.4, -0.5, 0.2, 0.13), rgba("#ffffff", 60))


def _turned(angle: float, axis: int) -> np.ndarray:
    """Return the 3 x 3 rotation by an angle (radians) about a coordinate axis."""
    first, second = [other for other in range(3) if other != axis]
    matrix = np.eye(3)
    matrix[[first, second], [first, second]] = np.cos(angle)
    matrix[first, second], matrix[second, first] = -np.sin(angle), np.sin(angle)
    return matrix
