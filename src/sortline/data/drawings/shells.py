"""Seashells and eggshells."""

import numpy as np

from sortline.data.drawings.colours import Tint, dark, light, mix, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, band, curve, ellipse
from sortline.data.drawings.touches import blot, speckle

SHELL = ("#e9b8a0", "#f0d6b4", "#d99a86", "#e6c7d0", "#cfa98a", "#f2e3cf")
EGG = ("#e8c3a0", "#d9a57e", "#f6efe2", "#efe0cc", "#c9906a", "#dfe8e6")


def scallop(pen: Pen, rng: np.random.Generator) -> None:
    tone, ribs = pick(rng, SHELL), int(rng.integers(9, 14))
    edges = np.radians(np.linspace(-168, -12, ribs + 1))
    hinge = np.array([0, 0.72])
    for side in (-1, 1):
        pen.fill([(0, 0.46), (side * 0.34, 0.62), (side * 0.3, 0.86), (0, 0.84)], dark(tone, 0.15))
    for first, second in zip(edges, edges[1:], strict=False):
        angles = np.linspace(first, second, 9)
        bump = 1.36 + 0.1 * np.sin(np.linspace(0, np.pi, 9))
        rim = hinge + np.column_stack([bump * 0.78 * np.cos(angles), bump * np.sin(angles)])
        middle = hinge + 1.3 * np.array([0.78 * np.cos(angles[4]), np.sin(angles[4])])
        pen.fill([hinge, *rim], Fade(tuple(hinge), tuple(middle), (dark(tone, 0.25), tone, light(tone, 0.45))))
        pen.fill([hinge, *rim[5:]], rgba(dark(tone, 0.5), 75))
        pen.stroke([hinge, rim[4]], 0.02, rgba("#ffffff", 90))
    for reach in np.sort(rng.uniform(0.5, 1.25, 3)):
        angles = np.linspace(edges[0], edges[-1], 40)
        arc = hinge + reach * np.column_stack([0.78 * np.cos(angles), np.sin(angles)])
        pen.stroke(arc, 0.05, rgba(dark(tone, 0.4), 80))


def spiral_shell(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a tower shell: whorls one on another, to a point."""
    tone, stripe = pick(rng, SHELL), pick(rng, ("#a8623f", "#8a5a4a", "#c07a4a", "#7a5a6b"))
    whorls = int(rng.integers(5, 8))
    y, half = -1.0, 0.07
    rows = []
    for _ in range(whorls):
        rows.append((y, half))
        y, half = y + half * 0.82 + 0.035, half * 1.36
    scale = 1.9 / (y + 1 + half)
    with pen.at(0, -1 + 1 * scale, 0, scale):
        for top, wide in rows:
            with pen.at(0, top, -9):
                whorl = ellipse(0, wide * 0.4, wide, wide * 0.66)
                pen.fill(
                    whorl, Fade((-wide, 0), (wide, 0), (dark(tone, 0.12), light(tone, 0.5), tone, dark(tone, 0.35)))
                )
                with pen.inside(whorl):
                    for x in np.arange(-0.8, 1, 0.4):
                        pen.stroke(
                            curve(
                                [
                                    (wide * (x - 0.08), -wide * 0.3),
                                    (wide * (x + 0.08), wide * 0.4),
                                    (wide * x, wide * 1.1),
                                ]
                            ),
                            wide * 0.12,
                            rgba(stripe, 130),
                        )
                    pen.stroke(
                        ellipse(0, wide * 0.4, wide * 0.98, wide * 0.64, 20, 160),
                        wide * 0.1,
                        rgba(dark(tone, 0.5), 110),
                    )
        top, wide = rows[-1]
        pen.fill(curve([(0.05 * wide, top + 0.35 * wide), (0.6 * wide, top + 0.3 * wide),
                        (0.62 * wide, top + 0.85 * wide), (0.1 * wide, top + 1.25 * wide),
                        (-0.12 * wide, top + 0.9 * wide)], closed=True),
                 mix(dark(tone, 0.45), "#b5605a", 0.35))  # fmt: skip


def snail_shell(pen: Pen, rng: np.random.Generator) -> None:
    tone, stripe = pick(rng, SHELL), pick(rng, ("#a8623f", "#8a5a4a", "#6b5a6b", "#c98a5a"))
    turns = np.linspace(0, 6 * np.pi, 140)
    radius = 0.86 * np.exp(0.15 * (turns - turns[-1]))
    spiral = np.column_stack([radius * np.cos(turns), radius * np.sin(turns)])
    lip = curve(
        [(0.3, 0.3), (0.86, -0.06), (0.86, -0.06), (1.14, 0.22), (1.08, 0.72), (0.6, 0.96), (0.1, 0.82)], closed=True
    )
    pen.fill(lip, Fade((0.2, 0.5), (1.1, 0.5), (dark(tone, 0.4), light(tone, 0.5))))
    pen.outline(lip, 0.03, light(tone, 0.4))
    shape = ellipse(-0.02, -0.02, 0.88, 0.86)
    pen.fill(shape, Fade((-0.3, -0.35), (0.6, 0.8), (light(tone, 0.55), tone, dark(tone, 0.3)), radial=True))
    with pen.inside(shape):
        for at in range(20, 138, 5):
            pen.stroke([spiral[at] * 0.7, spiral[at] * 1.02], 0.04 * radius[at] + 0.01, rgba(stripe, 140))
        pen.fill(band(spiral, np.maximum(0.02, 0.07 * radius)), dark(tone, 0.4))


def clam(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, SHELL + ("#b8b0a8", "#8f8a94"))
    for x, y, turn in ((0.42, 0.3, 24), (-0.3, -0.15, -16)):
        with pen.at(x, y, turn + rng.uniform(-10, 10), 0.8):
            fan = curve([(0, 0.6), (0, 0.6), (-0.55, 0.4), (-0.88, -0.05), (-0.6, -0.5), (0, -0.66), (0.6, -0.5),
                         (0.88, -0.05), (0.55, 0.4)], closed=True)  # fmt: skip
            pen.fill(fan + (0.03, 0.05), dark(tone, 0.45))
            pen.fill(fan, tone)
            with pen.inside(fan):
                for share in (0.92, 0.78, 0.64, 0.5, 0.36):
                    ring = (fan - (0, 0.6)) * share + (0, 0.6)
                    pen.fill(ring, mix(tone, pick(rng, ("#7a4f3f", "#ffffff", "#a8795a")), 0.28))
                    pen.outline(ring, 0.014, rgba(dark(tone, 0.5), 120))
            pen.fill(
                fan, Fade((-0.3, -0.5), (0.5, 0.6), (rgba("#ffffff", 110), rgba("#ffffff", 0), rgba("#2a1a3e", 90)))
            )


def half_eggshell(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, EGG)
    _half_shell(pen, rng, tone)
    _crumbs(pen, rng, tone)


def two_eggshells(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, EGG)
    with pen.at(-0.62, 0.1, rng.uniform(-38, -14), 0.85):
        _half_shell(pen, rng, tone)
    with pen.at(0.68, 0.12, rng.uniform(14, 50), 0.75):
        _half_shell(pen, rng, tone)


def cracked_egg(pen: Pen, rng: np.random.Generator) -> None:
    """Draw an empty egg with a hole broken into its side."""
    tone = pick(rng, EGG)
    egg = curve(
        [(0, -1), (0.46, -0.72), (0.7, -0.1), (0.6, 0.5), (0, 0.86), (-0.6, 0.5), (-0.7, -0.1), (-0.46, -0.72)],
        closed=True,
    )
    pen.fill(egg, Fade((-0.25, -0.35), (0.7, 0.7), (light(tone, 0.5), tone, dark(tone, 0.3)), radial=True))
    angles = np.linspace(0, 2 * np.pi, 15, endpoint=False)
    radii = np.where(np.arange(15) % 2, 0.42, 0.28) * rng.uniform(0.85, 1.15, 15)
    hole = np.column_stack([0.08 + radii * np.cos(angles), -0.22 + radii * np.sin(angles)])
    pen.fill(hole * 1.06, light(tone, 0.7))
    pen.fill(hole, Fade((-0.2, -0.5), (0.3, 0.2), (dark(tone, 0.6), dark(tone, 0.3))))
    for at in (1, 5, 9, 12):
        line = [hole[at], hole[at] * 1.25 + rng.uniform(-0.06, 0.06, 2), hole[at] * 1.5 + rng.uniform(-0.1, 0.1, 2)]
        with pen.inside(egg):
            for first, second in zip(line, line[1:], strict=False):
                pen.stroke([first, second], 0.022, rgba(dark(tone, 0.6), 200))
    speckle(pen, rng, egg, 26, 0.016, rgba(dark(tone, 0.35), 120))
    _crumbs(pen, rng, tone)


def _half_shell(pen: Pen, rng: np.random.Generator, tone: Tint) -> None:
    """Draw the lower half of an eggshell, its broken rim towards us."""
    x = np.linspace(-0.62, 0.62, 13)
    dip = 0.24 * np.sqrt(np.clip(1 - (x / 0.63) ** 2, 0, 1))
    jag = rng.uniform(0.02, 0.13, 13) * np.where(np.arange(13) % 2, 1, -1)
    back = np.column_stack([x, -0.12 - dip + 0.6 * jag])
    rim = np.column_stack([x, -0.12 + dip + jag])
    pen.fill(
        np.concatenate([back, rim[::-1]]),
        Fade((-0.5, -0.3), (0.5, 0.2), (dark(tone, 0.42), dark(tone, 0.12), light(tone, 0.6))),
    )
    pen.stroke(back, 0.025, light(tone, 0.75))
    cup = curve([(0.62, -0.1), (0.62, 0.2), (0.42, 0.62), (0, 0.82), (-0.42, 0.62), (-0.62, 0.2), (-0.62, -0.1)])
    pen.fill(
        np.concatenate([rim, cup]),
        Fade((-0.22, 0.15), (0.65, 0.75), (light(tone, 0.5), tone, dark(tone, 0.3)), radial=True),
    )
    pen.stroke(rim, 0.028, light(tone, 0.8))
    speckle(pen, rng, np.concatenate([rim, cup]), 12, 0.014, rgba(dark(tone, 0.35), 110))
    for at in rng.integers(2, 11, 2):
        foot = rim[at] + (rng.uniform(-0.1, 0.1), rng.uniform(0.16, 0.3))
        pen.stroke([rim[at], (rim[at] + foot) / 2 + (0.03, 0), foot], 0.018, rgba(dark(tone, 0.55), 180))


def _crumbs(pen: Pen, rng: np.random.Generator, tone: Tint) -> None:
    for _ in range(int(rng.integers(2, 6))):
        x, y = pick(rng, (-1, 1)) * rng.uniform(0.72, 1.0), rng.uniform(0.55, 0.95)
        bit = blot(rng, x, y, rng.uniform(0.06, 0.13), 0.4, 5)[::5]
        pen.fill(bit + (0.012, 0.025), dark(tone, 0.4))
        pen.fill(bit, light(tone, rng.uniform(0, 0.6)))
