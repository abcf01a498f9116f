"""Orange peel and banana peel."""

import numpy as np

from sortline.data.drawings.colours import dark, light, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, band, curve, ellipse
from sortline.data.drawings.touches import blot, speckle

PEEL = ("#f08a24", "#f59a2e", "#e87a1e", "#f2a640")
PITH = "#fbeccb"
BANANA = ("#f5d13d", "#f2c72e", "#f7dc5e", "#e8c23a")


def peel_spiral(pen: Pen, rng: np.random.Generator) -> None:
    """Draw one long strip of peel, curled like a spring: rind in front, white pith behind."""
    tone, turns = pick(rng, PEEL), rng.uniform(2.4, 3.3)
    angles = np.linspace(0, 2 * np.pi * turns, 150)
    share = angles / angles[-1]
    reach = 0.34 + 0.3 * np.sin(np.pi * (0.12 + 0.8 * share))
    path = np.column_stack([reach * np.cos(angles), -0.85 + 1.7 * share + 0.17 * np.sin(angles)])
    width = 0.06 + 0.3 * np.sin(np.pi * np.clip(share * 1.02, 0, 1)) ** 0.5
    front = np.sin(angles) > 0
    cuts = [0, *(np.flatnonzero(np.diff(front.astype(int))) + 1).tolist(), len(angles)]
    pieces = [
        (slice(max(a - 1, 0), min(b + 1, len(angles))), bool(front[a]))
        for a, b in zip(cuts, cuts[1:], strict=False)
        if b - a > 2
    ]
    for where, near in sorted(pieces, key=lambda piece: piece[1]):
        ribbon = band(path[where], width[where])
        if near:
            pen.fill(band(path[where] + (0.0, 0.03), width[where]), PITH)
            pen.fill(ribbon, Fade((-0.6, 0), (0.6, 0), (dark(tone, 0.22), light(tone, 0.25), tone, dark(tone, 0.3))))
            speckle(pen, rng, ribbon, 26, 0.014, rgba(dark(tone, 0.35), 150))
        else:
            pen.fill(band(path[where], width[where] * 1.04), tone)
            pen.fill(
                band(path[where], width[where] * 0.9),
                Fade((-0.6, 0), (0.6, 0), (dark(PITH, 0.25), dark(PITH, 0.08), dark(PITH, 0.3))),
            )


def peel_star(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a peel opened like a flower, white side up."""
    tone, petals = pick(rng, PEEL), int(rng.integers(4, 7))
    for place in range(petals):
        with pen.at(turn=360 / petals * place + rng.uniform(-8, 8)):
            wide, long = rng.uniform(0.92, 1.05) * 1.45 / petals, rng.uniform(0.88, 1.05)
            petal = curve([(0, 0.12), (-wide, -0.4), (-0.72 * wide, -0.75 * long), (0, -long), (0, -long),
                           (0.72 * wide, -0.75 * long), (wide, -0.4)], closed=True)  # fmt: skip
            pen.fill(petal + (0.03, 0.03), rgba("#2a1a3e", 60))
            pen.fill(petal, tone)
            inner = petal * (0.84, 0.9) + (0, -0.01)
            pen.fill(inner, Fade((0, 0), (0, -long), (dark(PITH, 0.14), PITH, light(PITH, 0.4))))
            for x in (-0.35, 0, 0.35):
                pen.stroke(
                    curve([(0, -0.1), (x * wide, -0.45), (x * wide * 0.7, -0.72)]), 0.016, rgba(dark(PITH, 0.3), 110)
                )
            if rng.random() < 0.5:
                curl = [(-0.6 * wide, -0.8 * long), (0, -long * 1.02), (0.6 * wide, -0.8 * long), (0, -0.72 * long)]
                pen.fill(curve(curl, closed=True), Fade((0, -long), (0, -0.7 * long), (light(tone), dark(tone, 0.2))))
    pen.fill(ellipse(0, 0, 0.13), dark(PITH, 0.2))
    pen.fill(ellipse(0, 0, 0.06), dark(tone, 0.25))


def peel_pieces(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, PEEL)
    for x, y in [(-0.5, -0.4), (0.5, -0.5), (-0.1, 0.25), (0.6, 0.5), (-0.65, 0.65)][: int(rng.integers(3, 6))]:
        with pen.at(x, y, rng.uniform(0, 360), rng.uniform(0.75, 1)):
            piece = curve([(-0.5, 0.1), (-0.5, 0.1), (-0.15, -0.22), (0.3, -0.22), (0.55, 0.12), (0.55, 0.12),
                           (0.2, 0.06), (-0.15, 0.08)], closed=True)  # fmt: skip
            pen.fill(piece + (0.02, 0.06), rgba("#2a1a3e", 60))
            if rng.random() < 0.65:
                pen.fill(piece + (0, 0.05), PITH)
                pen.fill(piece, Fade((-0.1, -0.25), (0.1, 0.15), (light(tone, 0.35), tone, dark(tone, 0.2))))
                speckle(pen, rng, piece, 30, 0.014, rgba(dark(tone, 0.35), 150))
            else:
                pen.fill(piece + (0, 0.045), tone)
                pen.fill(piece, Fade((0, -0.2), (0, 0.1), (dark(PITH, 0.2), PITH)))


def banana_peel(pen: Pen, rng: np.random.Generator) -> None:
    """Draw the classic: peel flaps hanging from the stem end, outside up."""
    tone = pick(rng, BANANA)
    lean = rng.uniform(-0.12, 0.12)
    flaps = [
        (-1, [(0, -0.35), (-0.38, -0.2), (-0.72, 0.25), (-1.0, 0.78)]),
        (1, [(0, -0.35), (0.4, -0.22), (0.78, 0.2), (1.02, 0.7)]),
        (0, [(0, -0.35), (0.06, 0.1), (-0.06 + lean, 0.55), (0.14 + lean, 0.98)]),
    ]
    for side, path in flaps:
        spine = curve(np.array(path) + rng.uniform(-0.05, 0.05, (4, 2)) * [[0], [0], [1], [1]])
        width = np.interp(np.linspace(0, 1, len(spine)), [0, 0.3, 0.75, 1], [0.3, 0.4, 0.3, 0.06])
        if side:
            pen.fill(band(spine + (-side * 0.1, 0.11), width * 0.92), Fade((0, -0.3), (0, 0.9), ("#d9c48a", "#f7edc6")))
        pen.fill(band(spine, width), Fade((0, -0.4), (0, 1), (light(tone, 0.25), tone, dark(tone, 0.12))))
        pen.stroke(spine[2:-2], 0.03, rgba(dark(tone, 0.3), 130))
        pen.fill(ellipse(*spine[-1], 0.05), "#5a4326")
        _bruises(pen, rng, band(spine, width))
    stem = curve([(-0.02, -0.28), (0.0 + lean, -0.65), (0.14 + lean, -1.0)])
    pen.fill(
        band(stem, np.linspace(0.34, 0.13, len(stem))),
        Fade((-0.15, 0), (0.2, 0), (light(tone, 0.25), tone, dark(tone, 0.25))),
    )
    pen.fill(band(stem[-4:], 0.15), "#6b5230")


def banana_star(pen: Pen, rng: np.random.Generator) -> None:
    """Draw a peel dropped open, pale side up, seen from above."""
    tone, count = pick(rng, BANANA), int(rng.integers(3, 5))
    for place in range(count):
        with pen.at(turn=360 / count * place + rng.uniform(-16, 16)):
            bend = rng.uniform(-0.35, 0.35)
            spine = curve([(0, 0.05), (0.06 * bend, -0.4), (0.4 * bend, -0.8), (bend, -1.15)])
            width = np.interp(np.linspace(0, 1, len(spine)), [0, 0.35, 0.75, 1], [0.34, 0.44, 0.34, 0.05])
            pen.fill(band(spine + (0.03, 0.04), width), rgba("#2a1a3e", 60))
            pen.fill(band(spine, width), tone)
            pen.fill(band(spine, width * 0.76), Fade((0, 0), (0, -1.1), ("#e8d9a0", "#fbf3d2")))
            for side in (-0.14, 0, 0.14):
                pen.stroke(spine[3:-4] + (side, 0), 0.016, rgba("#c9b06a", 150))
            pen.fill(ellipse(*spine[-1], 0.05), "#5a4326")
    pen.fill(ellipse(0, 0, 0.19), dark(tone, 0.12))
    pen.fill(ellipse(0, 0, 0.12), "#7a5f30")
    pen.fill(ellipse(-0.02, -0.02, 0.06), "#a98a4a")


def half_peeled_banana(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, BANANA)
    body = curve([(-0.05, 1.0), (0.1, 0.55), (0.12, 0.1), (0.02, -0.2)])
    if rng.random() < 0.6:
        fruit = curve([(0.06, 0.2), (0.02, -0.2), (-0.08, -0.55), (-0.2, -0.82)])
        pen.fill(
            band(fruit, np.linspace(0.36, 0.24, len(fruit))),
            Fade((-0.25, 0), (0.25, 0), ("#fffbe6", "#f7eac0", "#e3cf94")),
        )
    for side, path in (
        (-1, [(0, -0.1), (-0.36, -0.3), (-0.66, 0.02), (-0.78, 0.42)]),
        (1, [(0.05, -0.1), (0.42, -0.3), (0.68, 0.04), (0.72, 0.46)]),
    ):
        spine = curve(np.array(path) + rng.uniform(-0.04, 0.04, (4, 2)))
        width = np.interp(np.linspace(0, 1, len(spine)), [0, 0.4, 1], [0.24, 0.32, 0.07])
        pen.fill(band(spine + (0, -0.045), width), "#f7edc6")
        pen.fill(band(spine + (0, 0.04), width * 0.86), Fade((0, -0.3), (0, 0.4), (tone, dark(tone, 0.14))))
        _bruises(pen, rng, band(spine + (side * 0.02, 0.04), width * 0.8))
    hull = band(body, np.interp(np.linspace(0, 1, len(body)), [0, 0.3, 1], [0.12, 0.4, 0.46]))
    pen.fill(hull, Fade((-0.2, 0), (0.35, 0), (light(tone, 0.35), tone, dark(tone, 0.25))))
    pen.stroke(body[3:] + (0.05, 0), 0.025, rgba(dark(tone, 0.35), 130))
    pen.fill([(-0.2, -0.1), (0.02, 0.14), (0.1, -0.18), (0.24, 0.1), (0.3, -0.15), (0.05, -0.35)], rgba("#f7edc6", 0))
    _bruises(pen, rng, hull)
    pen.fill(band(body[:3], 0.13), "#6b5230")


def _bruises(pen: Pen, rng: np.random.Generator, skin: np.ndarray) -> None:
    with pen.inside(skin):
        for x, y in skin[rng.integers(0, len(skin), int(rng.integers(2, 7)))]:
            pen.fill(blot(rng, x, y, rng.uniform(0.02, 0.07), 0.4, 6), rgba("#6b4a20", 190))
