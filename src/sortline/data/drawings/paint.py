"""Paint buckets and batteries."""

import numpy as np

from sortline.data.drawings.colours import BRIGHT, Tint, dark, light, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, band, box, curve, ellipse
from sortline.data.drawings.tins import STEEL
from sortline.data.drawings.touches import belt, drum, emblem, print_lines, sheen

CELLS = (("#c9803c", "#26262c"), ("#d8a531", "#27303f"), ("#e0e3e6", "#2f6fb0"), ("#e4572e", "#f3f0e6"),
         ("#c9ccd2", "#3f8f4f"), ("#f4c430", "#b0242f"))  # fmt: skip


def paint_bucket(pen: Pen, rng: np.random.Generator) -> None:
    colour, tone = pick(rng, BRIGHT), pick(rng, (*STEEL, "#f1ede2"))
    _handle(pen, -0.62, rng.uniform(0.55, 0.75))
    _bucket(pen, rng, tone, colour)
    pen.fill(ellipse(0, -0.62, 0.72, 0.2), dark(tone, 0.2))
    pen.fill(ellipse(0, -0.59, 0.65, 0.16), colour)
    pen.fill(ellipse(-0.15, -0.62, 0.3, 0.05), light(colour, 0.35))
    x = -0.6
    while x < 0.5:
        wide, long = rng.uniform(0.09, 0.17), rng.uniform(0.05, 0.5)
        y = -0.62 + 0.19 * np.sqrt(1 - (x / 0.72) ** 2)
        pen.fill(band([(x, y - 0.04), (x, y + long * 0.6), (x, y + long)], [wide, wide * 0.8, wide]), colour)
        pen.stroke([(x - wide * 0.2, y + 0.04), (x - wide * 0.2, y + long)], 0.025, rgba(light(colour, 0.7), 180))
        x += wide + rng.uniform(0.0, 0.25)
    pen.stroke(ellipse(0, -0.62, 0.72, 0.2, 20, 160), 0.06, colour)


def closed_bucket(pen: Pen, rng: np.random.Generator) -> None:
    colour, tone = pick(rng, BRIGHT), pick(rng, ("#f1ede2", "#dfe5ea", "#3f4a59", "#c9cdd1"))
    _bucket(pen, rng, tone, colour)
    _handle(pen, -0.45, -rng.uniform(0.45, 0.7))
    lid = drum(0.78, -0.74, 0.78, -0.62, 0.2)
    pen.fill(lid, light(tone, 0.25))
    sheen(pen, lid, -0.78, 0.78, 0.7)
    pen.fill(ellipse(0, -0.74, 0.78, 0.2), light(tone, 0.5))
    pen.fill(ellipse(0, -0.74, 0.62, 0.14), Fade((-0.6, 0), (0.6, 0), (light(tone, 0.2), dark(tone, 0.12))))
    pen.fill(
        curve([(-0.3, -0.8), (0.1, -0.82), (0.35, -0.74), (0.2, -0.66), (-0.1, -0.7), (-0.35, -0.68)], closed=True),
        colour,
    )
    _brush(pen, rng, colour)


def bucket_and_brush(pen: Pen, rng: np.random.Generator) -> None:
    paint_bucket(pen, rng)
    _brush(pen, rng, pick(rng, BRIGHT))


def single_cell(pen: Pen, rng: np.random.Generator) -> None:
    _cell(pen, rng, *pick(rng, CELLS))


def cells(pen: Pen, rng: np.random.Generator) -> None:
    colours = pick(rng, CELLS)
    count = int(rng.integers(2, 4))
    for place in range(count):
        over = rng.random() < 0.35
        with pen.at(place * 0.68, rng.uniform(-0.06, 0.06), 180 * over + rng.uniform(-4, 4)):
            _cell(pen, rng, *colours)


def block_cell(pen: Pen, rng: np.random.Generator) -> None:
    top, body = pick(rng, CELLS)
    pen.fill(box(-0.5, -0.62, 0.5, -0.5, 0.03), "#4a4a52")
    for x, half, hexed in ((-0.24, 0.15, False), (0.24, 0.19, True)):
        stud = drum(half, -0.78, half, -0.6, 0.05)
        with pen.at(x, 0):
            pen.fill(stud, "#c2c6cc")
            sheen(pen, stud, -half, half, 0.9)
            pen.fill(ellipse(0, -0.78, half, 0.06)[:: 8 if hexed else 1], "#e4e6ea")
            pen.fill(ellipse(0, -0.78, half * 0.55, 0.03), "#5a5c64")
    case = box(-0.56, -0.52, 0.56, 1, 0.05)
    pen.fill(case, body)
    with pen.inside(case):
        pen.fill(box(-1, -0.52, 1, -0.1), top)
        pen.fill(box(-1, -0.13, 1, -0.07), light(top, 0.6))
    _signs(pen, light(body, 0.8), 0.22)
    emblem(pen, rng, 0, 0.36, 0.24, top)
    sheen(pen, case, -0.56, 0.56, 0.8)


def button_cells(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, ("#c4c8cf", "#b7bcc2", "#cfcabd"))
    for x, y in [(0, 0), (0.95, -0.25), (0.55, 0.75)][: int(rng.integers(2, 4))]:
        with pen.at(x + rng.uniform(-0.05, 0.05), y, rng.uniform(-20, 20)):
            pen.fill(drum(0.5, 0, 0.5, 0.14, 0.4), dark(tone, 0.35))
            sheen(pen, drum(0.5, 0, 0.5, 0.14, 0.4), -0.5, 0.5)
            pen.fill(
                ellipse(0, 0, 0.5, 0.4), Fade((-0.4, -0.3), (0.4, 0.3), (light(tone, 0.7), tone, dark(tone, 0.15)))
            )
            pen.outline(ellipse(0, 0, 0.42, 0.33), 0.02, dark(tone, 0.3))
            pen.fill(box(-0.13, -0.03, 0.13, 0.03), dark(tone, 0.55))
            pen.fill(box(-0.03, -0.13, 0.03, 0.13), dark(tone, 0.55))


def _handle(pen: Pen, y: float, sag: float) -> None:
    arc = ellipse(0, y, 0.72, sag, 180, 360) if sag > 0 else ellipse(0, y, 0.7, -sag, 180, 0)
    pen.stroke(arc, 0.045, "#6b6f78")
    if sag > 0:
        pen.stroke(arc[20:29], 0.11, "#c9a06a")


def _bucket(pen: Pen, rng: np.random.Generator, tone: Tint, colour: Tint) -> None:
    body = drum(0.72, -0.62, 0.62, 0.85, 0.2)
    pen.fill(body, tone)
    pen.fill(belt(0.7, -0.22, 0.645, 0.62, 0.19), light(colour, 0.8))
    pen.fill(belt(0.7, -0.22, 0.695, -0.1, 0.19), colour)
    pen.fill(belt(0.65, 0.5, 0.645, 0.62, 0.19), colour)
    drop = [(0, 0.02), (0, 0.02), (0.15, 0.28), (0, 0.45), (-0.15, 0.28)]
    pen.fill(curve(drop, closed=True) + (-0.22, 0.08), colour)
    print_lines(pen, rng, 0.02, 0.22, 0.42, 0.5, 0.1)
    sheen(pen, body, -0.72, 0.72, 1.1)
    for side in (-1, 1):
        pen.fill(ellipse(side * 0.69, -0.45, 0.06), "#555a63")


def _brush(pen: Pen, rng: np.random.Generator, colour: Tint) -> None:
    wood = pick(rng, ("#c98a4b", "#b5452f", "#e0b060"))
    with pen.at(rng.uniform(0.5, 0.62), 0.52, rng.uniform(18, 34)):
        pen.fill(
            band([(0, -0.9), (0, -0.6), (0, -0.2)], [0.12, 0.09, 0.16]),
            Fade((-0.08, 0), (0.08, 0), (light(wood), dark(wood))),
        )
        pen.fill(box(-0.19, -0.24, 0.19, 0.02, 0.02), Fade((-0.2, 0), (0.2, 0), ("#8f979f", "#e4e8ec", "#8f979f")))
        pen.fill([(-0.18, 0.02), (0.18, 0.02), (0.2, 0.3), (-0.2, 0.3)], "#3b2f2a")
        pen.fill(
            [(-0.2, 0.2), (0.2, 0.24), (0.19, 0.46), (0.06, 0.42), (-0.04, 0.5), (-0.12, 0.42), (-0.2, 0.46)], colour
        )


def _cell(pen: Pen, rng: np.random.Generator, top: Tint, body: Tint) -> None:
    """Draw a round cell standing on its minus pole."""
    pen.fill(drum(0.1, -1.02, 0.1, -0.9, 0.03), "#d5d9de")
    case = box(-0.29, -0.93, 0.29, 0.97, 0.05)
    pen.fill(case, body)
    with pen.inside(case):
        pen.fill(box(-1, -1, 1, -0.42), top)
        pen.fill(box(-1, -0.44, 1, -0.38), light(top, 0.6))
        pen.fill(box(-1, 0.93, 1, 1), "#d5d9de")
    emblem(pen, rng, 0, 0.12, 0.17, light(top, 0.2))
    pen.fill(box(-0.12, 0.42, 0.12, 0.48), light(body, 0.75))
    pen.fill(box(-0.12, 0.54, 0.12, 0.6), light(body, 0.75))
    pen.fill(box(-0.08, -0.72, 0.08, -0.67), light(top, 0.85))
    pen.fill(box(-0.025, -0.775, 0.025, -0.615), light(top, 0.85))
    sheen(pen, case, -0.29, 0.29, 1.15)


def _signs(pen: Pen, tone: Tint, x: float) -> None:
    pen.fill(box(-x - 0.12, -0.34, -x + 0.12, -0.28), tone)
    pen.fill(box(x - 0.12, -0.34, x + 0.12, -0.28), tone)
    pen.fill(box(x - 0.03, -0.43, x + 0.03, -0.19), tone)
