"""Old mirrors and ceramic bowls."""

import numpy as np

from sortline.data.drawings.colours import Tint, dark, light, mix, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, box, curve, ellipse
from sortline.data.drawings.touches import belt, blot, drum, glint, star

FRAMES = ("#b98a3e", "#8a5a34", "#6e4a36", "#a9a39a", "#c7a866", "#5a6b5f")
GLAZE = ("#f4f1e8", "#e9f0ee", "#cfe0d6", "#efe0d2", "#d6dff0", "#3f4f6b", "#7a3b34")


def standing_mirror(pen: Pen, rng: np.random.Generator) -> None:
    frame = pick(rng, FRAMES)
    for side in (-1, 1):
        pen.stroke(curve([(side * 0.1, 0.86), (side * 0.35, 0.92), (side * 0.6, 1.06)]), 0.1, dark(frame, 0.25))
    pen.fill(box(-0.07, 0.6, 0.07, 0.98), dark(frame, 0.15))
    disc = ellipse(0, -0.1, 0.66, 0.84)
    for angle in np.linspace(0, 2 * np.pi, 30, endpoint=False):
        pen.fill(ellipse(0.65 * np.cos(angle), -0.1 + 0.83 * np.sin(angle), 0.075), dark(frame, 0.1))
    pen.fill(disc, Fade((-0.6, -0.8), (0.6, 0.7), (light(frame, 0.5), frame, dark(frame, 0.35))))
    _mirror_glass(pen, rng, ellipse(0, -0.1, 0.53, 0.7), frame)
    pen.fill(star(0, -0.97, 0.15, 7, 0.7), light(frame, 0.2))


def hand_mirror(pen: Pen, rng: np.random.Generator) -> None:
    frame = pick(rng, FRAMES + ("#c98a9a", "#7f9fb5"))
    pen.fill(curve([(-0.1, 0.2), (0.1, 0.2), (0.08, 0.55), (0.13, 0.8), (0.09, 1.08), (-0.09, 1.08), (-0.13, 0.8),
                    (-0.08, 0.55)], closed=True), Fade((-0.13, 0), (0.13, 0),
                                                       (light(frame, 0.3), frame, dark(frame, 0.3))))  # fmt: skip
    pen.fill(ellipse(0, 0.82, 0.06, 0.09), dark(frame, 0.35))
    angles = np.linspace(0, 2 * np.pi, 97)
    wave = 0.64 + 0.028 * np.cos(12 * angles)
    rim = np.column_stack([wave * np.cos(angles), -0.36 + wave * np.sin(angles)])
    pen.fill(rim, Fade((-0.5, -0.8), (0.5, 0.2), (light(frame, 0.5), frame, dark(frame, 0.3))))
    pen.fill(ellipse(0, -0.36, 0.55), dark(frame, 0.35))
    _mirror_glass(pen, rng, ellipse(0, -0.36, 0.5), frame)


def wall_mirror(pen: Pen, rng: np.random.Generator) -> None:
    frame = pick(rng, FRAMES)
    pen.stroke([(-0.35, -0.9), (0, -1.2), (0.35, -0.9)], 0.03, "#6b6258")
    pen.fill(ellipse(0, -1.2, 0.05), "#8f8a83")
    outer, inner = (
        [(-0.72, -0.95), (0.72, -0.95), (0.72, 0.95), (-0.72, 0.95)],
        [(-0.55, -0.78), (0.55, -0.78), (0.55, 0.78), (-0.55, 0.78)],
    )
    for side, tone in enumerate((light(frame, 0.3), dark(frame, 0.15), dark(frame, 0.3), light(frame, 0.12))):
        after = (side + 1) % 4
        pen.fill([outer[side], outer[after], inner[after], inner[side]], tone)
    for x, y in [(-0.635, -0.865), (0.635, -0.865), (0.635, 0.865), (-0.635, 0.865)]:
        pen.fill(star(x, y, 0.13, 8, 0.7), light(frame, 0.3))
        pen.fill(ellipse(x, y, 0.05), dark(frame, 0.3))
    _mirror_glass(pen, rng, np.array(inner, float), frame)


def rice_bowl(pen: Pen, rng: np.random.Generator) -> None:
    _bowl(pen, rng, pick(rng, GLAZE))


def two_bowls(pen: Pen, rng: np.random.Generator) -> None:
    glaze, start = pick(rng, GLAZE), len(pen.shapes)
    with pen.at(rng.uniform(-0.05, 0.05), 0.34, rng.uniform(-3, 3)):
        front = start + _bowl(pen, rng, glaze)
    hiding = pen.shapes[start:front]
    _bowl(pen, rng, glaze)
    pen.shapes.extend(hiding)


def broken_bowl(pen: Pen, rng: np.random.Generator) -> None:
    glaze = pick(rng, GLAZE)
    _bowl(pen, rng, glaze, chipped=True)
    for x in (-0.72, 0.75):
        x += rng.uniform(-0.1, 0.1)
        shard = blot(rng, x, 0.78, 0.13, 0.4, 5)[::5]
        pen.fill(shard + (0.015, 0.03), dark(glaze, 0.4))
        pen.fill(shard, light(glaze, 0.2))


def _mirror_glass(pen: Pen, rng: np.random.Generator, outline: np.ndarray, frame: Tint) -> None:
    """Fill a frame with old glass: reflections, blind spots, and often a crack."""
    tone = pick(rng, ("#bcd6df", "#c9dcd6", "#aec6d6", "#d3d9d6"))
    low, high = outline.min(0), outline.max(0)
    middle, size = (low + high) / 2, high - low
    pen.fill(outline, Fade(tuple(low), tuple(high), (light(tone, 0.5), tone, dark(tone, 0.22))))
    with pen.inside(outline):
        for x, wide in ((-0.25, 0.2), (0.08, 0.07)):
            x = middle[0] + (x + rng.uniform(-0.06, 0.06)) * size[0]
            slant = 0.28 * size[1]
            pen.fill([(x + slant, low[1]), (x + slant + wide * size[0], low[1]), (x - slant + wide * size[0], high[1]),
                      (x - slant, high[1])], (255, 255, 255, 95))  # fmt: skip
        for x, y in outline[rng.integers(0, len(outline), 7)] * 0.98 + middle * 0.02:
            pen.fill(blot(rng, x, y, rng.uniform(0.04, 0.12), 0.4), rgba("#6b5a48", 110))
        if rng.random() < 0.6:
            centre = middle + rng.uniform(-0.18, 0.18, 2) * size
            for angle in np.linspace(0, 2 * np.pi, 6, endpoint=False) + rng.uniform(0, 1, 6):
                line = [centre]
                for reach in (0.2, 0.5, 0.9):
                    angle += rng.uniform(-0.3, 0.3)
                    line.append(centre + reach * size.max() * np.array([np.cos(angle), np.sin(angle)]))
                for first, second in zip(line, line[1:], strict=False):
                    pen.stroke([first, second], 0.02, rgba("#4a5560", 170))
                    pen.stroke([first + 0.014, second + 0.014], 0.01, rgba("#ffffff", 200))
    pen.outline(outline, 0.02, rgba(dark(frame, 0.6), 160))


def _bowl(pen: Pen, rng: np.random.Generator, glaze: Tint, chipped: bool = False) -> int:
    """Draw a bowl from the side, seen a little from above; return how many shapes its outside took."""
    start, pale = len(pen.shapes), sum(rgba(glaze)[:3]) > 400
    ink = pick(rng, ("#2f5fa5", "#2f5fa5", "#b0392f", "#3f7d5a", "#c98a2e")) if pale else light(glaze, 0.6)
    foot = rng.uniform(0.3, 0.4)
    pen.fill(drum(foot, 0.46, foot - 0.03, 0.6, 0.09), dark(glaze, 0.25 if pale else 0.4))
    wall = curve([(0.95, -0.36), (0.9, -0.05), (0.68, 0.32), (foot, 0.52)])
    body = np.concatenate(
        [wall, ellipse(0, 0.5, foot, 0.08, 0, 180), wall[::-1] * (-1, 1), ellipse(0, -0.36, 0.95, 0.27, 180, 0)]
    )
    pen.fill(body, glaze)
    with pen.inside(body):
        pen.fill(belt(0.97, -0.28, 0.96, -0.22, 0.27), ink)
        _pattern(pen, rng, ink, mix(glaze, ink, 0.75))
    shade = (rgba("#2a1a3e", 60), rgba("#ffffff", 70), rgba("#2a1a3e", 0), rgba("#2a1a3e", 125))
    pen.fill(body, Fade((-0.95, 0), (0.95, 0), shade))
    glint(pen, [(-0.7, -0.02), (-0.56, 0.22)], 0.06, 150)
    outside = len(pen.shapes) - start
    pen.fill(ellipse(0, -0.36, 0.95, 0.27), light(glaze, 0.45))
    hollow = (dark(glaze, 0.38), dark(glaze, 0.1), light(glaze, 0.25))
    pen.fill(ellipse(0, -0.345, 0.88, 0.225), Fade((0, -0.58), (0, -0.12), hollow))
    pen.stroke(ellipse(0, -0.345, 0.8, 0.19, 10, 170), 0.02, rgba(ink, 170))
    if chipped:
        crack = np.array([(0.3, -0.1), (0.22, 0.02), (0.34, 0.14), (0.2, 0.3), (0.26, 0.42)]) * (pick(rng, (-1, 1)), 1)
        pen.fill(crack[0] + [(-0.16, -0.07), (-0.05, 0.09), (0.06, 0.02), (0.15, -0.06)], "#c9b299")
        for first, second in zip(crack, crack[1:], strict=False):
            pen.stroke([first, second], 0.028, "#4a3a3a")
    return outside


def _pattern(pen: Pen, rng: np.random.Generator, ink: Tint, wash: Tint) -> None:
    """Paint a bowl's wall: curls, flowers, rings, or a wash below."""
    design = int(rng.integers(4))
    if design == 0:
        for x in np.linspace(-0.8, 0.8, 8):
            y = 0.02 + 0.2 * np.sqrt(1 - x**2)
            curl = [(x - 0.09, y + 0.05), (x - 0.03, y - 0.07), (x + 0.06, y - 0.03), (x + 0.02, y + 0.05)]
            pen.stroke(curve(curl), 0.035, ink)
    elif design == 1:
        for x in (-0.5, 0.02, 0.52):
            _flower(pen, x, 0.06 + 0.16 * np.sqrt(1 - x**2), 0.15, ink)
    elif design == 2:
        for y, half in ((0.0, 0.93), (0.14, 0.84), (0.26, 0.75)):
            pen.fill(belt(half, y, half, y + 0.05, 0.22), ink)
    else:
        pen.fill(belt(0.8, 0.14, 0.5, 0.7, 0.2), wash)


def _flower(pen: Pen, x: float, y: float, radius: float, tone: Tint) -> None:
    for angle in np.linspace(0, 2 * np.pi, 5, endpoint=False):
        pen.fill(ellipse(x + radius * 0.55 * np.cos(angle), y + radius * 0.55 * np.sin(angle), radius * 0.42), tone)
    pen.fill(ellipse(x, y, radius * 0.32), light(tone, 0.7))
