"""Plastic bottles and glass bottles."""

import numpy as np

from sortline.data.drawings.colours import BRIGHT, PASTEL, Tint, dark, light, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, box, curve, ellipse, lathe
from sortline.data.drawings.touches import belt, emblem, glass, glint, gloss, paper_label, sheen


def water_bottle(pen: Pen, rng: np.random.Generator) -> None:
    tint = pick(rng, ("#8fcaf0", "#9bdccb", "#b5cdf6", "#c4e4ee"))
    cap = pick(rng, ("#2f86c1", "#f5f5f0", "#3fa796", "#e4572e"))
    waist = rng.uniform(0.29, 0.35)
    body = lathe(curve([(0.13, -0.86), (0.14, -0.74), (0.22, -0.62), (0.36, -0.44), (0.38, -0.2), (waist, 0.12),
                        (0.37, 0.34), (0.38, 0.86), (0.33, 0.98), (0.24, 1)]))  # fmt: skip
    _plastic(pen, body, tint, rng.uniform(-0.5, 0.3), tint)
    for y in (0.45, 0.57, 0.69, 0.81):
        _groove(pen, body, y)
    _wrap(pen, rng, body, -0.3, 0.02, pick(rng, BRIGHT))
    gloss(pen, body, 0.38)
    _cap(pen, -1.02, -0.84, 0.17, cap)


def soda_bottle(pen: Pen, rng: np.random.Generator) -> None:
    drink = pick(rng, ("#5a2d1a", "#e8862e", "#7fb83e", "#c9384a", "#f0c63c"))
    body = lathe(curve([(0.12, -0.88), (0.13, -0.76), (0.18, -0.6), (0.33, -0.36), (0.4, -0.12), (0.38, 0.02),
                        (0.38, 0.34), (0.41, 0.5), (0.4, 0.85), (0.36, 0.96), (0.34, 1), (0.2, 0.96), (0.1, 1),
                        (0, 0.97)]))  # fmt: skip
    _plastic(pen, body, "#cfe6ee", rng.uniform(-0.62, -0.2), drink, 225)
    with pen.inside(body):
        for x in (-0.22, 0.02, 0.25):
            pen.stroke(curve([(x * 1.1, 0.6), (x * 1.2, 0.82), (x * 0.9, 1)]), 0.04, rgba(dark(drink, 0.4), 120))
        for x, y in rng.uniform((-0.3, -0.3), (0.3, 0.9), (9, 2)):
            pen.fill(ellipse(x, y, 0.016), (255, 255, 255, 130))
    _wrap(pen, rng, body, 0.02, 0.36, pick(rng, BRIGHT))
    gloss(pen, body, 0.4)
    _cap(pen, -1.04, -0.86, 0.16, pick(rng, BRIGHT))


def squashed_bottle(pen: Pen, rng: np.random.Generator) -> None:
    tint = pick(rng, ("#8fcaf0", "#9bdccb", "#b5cdf6", "#cfe6ee"))
    side = [(0.13, -0.84), (0.15, -0.7), (0.34, -0.5), (0.36, -0.28), (0.22, -0.12), (0.38, 0.08), (0.26, 0.3),
            (0.4, 0.5), (0.36, 0.82), (0.28, 0.96)]  # fmt: skip
    right = np.array(side) + rng.uniform(-0.04, 0.04, (len(side), 2))
    left = np.array(side) * (-1, 1) + (0.08, 0.08) + rng.uniform(-0.05, 0.05, (len(side), 2))
    left[0] = (-0.13, -0.84)
    body = np.concatenate([curve(right, steps=5), curve(left[::-1], steps=5)])
    _plastic(pen, body, tint, 2, tint)
    with pen.inside(body):
        pen.fill([right[3], left[4], left[6], right[7]], rgba(pick(rng, BRIGHT), 215))
        pen.fill([right[4], left[5], left[6], right[5]], rgba("#ffffff", 130))
        for knot in range(2, 9):
            pen.fill(
                [right[knot], left[knot], (rng.uniform(-0.2, 0.2), (right[knot] + left[knot + 1])[1] / 2)],
                pick(rng, ((255, 255, 255, 110), rgba(dark(tint, 0.5), 70))),
            )
            pen.stroke([right[knot], left[knot]], 0.015, rgba(dark(tint, 0.5), 110))
    pen.outline(body, 0.03, rgba(dark(tint, 0.45), 160))
    _cap(pen, -1.02, -0.82, 0.17, pick(rng, BRIGHT))


def wine_bottle(pen: Pen, rng: np.random.Generator) -> None:
    tint = pick(rng, ("#2f5d3a", "#3c6b2f", "#4a3a1e", "#25453f"))
    foil = pick(rng, ("#7b1e2b", "#c9a24b", "#2b2b33", "#5a3b6b"))
    body = lathe(curve([(0.1, -1), (0.1, -0.5), (0.13, -0.42), (0.3, -0.26), (0.33, -0.1), (0.33, 0.9), (0.33, 0.9),
                        (0.3, 0.98), (0.22, 1)]))  # fmt: skip
    glass(pen, body, tint, 238)
    with pen.inside(body):
        pen.fill(box(-0.4, -1, 0.4, -0.56), foil)
    pen.fill(box(-0.125, -1.03, 0.125, -0.92, 0.03), dark(foil, 0.2))
    paper_label(pen, rng, 0.33, 0.12, 0.68)
    sheen(pen, body, -0.34, 0.34, 0.8)
    glint(pen, [(-0.21, -0.1), (-0.22, 0.3), (-0.21, 0.75)], 0.05, 120)
    glint(pen, [(-0.05, -0.9), (-0.05, -0.5)], 0.03, 130)


def beer_bottle(pen: Pen, rng: np.random.Generator) -> None:
    tint = pick(rng, ("#8a4a1c", "#6f3815", "#3f7d3c", "#9a5a20"))
    body = lathe(curve([(0.11, -0.94), (0.12, -0.6), (0.19, -0.36), (0.34, -0.14), (0.36, 0), (0.36, 0.88),
                        (0.36, 0.88), (0.33, 0.98), (0.25, 1)]))  # fmt: skip
    glass(pen, body, tint, 225)
    tone = pick(rng, BRIGHT)
    pen.fill(belt(0.355, 0.08, 0.355, 0.62, 0.05), light(tone, 0.75))
    pen.fill(belt(0.355, 0.13, 0.355, 0.24, 0.05), tone)
    pen.fill(belt(0.355, 0.52, 0.355, 0.57, 0.05), tone)
    emblem(pen, rng, 0, 0.42, 0.12, tone)
    pen.fill(belt(0.13, -0.62, 0.16, -0.46, 0.02), tone)
    crown = pick(rng, ("#d8b04a", "#c0392b", "#b8bec6", "#2f6fb0"))
    teeth = [(x, -0.9 + 0.035 * (step % 2)) for step, x in enumerate(np.linspace(-0.15, 0.15, 11))]
    pen.fill([(0.12, -1.03), *teeth[::-1], (-0.12, -1.03)], crown)
    sheen(pen, body, -0.36, 0.36, 0.8)
    glint(pen, [(-0.24, -0.04), (-0.26, 0.4), (-0.25, 0.85)], 0.05, 150)


def clear_bottle(pen: Pen, rng: np.random.Generator) -> None:
    tint = pick(rng, ("#bfe3dc", "#cfe0ee", "#d8ecd2", "#a9cfe8"))
    body = lathe(curve([(0.15, -0.8), (0.15, -0.56), (0.2, -0.44), (0.42, -0.2), (0.45, 0), (0.45, 0.86), (0.45, 0.86),
                        (0.4, 0.98), (0.3, 1)]))  # fmt: skip
    pen.fill(body, rgba("#ffffff", 70))
    level = rng.uniform(-0.1, 0.5)
    if rng.random() < 0.6:
        with pen.inside(body * 0.93 + (0, 0.03)):
            drink = pick(rng, ("#fbf6ea", "#f0b04a", "#c94f4f", "#a8c66c"))
            pen.fill(box(-1, level, 1, 1), rgba(drink, 235))
            pen.fill(ellipse(0, level, 0.42, 0.05), light(drink, 0.5))
    glass(pen, body, tint, 80)
    pen.fill(box(-0.18, -0.86, 0.18, -0.76, 0.03), rgba(dark(tint, 0.25), 200))
    pen.fill(box(-0.12, -1.02, 0.12, -0.84, 0.03), Fade((-0.12, 0), (0.12, 0), ("#d9ae78", "#b98550")))
    for y in (0.25, 0.4):
        pen.stroke(ellipse(0, y, 0.44, 0.05, 170, 10), 0.02, rgba(light(tint), 170))
    gloss(pen, body, 0.45)


def _plastic(pen: Pen, body: np.ndarray, tint: Tint, level: float, drink: Tint, thick: int = 120) -> None:
    """Draw a thin clear body with a drink in it up to `level`."""
    pen.fill(body, rgba("#ffffff", 60))
    pen.fill(body, rgba(tint, 150))
    with pen.inside(body * (0.92, 0.98)):
        pen.fill(box(-1, level, 1, 1.2), rgba(dark(drink, 0.08), thick))
        pen.fill(ellipse(0, level, 0.4, 0.035), rgba(light(drink, 0.5), 170))
    pen.outline(body, 0.025, rgba(dark(tint, 0.4), 150))


def _groove(pen: Pen, body: np.ndarray, y: float) -> None:
    with pen.inside(body):
        line = ellipse(0, y, 0.42, 0.05, 180, 0)
        pen.stroke(line, 0.025, rgba("#3f6f96", 90))
        pen.stroke(line + (0, 0.03), 0.02, (255, 255, 255, 120))


def _wrap(pen: Pen, rng: np.random.Generator, body: np.ndarray, top: float, bottom: float, tone: Tint) -> None:
    """Wrap a printed film round the body."""
    other, middle = pick(rng, BRIGHT + PASTEL), (top + bottom) / 2
    with pen.inside(body):
        pen.fill(belt(0.5, top, 0.5, bottom, 0.05), tone)
        wave = curve([(-0.5, middle + 0.1), (-0.2, middle), (0.15, middle + 0.12), (0.5, middle)])
        pen.fill(np.concatenate([wave, [(0.5, bottom + 0.06), (-0.5, bottom + 0.06)]]), light(other, 0.25))
        pen.fill(belt(0.5, top, 0.5, top + 0.03, 0.05), light(tone, 0.6))
        emblem(pen, rng, rng.uniform(-0.1, 0.1), middle + 0.02, 0.1, light(tone, 0.85))


def _cap(pen: Pen, top: float, bottom: float, half: float, tone: Tint) -> None:
    cap = box(-half, top, half, bottom, 0.03)
    pen.fill(box(-half - 0.02, bottom - 0.02, half + 0.02, bottom + 0.03, 0.02), dark(tone, 0.15))
    pen.fill(cap, tone)
    for x in np.linspace(-half, half, 8)[1:-1]:
        pen.fill(box(x - 0.008, top + 0.04, x + 0.008, bottom - 0.02), rgba(dark(tone, 0.5), 130))
    sheen(pen, cap, -half, half, 0.7)
