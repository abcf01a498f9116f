"""Hats and dirty clothes."""

import numpy as np

from sortline.data.drawings.colours import BRIGHT, dark, light, mix, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, box, curve, ellipse
from sortline.data.drawings.touches import blot, drum, emblem, stains

MUD = ("#6b4a2b", "#4f4a3a", "#7d5a2f", "#8a6a3a", "#3f3a36")
SHIRT = ("#f3efe6", "#dfe8f0", "#f0dfe0", "#e7e2c8", "#cfe0d0", "#a9c3dd", "#d9c0d4")


def baseball_cap(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, BRIGHT)
    peak = pick(rng, (tone, dark(tone, 0.35), rgba("#f3efe6")))
    under = curve(
        [(0.34, 0.16), (0.34, 0.16), (0.8, 0.14), (1.12, 0.38), (1.1, 0.46), (0.8, 0.34), (0.3, 0.38)], closed=True
    )
    pen.fill(under + (0, 0.05), dark(peak, 0.5))
    dome = np.concatenate([curve([(-0.66, 0.34), (-0.68, -0.06), (-0.46, -0.44), (-0.05, -0.6), (0.36, -0.42),
                                  (0.54, -0.02), (0.54, 0.26)]),
                           curve([(0.3, 0.38), (-0.15, 0.42), (-0.66, 0.34)])])  # fmt: skip
    pen.fill(dome, Fade((-0.3, -0.5), (0.3, 0.5), (light(tone, 0.15), tone, dark(tone, 0.3))))
    with pen.inside(dome):
        for line in ([(-0.05, -0.6), (-0.36, -0.2), (-0.4, 0.4)], [(-0.05, -0.6), (0.24, -0.2), (0.26, 0.4)]):
            pen.stroke(curve(line), 0.022, dark(tone, 0.4))
        pen.stroke(curve([(-0.7, 0.27), (-0.15, 0.34), (0.6, 0.24)]), 0.03, dark(tone, 0.4))
    pen.fill(under, Fade((0.6, 0.14), (0.7, 0.45), (light(peak, 0.25), peak, dark(peak, 0.2))))
    pen.stroke(curve([(0.38, 0.22), (0.78, 0.2), (1.06, 0.38)]), 0.014, rgba(dark(peak, 0.5), 150))
    pen.fill(ellipse(-0.05, -0.6, 0.075, 0.045), dark(tone, 0.25))
    emblem(pen, rng, -0.08, -0.06, 0.19, light(pick(rng, BRIGHT), 0.7))


def sun_hat(pen: Pen, rng: np.random.Generator) -> None:
    straw, ribbon = pick(rng, ("#e6c684", "#d9b36c", "#efe0b8", "#c9a066")), pick(rng, BRIGHT)
    brim = ellipse(0, 0.25, 1.1, rng.uniform(0.3, 0.4))
    pen.fill(brim, Fade((0, -0.05), (0, 0.6), (dark(straw, 0.2), straw, light(straw, 0.3))))
    for share in (0.92, 0.84, 0.76, 0.68):
        pen.stroke((brim - (0, 0.25)) * share + (0, 0.25), 0.014, rgba(dark(straw, 0.45), 120))
    for angle in np.linspace(0, 2 * np.pi, 40):
        out = np.array([np.cos(angle), np.sin(angle) * 0.32])
        pen.stroke([out * 0.62 + (0, 0.25), out * 1.05 + (0, 0.25)], 0.01, rgba(dark(straw, 0.4), 70))
    crown = np.concatenate(
        [
            curve([(-0.56, 0.22), (-0.54, -0.1), (-0.4, -0.46), (0, -0.58), (0.4, -0.46), (0.54, -0.1), (0.56, 0.22)]),
            ellipse(0, 0.22, 0.56, 0.15, 0, 180),
        ]
    )
    pen.fill(crown, Fade((-0.4, -0.4), (0.5, 0.3), (light(straw, 0.35), straw, dark(straw, 0.3))))
    with pen.inside(crown):
        for y in (-0.46, -0.36, -0.26, -0.16):
            pen.stroke(ellipse(0, y, 0.6, 0.1, 180, 0), 0.014, rgba(dark(straw, 0.45), 110))
        pen.fill(np.concatenate([ellipse(0, 0.0, 0.6, 0.14, 180, 0), ellipse(0, 0.2, 0.6, 0.16, 0, 180)]), ribbon)
        pen.fill(crown, Fade((0, 0), (0.6, 0), (rgba("#2a1a3e", 0), rgba("#2a1a3e", 80))))
    for side in (-1, 1):
        pen.fill(
            curve([(0.34, 0.2), (0.34, 0.2), (0.34 + side * 0.24, 0.06), (0.34 + side * 0.26, 0.34)], closed=True),
            dark(ribbon, 0.12),
        )
        pen.fill([(0.34, 0.22), (0.34 + side * 0.18, 0.56), (0.34 + side * 0.06, 0.58)], dark(ribbon, 0.25))
    pen.fill(ellipse(0.34, 0.2, 0.07), light(ribbon, 0.15))


def beanie(pen: Pen, rng: np.random.Generator) -> None:
    tone, other = pick(rng, BRIGHT), pick(rng, BRIGHT)
    pompom = light(pick(rng, (other, "#f7f2e6")), 0.3)
    for _ in range(26):
        x, y = rng.normal(0, 0.1, 2)
        pen.fill(ellipse(x, y - 0.8, rng.uniform(0.07, 0.12)), mix(pompom, dark(pompom, 0.3), rng.uniform(0, 1)))
    dome = np.concatenate([ellipse(0, 0.3, 0.74, 1.0, 180, 360), [(0.74, 0.5), (-0.74, 0.5)]])
    pen.fill(dome, tone)
    with pen.inside(dome):
        for row, y in enumerate(np.arange(-0.62, 0.4, 0.15)):
            if row % 3 == 2:
                pen.fill(box(-1, y, 1, y + 0.15), light(other, 0.35))
            for x in np.arange(-0.76, 0.8, 0.13):
                knit = light(other, 0.35) if row % 3 == 2 else tone
                pen.stroke([(x, y), (x + 0.065, y + 0.1), (x + 0.13, y)], 0.022, rgba(dark(knit, 0.35), 150))
        pen.fill(dome, Fade((-0.7, 0), (0.75, 0), (rgba("#fffaf0", 50), rgba("#fffaf0", 0), rgba("#2a1a3e", 110))))
    cuff = box(-0.82, 0.26, 0.82, 0.72, 0.12)
    pen.fill(cuff, light(tone, 0.12))
    for x in np.arange(-0.74, 0.8, 0.114):
        pen.stroke([(x, 0.31), (x, 0.67)], 0.035, rgba(dark(tone, 0.35), 150))
    pen.fill(cuff, Fade((-0.8, 0), (0.82, 0), (rgba("#fffaf0", 40), rgba("#fffaf0", 0), rgba("#2a1a3e", 90))))


def top_hat(pen: Pen, rng: np.random.Generator) -> None:
    tone, ribbon = pick(rng, ("#2b2b33", "#3a2f3f", "#4b3a2c", "#2a3a52", "#5a2a35")), pick(rng, (*BRIGHT, "#8f8f98"))
    high = rng.uniform(0.5, 0.85)
    pen.fill(ellipse(0, 0.42, 1.0, 0.27), dark(tone, 0.3))
    pen.fill(ellipse(0, 0.38, 1.0, 0.25), Fade((-1, 0), (1, 0), (light(tone, 0.15), light(tone, 0.3), tone)))
    crown = drum(0.6, -high, 0.56, 0.34, 0.15)
    pen.fill(crown, Fade((-0.6, 0), (0.6, 0), (tone, light(tone, 0.35), tone, dark(tone, 0.4))))
    pen.fill(np.concatenate([ellipse(0, 0.1, 0.565, 0.15, 180, 0), ellipse(0, 0.34, 0.56, 0.15, 0, 180)]), ribbon)
    pen.fill(crown, Fade((0.1, 0), (0.6, 0), (rgba("#2a1a3e", 0), rgba("#2a1a3e", 110))))
    pen.fill(ellipse(0, -high, 0.6, 0.15), light(tone, 0.18))
    pen.outline(ellipse(0, -high, 0.6, 0.15), 0.025, light(tone, 0.35))
    if rng.random() < 0.5:
        pen.fill(
            curve([(0.4, 0.3), (0.4, 0.3), (0.62, -0.1), (0.8, -0.3), (0.66, 0.06)], closed=True), pick(rng, BRIGHT)
        )


def dirty_shirt(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, SHIRT)
    half = [(0.2, -0.82), (0.42, -0.76), (0.98, -0.36), (0.78, -0.02), (0.5, -0.2), (0.52, 0.3), (0.55, 0.92)]
    left = [(-x, y) for x, y in half][::-1]
    shirt = np.concatenate(
        [
            half,
            curve([(0.55, 0.92), (0.2, 0.96), (-0.2, 0.9), (-0.55, 0.92)]),
            left,
            ellipse(0, -0.82, 0.2, 0.15, 180, 0),
        ]
    )
    pen.fill(ellipse(0, -0.82, 0.2, 0.07), dark(tone, 0.45))
    pen.fill(shirt, tone)
    with pen.inside(shirt):
        if rng.random() < 0.45:
            stripe = pick(rng, BRIGHT)
            for y in np.arange(-0.7, 1, 0.26):
                pen.fill(box(-0.52, y, 0.52, y + 0.11), rgba(light(stripe, 0.2), 190))
        for side in (-1, 1):
            pen.stroke(curve([(side * 0.46, -0.74), (side * 0.44, -0.4), (side * 0.5, -0.18)]), 0.018, dark(tone, 0.3))
            pen.stroke([(side * 0.92, -0.4), (side * 0.72, -0.08)], 0.016, dark(tone, 0.25))
    _wrinkles(pen, rng, shirt, 6)
    pen.stroke(ellipse(0, -0.82, 0.22, 0.17, 180, 0), 0.05, dark(tone, 0.15))
    stains(pen, rng, shirt, int(rng.integers(3, 6)), MUD)


def dirty_trousers(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, ("#4a6a94", "#6e86a8", "#8a7a5c", "#5a5f5a", "#7f8f7a"))
    spread = rng.uniform(0.5, 0.66)
    legs = np.array([(-0.42, -0.95), (0.42, -0.95), (0.5, -0.5), (spread, 0.98), (0.14, 1.0), (0, -0.22), (-0.14, 1.0),
                     (-spread, 0.98), (-0.5, -0.5)])  # fmt: skip
    pen.fill(legs, Fade((-0.5, 0), (0.5, 0), (light(tone, 0.15), tone, dark(tone, 0.2))))
    with pen.inside(legs):
        pen.fill(box(-1, -0.95, 1, -0.81), dark(tone, 0.2))
        pen.stroke([(0, -0.8), (0, -0.24)], 0.025, dark(tone, 0.45))
        for side in (-1, 1):
            pen.stroke(curve([(side * 0.2, -0.8), (side * 0.26, -0.62), (side * 0.5, -0.56)]), 0.022, dark(tone, 0.45))
            pen.stroke([(side * 0.5, 0.9), (side * 0.1, 0.92)], 0.018, light(tone, 0.4))
            pen.fill(box(side * 0.3 - 0.03, -0.98, side * 0.3 + 0.03, -0.78), dark(tone, 0.4))
    pen.fill(ellipse(0, -0.88, 0.04), "#d8b04a")
    _wrinkles(pen, rng, legs, 5)
    stains(pen, rng, legs, int(rng.integers(3, 6)), ("#3b2a1c", "#5f4a2e", "#2f2c28", "#d9d2c0"))


def dirty_sock(pen: Pen, rng: np.random.Generator) -> None:
    tone, trim = pick(rng, SHIRT), pick(rng, BRIGHT)
    for step in range(2):
        with pen.at(0.42 * step, 0.16 * step, rng.uniform(-10, 14)):
            sock = curve([(-0.5, -0.95), (-0.5, -0.95), (0, -0.95), (0, -0.95), (0.02, -0.1), (0.2, 0.16), (0.66, 0.34),
                          (0.74, 0.62), (0.5, 0.78), (0.0, 0.7), (-0.4, 0.52), (-0.5, 0.2)], closed=True)  # fmt: skip
            pen.fill(sock + (0.03, 0.04), rgba("#2a1a3e", 70))
            pen.fill(sock, Fade((-0.5, 0), (0.5, 0.6), (light(tone), tone, dark(tone, 0.18))))
            with pen.inside(sock):
                for y in (-0.62, -0.44):
                    pen.fill(box(-1, y, 1, y + 0.1), trim)
                pen.fill(ellipse(0.72, 0.66, 0.3, 0.34), rgba(trim, 220))
                pen.fill(ellipse(-0.5, 0.5, 0.24, 0.26), rgba(trim, 220))
                for x in np.arange(-0.46, 0.02, 0.08):
                    pen.stroke([(x, -0.95), (x, -0.72)], 0.02, rgba(dark(tone, 0.4), 120))
            stains(pen, rng, sock, 3, MUD)
            if step:
                pen.fill(blot(rng, 0.5, 0.52, 0.08), dark(tone, 0.6))


def dirty_rag(pen: Pen, rng: np.random.Generator) -> None:
    tone, line = pick(rng, SHIRT + ("#e8b9a0", "#b8d0b0")), pick(rng, BRIGHT)
    edges = np.array([(-0.9, -0.7), (-0.3, -0.82), (0.3, -0.68), (0.9, -0.8), (0.82, -0.2), (0.94, 0.3), (0.8, 0.8),
                      (0.2, 0.72), (-0.3, 0.86), (-0.86, 0.74), (-0.8, 0.2), (-0.94, -0.2)])  # fmt: skip
    rag = curve(edges + rng.uniform(-0.06, 0.06, edges.shape), closed=True)
    pen.fill(rag, tone)
    with pen.inside(rag):
        for at in (-0.5, -0.36, 0.36, 0.5):
            pen.fill(box(at, -1, at + 0.08, 1), rgba(line, 130))
            pen.fill(box(-1, at, 1, at + 0.08), rgba(line, 130))
        for _ in range(6):
            x, y = rng.uniform(-0.7, 0.7, 2)
            fold = curve([(x, y), (x + 0.25, y + rng.uniform(-0.2, 0.2)), (x + 0.5, y + rng.uniform(-0.5, 0.5))])
            pen.stroke(fold, 0.07, rgba("#2a1a3e", 40))
            pen.stroke(fold - (0, 0.05), 0.03, (255, 255, 255, 80))
    stains(pen, rng, rag, int(rng.integers(4, 7)), MUD)


def _wrinkles(pen: Pen, rng: np.random.Generator, cloth: np.ndarray, count: int) -> None:
    low, high = cloth.min(0), cloth.max(0)
    with pen.inside(cloth):
        for _ in range(count):
            x, y = rng.uniform(low, high)
            fold = curve([(x, y), (x + rng.uniform(-0.1, 0.1), y + 0.15), (x + rng.uniform(-0.2, 0.2), y + 0.34)])
            pen.stroke(fold, 0.045, rgba("#2a1a3e", 45))
            pen.stroke(fold + (0.035, 0), 0.022, (255, 255, 255, 70))
