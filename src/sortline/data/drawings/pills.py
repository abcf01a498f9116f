"""Capsules, tablets and blister packs."""

import numpy as np

from sortline.data.drawings.colours import Tint, dark, light, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, box, ellipse
from sortline.data.drawings.touches import star

PILLS = ("#d9363e", "#f2a33a", "#2f86c1", "#3fa796", "#7a5bb5", "#f4c430", "#e58aa8")


def capsules(pen: Pen, rng: np.random.Generator) -> None:
    colours = [pick(rng, PILLS), pick(rng, ("#fbf8f0", "#fbf8f0", "#f4e3b0", "#cfe3f2"))]
    spots = [(-0.5, -0.5), (0.5, -0.42), (0, 0.1), (-0.55, 0.6), (0.58, 0.58)]
    for x, y in spots[: int(rng.integers(3, 6))]:
        with pen.at(x + rng.uniform(-0.08, 0.08), y + rng.uniform(-0.08, 0.08), rng.uniform(0, 180), 0.62):
            _capsule(pen, *colours)


def tablets(pen: Pen, rng: np.random.Generator) -> None:
    tone, other = pick(rng, ("#fbf8f0", "#fbf8f0", *PILLS)), pick(rng, PILLS)
    spots = [(-0.5, -0.45), (0.35, -0.6), (0.1, 0.15), (-0.6, 0.45), (0.65, 0.3), (0.1, 0.85)]
    for place, (x, y) in enumerate(spots[: int(rng.integers(4, 7))]):
        with pen.at(x + rng.uniform(-0.06, 0.06), y + rng.uniform(-0.06, 0.06), rng.uniform(0, 180)):
            if place % 3 == 2:
                with pen.at(scale=0.42):
                    _capsule(pen, other, "#fbf8f0")
                continue
            pen.fill(ellipse(0.015, 0.045, 0.3), dark(tone, 0.4))
            pen.fill(ellipse(0, 0, 0.3), Fade((-0.2, -0.2), (0.25, 0.25), (light(tone, 0.5), tone, dark(tone, 0.12))))
            pen.outline(ellipse(0, 0, 0.25), 0.014, rgba(dark(tone, 0.3), 150))
            pen.stroke([(-0.23, 0), (0.23, 0)], 0.03, rgba(dark(tone, 0.4), 200))


def blister_pack(pen: Pen, rng: np.random.Generator) -> None:
    foil, tone = pick(rng, ("#c3c8ce", "#d6cfc0", "#b8c3cf", "#cfa98a")), pick(rng, (*PILLS, "#fbf8f0"))
    columns, rows, long = 2, int(rng.integers(3, 6)), rng.random() < 0.5
    high = 0.42 * rows
    pack = box(-0.62, 0, 0.62, high, 0.06)
    pen.fill(pack, Fade((-0.6, 0), (0.6, high), (light(foil, 0.5), foil, light(foil, 0.3), dark(foil, 0.15))))
    for row in range(1, rows):
        pen.stroke([(-0.6, row * 0.42), (0.6, row * 0.42)], 0.012, rgba(dark(foil, 0.4), 130))
    popped = int(rng.integers(0, columns * rows))
    for place in range(columns * rows):
        with pen.at(-0.31 + 0.62 * (place % 2), 0.21 + 0.42 * (place // 2)):
            well = ellipse(0, 0, 0.23, 0.15)
            pen.fill(well + (0.012, 0.025), rgba(dark(foil, 0.45), 160))
            pen.fill(well, light(foil, 0.55))
            if place == popped:
                pen.fill(star(0, 0, 0.15, 7, 0.5), dark(foil, 0.55))
                continue
            if long:
                with pen.at(scale=0.36):
                    _capsule(pen, tone, "#fbf8f0", turned=True)
            else:
                pen.fill(ellipse(0, 0, 0.115), Fade((-0.1, -0.1), (0.1, 0.1), (light(tone, 0.4), dark(tone, 0.15))))
            pen.stroke(ellipse(0, 0, 0.19, 0.115, 190, 260), 0.025, rgba("#ffffff", 190))


def _capsule(pen: Pen, left: Tint, right: Tint, turned: bool = False) -> None:
    """Draw a two-coloured capsule along x, 1.2 long and 0.46 thick."""
    body = box(-0.62, -0.25, 0.62, 0.25, 0.249)
    pen.fill(body + (0.02, 0.05), rgba("#2a1a3e", 70))
    pen.fill(body, left)
    with pen.inside(body):
        pen.fill(box(0.02, -1, 1, 1), right)
        pen.fill(box(-0.02, -1, 0.05, 1), rgba("#2a1a3e", 60))
    pen.fill(body, Fade((0, -0.25), (0, 0.25), (rgba("#ffffff", 70), rgba("#ffffff", 0), rgba("#2a1a3e", 120))))
    pen.stroke([(-0.4, -0.12), (0.1 if turned else 0.36, -0.12)], 0.06, rgba("#ffffff", 190))
