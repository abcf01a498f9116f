"""Cans and metalware."""

import numpy as np

from sortline.data.drawings.colours import BRIGHT, dark, light, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, band, box, curve, ellipse, lathe
from sortline.data.drawings.touches import belt, drum, emblem, glint, sheen

STEEL = ("#b9c0c8", "#a7afb8", "#c6c2ba")


def soda_can(pen: Pen, rng: np.random.Generator) -> None:
    _can(pen, rng, half=0.5, ring=0.41)


def slim_can(pen: Pen, rng: np.random.Generator) -> None:
    _can(pen, rng, half=0.37, ring=0.29)


def crushed_can(pen: Pen, rng: np.random.Generator) -> None:
    tone, other = pick(rng, BRIGHT), pick(rng, BRIGHT)
    dent = rng.uniform(0.2, 0.3)
    right = [(0.42, -0.62), (0.5, -0.5), (0.52, -0.3), (0.52 - dent, -0.06), (0.46, 0.1), (0.5, 0.34), (0.44, 0.6)]
    left = [(-0.46, 0.6), (-0.5, 0.38), (-0.36, 0.2), (-0.52, 0.02), (-0.4 - 0.2 * dent, -0.2), (-0.5, -0.5),
            (-0.42, -0.62)]  # fmt: skip
    body = np.concatenate([curve(right, steps=4), ellipse(-0.01, 0.6, 0.45, 0.12, 0, 180)[::6], curve(left, steps=4)])
    pen.fill(body, pick(rng, STEEL))
    with pen.inside(body):
        pen.fill([(-1, -0.48), (1, -0.5), (0.6, 0.52), (-1, 0.5)], tone)
        pen.fill([(-1, -0.05), (0, 0.05), (1, -0.22), (1, 0.02), (0, 0.26), (-1, 0.2)], light(other, 0.5))
        emblem(pen, rng, -0.05, -0.26, 0.15, light(tone, 0.85))
        for points, glow in (
            ([(0.52 - dent, -0.06), (0.52, -0.3), (-0.1, -0.1)], True),
            ([(-0.36, 0.2), (-0.5, 0.4), (0.2, 0.3)], True),
            ([(0.52 - dent, -0.06), (0.5, 0.2), (-0.15, 0.0)], False),
            ([(-0.36, 0.2), (-0.52, 0), (0.1, 0.16)], False),
            ([(-0.4, -0.2), (-0.5, -0.4), (0.1, -0.3)], False),
        ):
            pen.fill(points, (255, 255, 255, 80) if glow else rgba("#2a1a3e", 95))
    sheen(pen, body, -0.54, 0.54, 0.8)
    with pen.at(0, -0.62, rng.uniform(-14, 14)):
        _lid(pen, 0.42, 0.17)


def cooking_pot(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, STEEL)
    knob = pick(rng, ("#33323a", "#8a4a2c", "#b0392f"))
    for side in (-1, 1):
        pen.stroke(
            curve([(side * 0.78, -0.08), (side * 1.08, -0.1), (side * 1.08, 0.16), (side * 0.8, 0.16)]),
            0.09,
            dark(knob, 0.1),
        )
    body = drum(0.82, -0.2, 0.78, 0.62, 0.16)
    pen.fill(body, tone)
    sheen(pen, body, -0.82, 0.82, 1.1)
    glint(pen, [(-0.42, -0.02), (-0.42, 0.6)], 0.06, 150)
    pen.fill(belt(0.82, -0.2, 0.82, -0.13, 0.16), light(tone, 0.5))
    lid = np.concatenate([ellipse(0, -0.22, 0.84, 0.4, 180, 360), ellipse(0, -0.22, 0.84, 0.16, 0, 180)])
    pen.fill(lid, Fade((-0.8, -0.5), (0.8, 0), (light(tone, 0.3), light(tone, 0.75), tone, dark(tone, 0.3))))
    pen.stroke(ellipse(0, -0.22, 0.82, 0.15, 5, 175), 0.03, dark(tone, 0.4))
    pen.fill(box(-0.06, -0.72, 0.06, -0.58), dark(knob, 0.3))
    pen.fill(ellipse(0, -0.74, 0.17, 0.085), knob)
    pen.fill(ellipse(-0.03, -0.77, 0.09, 0.03), light(knob, 0.4))


def cutlery(pen: Pen, rng: np.random.Generator) -> None:
    tone, splay = pick(rng, STEEL + ("#cfae6b",)), rng.uniform(4, 20)
    metal = Fade((-0.25, 0), (0.25, 0), (dark(tone, 0.3), light(tone, 0.6), tone, dark(tone, 0.25)))
    with pen.at(-0.32, 0, -splay):
        pen.fill(band([(0, -0.2), (0, 0.3), (0, 1)], [0.07, 0.08, 0.15]), metal)
        pen.fill(ellipse(0, -0.6, 0.24, 0.42), metal)
        pen.fill(ellipse(0, -0.62, 0.17, 0.33), Fade((0, -0.95), (0, -0.3), (dark(tone, 0.3), light(tone, 0.4))))
        glint(pen, [(-0.1, -0.75), (-0.1, -0.5)], 0.04)
    with pen.at(0.32, 0, splay):
        pen.fill(band([(0, -0.3), (0, 0.3), (0, 1)], [0.09, 0.08, 0.15]), metal)
        pen.fill(lathe(curve([(0.2, -0.62), (0.2, -0.44), (0.13, -0.28), (0.04, -0.2)])), metal)
        for x in (-0.165, -0.055, 0.055, 0.165):
            pen.fill(band([(x, -1), (x, -0.55)], [0.035, 0.06]), metal)


def wrench(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, STEEL)
    metal = Fade((-0.14, 0), (0.14, 0), (light(tone, 0.5), tone, dark(tone, 0.35)))
    head = [(-0.12, -0.42), (-0.3, -0.56), (-0.34, -0.8), (-0.2, -1), (-0.13, -0.98), (-0.13, -0.72), (0, -0.66),
            (0.13, -0.72), (0.13, -0.98), (0.2, -1), (0.34, -0.8), (0.3, -0.56), (0.12, -0.42)]  # fmt: skip
    pen.fill(head, Fade((-0.3, -0.9), (0.3, -0.5), (light(tone, 0.5), tone, dark(tone, 0.3))))
    pen.fill(box(-0.13, -0.46, 0.13, 0.5, 0.05), metal)
    pen.fill(box(-0.06, -0.34, 0.06, 0.36, 0.05), dark(tone, 0.25))
    ring = ellipse(0, 0.68, 0.29)
    pen.fill(
        np.concatenate([ring, ellipse(0, 0.68, 0.15)[::-1]]),
        Fade((-0.3, 0.4), (0.3, 1), (light(tone), dark(tone, 0.3))),
    )
    with pen.at(0.62, rng.uniform(-0.6, 0.6), rng.uniform(0, 60)):
        nut = ellipse(0, 0, 0.24)[::8]
        rim = np.concatenate([nut, ellipse(0, 0, 0.11)[::-1]])
        pen.fill(rim, Fade((-0.2, -0.2), (0.2, 0.2), (light(tone, 0.4), dark(tone, 0.2))))
        pen.stroke(ellipse(0, 0, 0.12), 0.03, dark(tone, 0.45))


def padlock(pen: Pen, rng: np.random.Generator) -> None:
    tone, arch = pick(rng, ("#c79a3d", "#a9b1ba", "#8e6b4a")), pick(rng, STEEL)
    lift = rng.uniform(0, 0.16)
    loop = np.concatenate(
        [[(-0.4, 0.2)], ellipse(0, -0.4 - lift, 0.4, 0.42, 180, 360), [(0.4, -0.1 if lift > 0.08 else 0.2)]]
    )
    pen.stroke(loop, 0.2, Fade((-0.5, 0), (0.5, 0), (dark(arch, 0.4), light(arch, 0.4), dark(arch, 0.3))))
    body = box(-0.66, -0.08, 0.66, 0.95, 0.16)
    pen.fill(body, Fade((-0.66, -0.1), (0.66, 0.9), (light(tone, 0.5), tone, dark(tone, 0.35))))
    for y in (0.1, 0.76):
        pen.fill(box(-0.66, y, 0.66, y + 0.03), rgba(dark(tone, 0.4), 130))
    pen.fill(ellipse(0, 0.36, 0.13), dark(tone, 0.7))
    pen.fill([(-0.06, 0.38), (0.06, 0.38), (0.09, 0.66), (-0.09, 0.66)], dark(tone, 0.7))
    glint(pen, [(-0.5, 0.18), (-0.5, 0.66)], 0.06, 130)


def _can(pen: Pen, rng: np.random.Generator, half: float, ring: float) -> None:
    """Draw a whole drinks can: shoulders, printed side, lid with its pull tab."""
    tone, other, metal = pick(rng, BRIGHT), pick(rng, BRIGHT), pick(rng, STEEL)
    body = lathe(
        curve(
            [(ring, -0.9), (ring + 0.02, -0.84), (half, -0.7), (half, -0.7), (half, 0.76), (half, 0.76), (ring, 0.9)],
            steps=4,
        )
    )
    pen.fill(np.concatenate([body, ellipse(0, 0.9, ring, 0.09, 180, 0)]), metal)
    side = belt(half, -0.7, half, 0.74, 0.13)
    pen.fill(side, tone)
    with pen.inside(side):
        design = int(rng.integers(4))
        if design == 0:
            wave = curve([(-0.6, 0.2), (-0.25, 0.42), (0.15, 0.0), (0.6, 0.2)])
            pen.fill(np.concatenate([wave, wave[::-1] + (0, 0.24)]), light(other, 0.6))
        elif design == 1:
            for y in (0.42, 0.58):
                pen.fill(belt(half, y, half, y + 0.08, 0.13), light(other, 0.5))
        elif design == 2:
            pen.fill([(-0.6, 0.5), (0.6, -0.35), (0.6, 0.05), (-0.6, 0.9)], light(other, 0.35))
        else:
            for x, y in rng.uniform((-0.5, 0.25), (0.5, 0.85), (14, 2)):
                pen.fill(ellipse(x, y, rng.uniform(0.03, 0.08)), light(other, 0.5))
    emblem(pen, rng, 0, -0.14, 0.24 * half / 0.5, light(tone, 0.88))
    sheen(pen, body, -half, half, 1.1)
    _lid(pen, ring, 0.11)


def _lid(pen: Pen, ring: float, bulge: float) -> None:
    y = -0.9 if bulge < 0.15 else 0
    pen.fill(ellipse(0, y, ring, bulge), "#dfe3e8")
    pen.fill(
        ellipse(0, y + 0.01, ring * 0.86, bulge * 0.78), Fade((-ring, 0), (ring, 0), ("#8f979f", "#c8ced4", "#9aa2aa"))
    )
    pen.fill(ellipse(-0.02, y + 0.2 * bulge, ring * 0.3, bulge * 0.34), "#5a626b")
    pen.stroke(ellipse(0.05, y - 0.2 * bulge, ring * 0.26, bulge * 0.28), 0.035, "#eceff2")
