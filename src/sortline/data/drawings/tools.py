"""Chopsticks, lighters, brooms and toothbrushes."""

import numpy as np

from sortline.data.drawings.colours import BRIGHT, WOOD, Tint, dark, light, mix, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, band, box, curve, ellipse, lathe
from sortline.data.drawings.touches import emblem, glint, sheen

BAMBOO = ("#e6c78e", "#dbb877", "#efd9a8", "#cfa566")
LACQUER = ("#a8322c", "#2b2320", "#d66a7c", "#5a3a2a")


def chopsticks(pen: Pen, rng: np.random.Generator) -> None:
    tone, splay = pick(rng, BAMBOO), rng.uniform(2, 9)
    for side in (-1, 1):
        with pen.at(side * rng.uniform(0.07, 0.13), 0, side * splay):
            _stick(pen, tone)


def crossed_chopsticks(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, BAMBOO + LACQUER)
    cross = rng.uniform(14, 32)
    for side in (-1, 1):
        with pen.at(0, side * 0.03, side * cross):
            pen.fill(_stick_outline() + (0.02, 0.03), rgba("#2a1a3e", 70))
            _stick(pen, tone, tip=tone not in BAMBOO)
    if rng.random() < 0.5:
        rest = pick(rng, ("#e8e6df", "#9fc3d6", "#c9a6b8"))
        with pen.at(0, 0.62):
            pen.fill(box(-0.42, -0.07, 0.42, 0.12, 0.06), dark(rest, 0.25))
            pen.fill(box(-0.42, -0.1, 0.42, 0.07, 0.06), rest)


def wrapped_chopsticks(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a new pair, still joined, half out of its paper sleeve."""
    tone, paper, mark = pick(rng, BAMBOO), pick(rng, ("#f7f2e6", "#f3e3c3", "#e8efe6")), pick(rng, BRIGHT)
    for side in (-1, 1):
        with pen.at(side * 0.062):
            _stick(pen, tone)
    pen.fill(box(-0.01, -0.6, 0.01, 0.9), rgba(dark(tone, 0.5), 150))
    pull = rng.uniform(-0.35, 0.1)
    sleeve = [(-0.19, pull), (0.19, pull - 0.06), (0.19, 1.06), (-0.19, 1.06)]
    pen.fill(sleeve, Fade((-0.19, 0), (0.19, 0), (light(paper, 0.5), paper, dark(paper, 0.15))))
    with pen.inside(sleeve):
        pen.fill(box(-1, pull + 0.12, 1, pull + 0.2), mark)
        pen.fill(box(-1, 0.92, 1, 0.97), mark)
        for y in np.arange(pull + 0.42, 0.8, 0.2):
            _glyph(pen, rng, 0, y, 0.075, mark)


def disposable_lighter(pen: Pen, rng: np.random.Generator) -> None:
    _lighter(pen, rng)


def burning_lighter(pen: Pen, rng: np.random.Generator) -> None:
    _flame(pen, rng, -0.13, -0.72)
    _lighter(pen, rng)


def flip_lighter(pen: Pen, rng: np.random.Generator) -> None:
    metal = pick(rng, ("#b4bac2", "#c9a456", "#8d939c", "#5b5f6b"))
    if rng.random() < 0.6:
        _flame(pen, rng, 0, -0.42)
    with pen.at(0.44, -0.18, rng.uniform(55, 80)):
        lid = box(-0.86, -0.46, 0.0, 0, 0.05)
        pen.fill(lid, Fade((0, -0.46), (0, 0), (light(metal, 0.5), metal, dark(metal, 0.35))))
        pen.outline(lid, 0.02, rgba(dark(metal, 0.5), 150))
    pen.fill(box(-0.27, -0.46, 0.27, -0.1, 0.04), "#8a9099")
    for x in (-0.15, 0, 0.15):
        for y in (-0.36, -0.24):
            pen.fill(ellipse(x, y, 0.042), "#3b3f47")
    pen.fill(ellipse(0.2, -0.46, 0.1), "#5d636c")
    body = box(-0.44, -0.18, 0.44, 0.95, 0.06)
    pen.fill(body, metal)
    sheen(pen, body, -0.44, 0.44, 1.1)
    emblem(pen, rng, 0, 0.42, 0.2, dark(metal, 0.45))
    pen.fill(box(0.42, -0.2, 0.5, 0.02, 0.02), dark(metal, 0.3))


def straw_broom(pen: Pen, rng: np.random.Generator) -> None:
    straw, cord = pick(rng, ("#e0b860", "#cfa24a", "#d9c07a", "#b88d4a")), pick(rng, BRIGHT)
    _pole(pen, -1.4, 0.1, pick(rng, WOOD))
    spread = rng.uniform(0.42, 0.6)
    head = lathe(curve([(0.08, 0.0), (0.13, 0.2), (spread * 0.8, 0.62), (spread, 1.02)]))
    pen.fill(head, straw)
    for x in np.linspace(-1, 1, 25):
        shade = pick(rng, (dark(straw, 0.3), light(straw, 0.4), dark(straw, 0.15)))
        foot = (x * spread, 1.02 + rng.uniform(-0.02, 0.1))
        pen.stroke(curve([(x * 0.08, 0.05), (x * 0.14, 0.22), (x * spread * 0.8, 0.62), foot]), 0.028, shade)
    for y, half in ((0.12, 0.11), (0.2, 0.14), (0.42, 0.3)):
        pen.stroke(ellipse(0, y, half * spread / 0.5, 0.03, 180, 0), 0.045, cord)


def push_broom(pen: Pen, rng: np.random.Generator) -> None:
    tone, pole = pick(rng, BRIGHT), pick(rng, (*WOOD, "#c9ccd2", "#e8e4da"))
    bristle = pick(rng, (light(tone, 0.35), rgba("#3b3836"), rgba("#e9d9a8")))
    lean = rng.uniform(-10, 10)
    with pen.at(0, 0.45, lean):
        _pole(pen, -1.75, 0.05, pole)
    brush = [(-0.5, 0.52), (0.5, 0.52), (0.66, 1.0), (-0.66, 1.0)]
    pen.fill(brush, dark(bristle, 0.2))
    for x in np.linspace(-1, 1, 27):
        foot = 1.0 + rng.uniform(-0.03, 0.05)
        pen.stroke(
            [(x * 0.49, 0.52), (x * 0.65, foot)], 0.03, pick(rng, (bristle, light(bristle, 0.25), dark(bristle, 0.15)))
        )
    block = [(-0.14, 0.2), (0.14, 0.2), (0.26, 0.36), (0.55, 0.44), (0.55, 0.6), (-0.55, 0.6), (-0.55, 0.44),
             (-0.26, 0.36)]  # fmt: skip
    pen.fill(block, Fade((0, 0.2), (0, 0.6), (light(tone, 0.3), tone, dark(tone, 0.25))))
    glint(pen, [(-0.46, 0.5), (0.2, 0.5)], 0.03, 120)


def broom_and_dustpan(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, BRIGHT)
    with pen.at(-0.25, 0, -12):
        push_broom(pen, rng)
    with pen.at(0.62, 0.72, rng.uniform(-6, 10)):
        pen.stroke([(0, -0.9), (0, -0.2)], 0.13, dark(tone, 0.1))
        pan = [(-0.34, -0.28), (0.34, -0.28), (0.5, 0.34), (-0.5, 0.34)]
        pen.fill(pan, tone)
        pen.fill(
            [(-0.26, -0.18), (0.26, -0.18), (0.46, 0.34), (-0.46, 0.34)],
            Fade((0, -0.2), (0, 0.34), (dark(tone, 0.4), light(tone, 0.1))),
        )
        for x, y in rng.uniform((-0.25, 0.05), (0.25, 0.28), (7, 2)):
            pen.fill(ellipse(x, y, rng.uniform(0.02, 0.045)), pick(rng, ("#6b5a48", "#8d8378", "#4a4038")))


def toothbrush(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a toothbrush from the side."""
    tone, other = pick(rng, BRIGHT), pick(rng, (*BRIGHT, "#ffffff"))
    bristles = [light(pick(rng, BRIGHT), 0.45), rgba("#ffffff"), light(tone, 0.3)]
    for place, x in enumerate(np.linspace(-1.0, -0.56, 9)):
        high = 0.27 + 0.04 * np.cos(place * 1.2)
        pen.fill(band([(x, -0.08), (x, -0.08 - high)], 0.052), bristles[place // 2 % 3])
        pen.stroke([(x + 0.015, -0.08), (x + 0.015, -0.04 - high)], 0.01, rgba("#2a1a3e", 60))
    _brush_handle(pen, tone, other)
    if rng.random() < 0.5:
        paste = curve([(-1.02, -0.36), (-0.9, -0.46), (-0.78, -0.37), (-0.66, -0.45), (-0.52, -0.36)])
        pen.stroke(paste, 0.12, "#f4f8fa")
        pen.stroke(paste - (0, 0.03), 0.035, pick(rng, ("#3f9fd8", "#e4572e", "#3fa796")))


def toothbrush_from_above(pen: Pen, rng: np.random.Generator) -> None:
    tone, other = pick(rng, (*BRIGHT, "#f2efe6", "#d9b382")), pick(rng, BRIGHT)
    handle = curve([(-1.1, 0), (-1.02, -0.12), (-0.62, -0.12), (-0.45, -0.05), (-0.2, -0.045), (0.1, -0.1),
                    (0.6, -0.09), (1.05, -0.07), (1.12, 0), (1.05, 0.07), (0.6, 0.09), (0.1, 0.1), (-0.2, 0.045),
                    (-0.45, 0.05), (-0.62, 0.12), (-1.02, 0.12)], closed=True)  # fmt: skip
    pen.fill(handle, Fade((0, -0.12), (0, 0.12), (light(tone, 0.4), tone, dark(tone, 0.3))))
    pen.fill(band([(0.15, 0), (0.85, 0)], [0.1, 0.07]), other)
    for x in np.arange(0.2, 0.85, 0.1):
        pen.stroke([(x, -0.03), (x, 0.03)], 0.025, light(other, 0.5))
    for column, x in enumerate(np.linspace(-1.0, -0.62, 7)):
        for y in (-0.065, 0, 0.065):
            tuft = "#ffffff" if column % 3 else light(other, 0.3)
            pen.fill(ellipse(x, y, 0.033), dark(tuft, 0.25))
            pen.fill(ellipse(x - 0.005, y - 0.008, 0.026), tuft)


def two_toothbrushes(pen: Pen, rng: np.random.Generator) -> None:
    with pen.at(0, -0.25, rng.uniform(-14, 0)):
        toothbrush(pen, rng)
    with pen.at(0, 0.3, rng.uniform(0, 14)):
        toothbrush(pen, rng)


def _stick_outline() -> np.ndarray:
    return np.array([(-0.062, -1), (0.062, -1), (0.03, 1), (-0.03, 1)])


def _stick(pen: Pen, tone: Tint, tip: bool = False) -> None:
    """Draw one stick, thick end up."""
    stick = _stick_outline()
    pen.fill(stick, Fade((-0.06, 0), (0.06, 0), (light(tone, 0.35), tone, dark(tone, 0.3))))
    with pen.inside(stick):
        for x in (-0.02, 0.025):
            pen.stroke([(x, -1), (x * 0.4, 1)], 0.008, rgba(dark(tone, 0.4), 110))
        if tip:
            pen.fill(box(-1, -1, 1, -0.78), "#d8b04a")
            pen.fill(box(-1, -0.72, 1, -0.68), "#d8b04a")


def _glyph(pen: Pen, rng: np.random.Generator, x: float, y: float, half: float, tone: Tint) -> None:
    """Write a made-up character: a few strokes in a square."""
    for _ in range(2):
        level = y + rng.uniform(-half, half)
        pen.stroke([(x - half, level), (x + half, level)], 0.022, tone)
    at = x + rng.uniform(-half, half) * 0.6
    pen.stroke([(at, y - half), (at, y + half)], 0.022, tone)
    pen.stroke([(x - half * 0.2, y), (x + half * pick(rng, (-1, 1)), y + half)], 0.022, tone)


def _lighter(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, BRIGHT)
    body = box(-0.3, -0.42, 0.3, 1, 0.1)
    pen.fill(body, rgba(tone, 205))
    with pen.inside(body):
        pen.fill(box(-0.22, rng.uniform(-0.1, 0.6), 0.22, 0.92, 0.06), rgba(dark(tone, 0.3), 120))
        pen.fill(box(-0.02, -0.4, 0.03, 0.8), rgba("#ffffff", 110))
        pen.fill(box(-1, 0.9, 1, 1), dark(tone, 0.2))
    sheen(pen, body, -0.3, 0.3, 0.9)
    hood = [(-0.27, -0.42), (-0.27, -0.74), (0.02, -0.74), (0.06, -0.6), (0.06, -0.42)]
    pen.fill(hood, Fade((-0.27, 0), (0.06, 0), ("#7f878f", "#e8ecef", "#8f979f")))
    for y in (-0.66, -0.56):
        pen.fill(ellipse(-0.13, y, 0.03), "#4a4f57")
    pen.fill(ellipse(0.1, -0.62, 0.13), "#50555e")
    pen.fill(ellipse(0.1, -0.62, 0.07), "#8a9098")
    for angle in np.linspace(0, 2 * np.pi, 14, endpoint=False):
        out = np.array([np.cos(angle), np.sin(angle)])
        pen.stroke([out * 0.1 + (0.1, -0.62), out * 0.13 + (0.1, -0.62)], 0.016, "#24272d")
    button = pick(rng, ("#d9363e", "#2b2b33", "#f2a33a"))
    pen.fill(
        curve(
            [(0.08, -0.5), (0.08, -0.5), (0.3, -0.56), (0.35, -0.46), (0.3, -0.4), (0.3, -0.4), (0.08, -0.4)],
            closed=True,
        ),
        button,
    )


def _flame(pen: Pen, rng: np.random.Generator, x: float, y: float) -> None:
    """Draw a flame standing on (x, y), with its glow."""
    high, sway = rng.uniform(0.5, 0.75), rng.uniform(-0.08, 0.08)
    pen.fill(
        ellipse(x, y - 0.3, 0.5, 0.55),
        Fade((x, y - 0.3), (x + 0.5, y - 0.3), (rgba("#ffd56b", 130), rgba("#ffd56b", 0)), radial=True),
    )
    for share, tone in ((1, "#f28a2e"), (0.72, "#f9c74f"), (0.42, "#fff3c4")):
        tip = (x + sway, y - high * share)
        pen.fill(
            curve(
                [tip, tip, (x + 0.17 * share, y - 0.2 * share), (x, y + 0.02), (x - 0.17 * share, y - 0.2 * share)],
                closed=True,
            ),
            tone,
        )
    pen.fill(ellipse(x, y - 0.01, 0.07, 0.05), rgba("#5aa9e6", 200))


def _pole(pen: Pen, top: float, bottom: float, tone: Tint) -> None:
    pole = box(-0.055, top, 0.055, bottom, 0.04)
    pen.fill(pole, tone)
    sheen(pen, pole, -0.055, 0.055, 0.9)
    pen.fill(box(-0.06, top, 0.06, top + 0.12, 0.04), mix(tone, "#33323a", 0.5))


def _brush_handle(pen: Pen, tone: Tint, other: Tint) -> None:
    spine = curve([(-1.05, 0), (-0.6, 0), (-0.3, 0.03), (0.1, 0.1), (0.6, 0.06), (1.05, 0.12)])
    width = np.interp(np.linspace(0, 1, len(spine)), [0, 0.25, 0.4, 0.6, 0.85, 1], [0.16, 0.17, 0.1, 0.2, 0.19, 0.12])
    pen.fill(band(spine, width), tone)
    pen.fill(band(spine + (0, 0.035), width * 0.55), rgba(dark(tone, 0.35), 120))
    pen.fill(band(spine[20:34] + (0, -0.005), width[20:34] * 0.5), other)
    pen.stroke(spine[2:-3] - (0, 0.045), 0.022, rgba("#ffffff", 150))
