"""Vegetable leaves."""

import numpy as np

from sortline.data.drawings.colours import dark, light, mix, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, band, box, curve
from sortline.data.drawings.touches import blot

GREEN = ("#5fa044", "#4c8c3a", "#7ab648", "#3f7d43", "#8fbf56")


def cabbage_leaf(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, GREEN + ("#a8c96a",))
    angles = np.linspace(0, 2 * np.pi, 110, endpoint=False)
    ruffle = 1 + 0.05 * np.sin(angles * 13 + rng.uniform(0, 6)) + 0.035 * np.sin(angles * 23 + rng.uniform(0, 6))
    blade = np.column_stack([0.74 * ruffle * np.sin(angles), -0.16 - 0.82 * ruffle * np.cos(angles)])
    pen.fill(blade, dark(tone, 0.18))
    pen.fill((blade + (0, 0.16)) * 0.91 - (0, 0.16), tone)
    pen.fill((blade + (0, 0.1)) * 0.66 - (0, 0.02), light(tone, 0.16))
    rib = light(mix(tone, "#f4f7e4", 0.75), 0.2)
    for place, y in enumerate(np.linspace(0.36, -0.66, 6)):
        for side in (-1, 1):
            reach = side * (0.52 - 0.04 * abs(place - 2))
            pen.stroke(
                curve([(0, y), (reach * 0.55, y - 0.2), (reach, y - 0.3)]), 0.035 - 0.003 * place, rgba(rib, 220)
            )
            pen.stroke([(reach * 0.55, y - 0.2), (reach * 0.75, y - 0.06)], 0.014, rgba(rib, 180))
    pen.fill(band([(0, 1.02), (0, 0.5), (0, -0.2), (0, -0.86)], [0.3, 0.19, 0.09, 0.02]), rib)
    pen.stroke([(0.05, 0.95), (0.03, 0.2)], 0.03, rgba(dark(rib, 0.25), 110))


def bok_choy(pen: Pen, rng: np.random.Generator) -> None:
    tone, stalk = pick(rng, GREEN[:4]), pick(rng, ("#f3f6e6", "#dcebc0", "#e8f0d8"))
    for x, turn, size in ((-0.34, -26, 0.86), (0.34, 26, 0.86), (0, rng.uniform(-6, 6), 1)):
        with pen.at(x * 0.4, 0.92, turn, size):
            blade = blot(rng, 0, -1.38, 0.46, 0.1, 12) * (1.05, 1) + (0, 0)
            blade = (blade - (0, -1.38)) * (1, 1.25) + (0, -1.38)
            pen.fill(blade, Fade((-0.4, -1.6), (0.4, -1), (light(tone, 0.2), tone, dark(tone, 0.3))))
            pen.fill(
                band([(0, 0), (0, -0.4), (0, -0.9), (0, -1.75)], [0.42, 0.36, 0.16, 0.02]),
                Fade((-0.2, 0), (0.2, 0), (light(stalk, 0.5), stalk, dark(stalk, 0.22))),
            )
            for y in (-1.05, -1.3, -1.52):
                for side in (-1, 1):
                    pen.stroke(
                        curve([(0, y), (side * 0.18, y - 0.12), (side * 0.34, y - 0.18)]), 0.022, rgba(stalk, 190)
                    )
            for line in (-0.08, 0.07):
                pen.stroke([(line, -0.05), (line * 0.6, -0.7)], 0.014, rgba(dark(stalk, 0.35), 110))


def lettuce_leaf(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, ("#8cc152", "#a4cf5e", "#7ab648", "#9b5a6b"))
    for size, shade in ((1.0, dark(tone, 0.25)), (0.9, tone), (0.74, light(tone, 0.15)), (0.56, light(tone, 0.3))):
        angles = np.linspace(0, 2 * np.pi, 90, endpoint=False)
        frill = size * (1 + 0.075 * np.sin(angles * 17 + 9 * size) + 0.04 * np.sin(angles * 29 + rng.uniform(0, 6)))
        shape = np.column_stack(
            [0.62 * frill * np.sin(angles) * (1 + 0.3 * np.cos(angles)), -0.08 - 0.92 * frill * np.cos(angles)]
        )
        pen.fill(shape, shade)
    vein = light(tone, 0.6)
    pen.fill(band(curve([(0, 0.95), (0.03, 0.3), (-0.02, -0.3), (0.04, -0.8)]), np.linspace(0.2, 0.02, 25)), vein)
    for y in (0.5, 0.2, -0.1, -0.4):
        for side in (-1, 1):
            pen.stroke(curve([(0, y), (side * 0.22, y - 0.2), (side * 0.42, y - 0.3)]), 0.025, rgba(vein, 200))


def two_leaves(pen: Pen, rng: np.random.Generator) -> None:
    """Draw spinach: pointed leaves on thin stalks."""
    tone = pick(rng, GREEN[:4])
    for x, turn in ((-0.3, -28), (0.3, 26), (0, 0))[: int(rng.integers(2, 4))]:
        with pen.at(x * 0.5, 0.9, turn + rng.uniform(-8, 8)):
            pen.fill(band(curve([(0, 0.05), (0.03, -0.4), (0, -0.8)]), 0.085), light(tone, 0.3))
            leaf = curve([(0, -0.6), (-0.36, -0.62), (-0.42, -0.95), (-0.28, -1.4), (0, -1.85), (0, -1.85),
                          (0.28, -1.4), (0.42, -0.95), (0.36, -0.62)], closed=True)  # fmt: skip
            pen.fill(leaf, tone)
            with pen.inside(leaf):
                pen.fill(box(0, -2, 1, 0), dark(tone, 0.16))
                for y in (-0.75, -1.0, -1.25, -1.48):
                    for side in (-1, 1):
                        pen.stroke(
                            curve([(0, y), (side * 0.18, y - 0.12), (side * 0.36, y - 0.14)]),
                            0.022,
                            rgba(light(tone, 0.4), 190),
                        )
            pen.fill(band([(0, -0.5), (0, -1.8)], [0.06, 0.015]), light(tone, 0.45))
