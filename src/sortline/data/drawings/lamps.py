"""Fluorescent lamps."""

import numpy as np

from sortline.data.drawings.colours import dark, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, box, curve, ellipse
from sortline.data.drawings.touches import sheen


def tube_lamp(pen: Pen, rng: np.random.Generator) -> None:
    for y in (0, 0.36)[: int(rng.integers(1, 3))]:
        with pen.at(rng.uniform(-0.05, 0.05), y, rng.uniform(-5, 5)):
            _tube(pen, rng)


def spiral_lamp(pen: Pen, rng: np.random.Generator) -> None:
    turns = int(rng.integers(3, 5))
    tone = pick(rng, ("#fdfaf0", "#f3f7fb", "#fff3d6"))
    step = 0.24
    for level in range(turns):
        y = 0.1 - step * level
        half = 0.46 - 0.045 * level
        pen.stroke(
            curve([(-half, y), (-0.5 * half, y - 0.16), (0.5 * half, y - 0.2), (half, y - step)]),
            0.12,
            dark(tone, 0.28),
        )
    for level in range(turns):
        y = 0.1 - step * level
        half = 0.46 - 0.045 * level
        loop = curve([(half, y), (0.45 * half, y + 0.1), (-0.45 * half, y + 0.1), (-half, y)])
        pen.stroke(loop, 0.165, dark(tone, 0.22))
        pen.stroke(loop, 0.135, tone)
        pen.stroke(loop[3:-3] - (0, 0.025), 0.035, "#ffffff")
    _lamp_base(pen, 0.26)


def folded_lamp(pen: Pen, rng: np.random.Generator) -> None:
    tone, tall = pick(rng, ("#fdfaf0", "#f3f7fb", "#fff3d6")), rng.uniform(0.75, 1)
    for x in (-0.24, 0, 0.24):
        arch = np.concatenate([[(x - 0.1, 0.3)], ellipse(x, -tall + 0.12, 0.1, 0.12, 180, 360), [(x + 0.1, 0.3)]])
        pen.stroke(arch, 0.135, dark(tone, 0.25))
        pen.stroke(arch, 0.105, tone)
        pen.stroke([(x - 0.115, -tall + 0.2), (x - 0.115, 0.2)], 0.025, "#ffffff")
    _lamp_base(pen, 0.28)


def ring_lamp(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, ("#fdfaf0", "#f3f7fb", "#fff3d6", "#eef3e2"))
    loop = ellipse(0, 0, 0.8, 0.8, -82, 262)
    for width, colour in ((0.3, dark(tone, 0.3)), (0.26, dark(tone, 0.1)), (0.17, tone)):
        pen.stroke(loop, width, colour)
    pen.stroke(ellipse(0, 0, 0.84, 0.84, 130, 300), 0.035, "#ffffff")
    for x in (-1, 1):
        with pen.at(0, -0.8):
            pen.fill(
                box(min(0, x * 0.2), -0.165, max(0, x * 0.2), 0.165, 0.02),
                Fade((0, -0.16), (0, 0.16), ("#e2e6ea", "#9aa2aa")),
            )
    pen.fill(box(-0.12, -0.72, 0.12, -0.5, 0.03), "#f0eee8")
    for x in (-0.07, -0.025, 0.025, 0.07):
        pen.stroke([(x, -0.5), (x, -0.4)], 0.02, "#c9a24b")


def _tube(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, ("#fbfaf4", "#f0f5fa", "#fff4d9"))
    tube = box(-1.05, -0.085, 1.05, 0.085, 0.03)
    pen.fill(tube, Fade((0, -0.085), (0, 0.085), (dark(tone, 0.2), "#ffffff", tone, dark(tone, 0.35))))
    for side in (-1, 1):
        with pen.at(side, 0, 0, (side, 1)):
            pen.fill(
                box(-0.2, -0.08, -0.03, 0.08), Fade((-0.2, 0), (-0.03, 0), (rgba("#6a6560", 0), rgba("#6a6560", 120)))
            )
            cap = box(-0.04, -0.1, 0.15, 0.1, 0.02)
            pen.fill(cap, Fade((0, -0.1), (0, 0.1), ("#8f979f", "#eceff2", "#a4abb3", "#6f767e")))
            for y in (-0.04, 0.04):
                pen.stroke([(0.15, y), (0.24, y)], 0.028, "#b58a3c")


def _lamp_base(pen: Pen, half: float) -> None:
    """Draw the white housing and the screw thread of a compact lamp."""
    shell = curve([(-half - 0.14, 0.22), (half + 0.14, 0.22), (half + 0.14, 0.3), (half - 0.02, 0.56),
                   (-half + 0.02, 0.56), (-half - 0.14, 0.3)], closed=True)  # fmt: skip
    pen.fill(shell, "#ece9e1")
    sheen(pen, shell, -half - 0.14, half + 0.14, 0.8)
    for place in range(4):
        y = 0.58 + 0.085 * place
        pen.stroke([(-0.17, y), (0.17, y + 0.03)], 0.085, "#8f979f")
        pen.stroke([(-0.15, y - 0.01), (0.12, y + 0.015)], 0.035, "#dfe3e7")
    pen.fill(ellipse(0, 0.93, 0.1, 0.06), "#3b3f47")
