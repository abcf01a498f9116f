"""Newspaper, paper and cardboard."""

import numpy as np

from sortline.data.drawings.colours import BRIGHT, Tint, dark, light, mix, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, box, curve, ellipse
from sortline.data.drawings.touches import INK, emblem, print_lines, tape

NEWSPRINT = ("#e9e5da", "#e2dccb", "#dcd8d0", "#efe8d2")
WHITE = ("#fbfaf6", "#f4f6f8", "#fdf8ea", "#f2f0ee")
BOARD = ("#c8975f", "#b9854f", "#d3a976", "#a97848")


def folded_newspaper(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, NEWSPRINT)
    for step in (3, 2, 1):
        with pen.at(0.025 * step, 0.028 * step, rng.uniform(-0.8, 0.8)):
            pen.fill(box(-0.8, -1, 0.8, 1), dark(tone, 0.1 * step))
    pen.fill(box(-0.8, -1, 0.8, 1), tone)
    _front_page(pen, rng)
    pen.fill(
        box(-0.8, -0.1, 0.8, 0.16),
        Fade((0, -0.1), (0, 0.16), (rgba(tone, 0), rgba(dark(tone, 0.5), 90), rgba(tone, 0))),
    )


def open_newspaper(pen: Pen, rng: np.random.Generator) -> None:
    tone, drop = pick(rng, NEWSPRINT), rng.uniform(0.1, 0.22)
    for side in (-1, 1):
        with pen.at(lean=0):
            page = [(0, -0.7), (side * 1.1, -0.7 - drop), (side * 1.1, 0.72 - drop), (0, 0.72)]
            pen.fill([(x + side * 0.03, y + 0.035) for x, y in page], dark(tone, 0.25))
            pen.fill(page, Fade((0, 0), (side * 0.5, 0), (dark(tone, 0.28), tone, light(tone, 0.3))))
        for column in range(3):
            x = side * (0.1 + 0.33 * column) if side > 0 else -1.06 + 0.33 * column
            top = -0.6 - drop * (abs(x) + 0.15) / 1.1
            if rng.random() < 0.45:
                pen.fill(box(x, top, x + 0.28, top + 0.1), INK)
                top += 0.15
            if rng.random() < 0.45:
                _photo(pen, rng, x, top, x + 0.28, top + 0.32)
                top += 0.38
            print_lines(pen, rng, x, top, x + 0.28, 0.6 - drop * (abs(x) + 0.15) / 1.1, 0.068)


def rolled_newspaper(pen: Pen, rng: np.random.Generator) -> None:
    tone, cord = pick(rng, NEWSPRINT), pick(rng, ("#c0392b", "#2f6fb0", "#c9a24b", "#5a7f4a"))
    body = np.concatenate([ellipse(-0.95, 0, 0.12, 0.33, 90, 270), ellipse(0.95, 0, 0.12, 0.33, -90, 90)])
    pen.fill(body, tone)
    with pen.inside(body), pen.at(turn=-14, lean=-0.1):
        pen.fill(box(-0.7, -0.55, -0.2, -0.3), INK)
        _photo(pen, rng, 0.3, -0.3, 0.75, 0.12)
        for x in (-1.1, -0.66, -0.18, 0.34, 0.82):
            print_lines(pen, rng, x, -0.22 if x != 0.34 else 0.18, x + 0.38, 0.5, 0.075)
    pen.fill(
        body,
        Fade(
            (0, -0.33), (0, 0.33), (rgba("#2a1a3e", 50), (255, 255, 255, 90), (255, 255, 255, 0), rgba("#2a1a3e", 110))
        ),
    )
    pen.fill(ellipse(0.95, 0, 0.12, 0.33), dark(tone, 0.12))
    turns = np.linspace(0, 6 * np.pi, 60)
    spiral = np.column_stack([0.95 + 0.1 * turns / 19 * np.cos(turns), 0.29 * turns / 19 * np.sin(turns)])
    pen.stroke(spiral, 0.02, dark(tone, 0.5))
    for x in (-0.12, -0.05, 0.03):
        pen.stroke(ellipse(x + rng.uniform(-0.03, 0.03), 0, 0.1, 0.34, -90, 90), 0.04, cord)


def written_sheet(pen: Pen, rng: np.random.Generator) -> None:
    tone, ink = pick(rng, WHITE), pick(rng, ("#2b4a8b", "#3a3440", "#7a2f3a"))
    page = [(-0.7, -1), (0.7, -1), (0.7, 0.66), (0.4, 1), (-0.7, 1)]
    pen.fill(page, tone)
    for y in np.arange(-0.7, 0.9, 0.16):
        pen.fill(box(-0.62, y, 0.62, y + 0.012), rgba("#8fb3d9", 170))
    pen.fill(box(-0.5, -1, -0.488, 1), rgba("#e07a7a", 180))
    for y in np.arange(-0.74, rng.uniform(0.1, 0.7), 0.16):
        end = rng.uniform(0.1, 0.6)
        x = np.arange(-0.44, end, 0.028)
        pen.stroke(np.column_stack([x, y + rng.uniform(-0.04, 0.035, len(x))]), 0.02, rgba(ink, 210))
    pen.fill([(0.7, 0.66), (0.4, 1), (0.36, 0.62)], dark(tone, 0.16))
    pen.stroke([(0.7, 0.66), (0.36, 0.62)], 0.012, dark(tone, 0.35))
    for y in (-0.6, 0, 0.6):
        pen.fill(ellipse(-0.6, y, 0.035), dark(tone, 0.4))


def crumpled_paper(pen: Pen, rng: np.random.Generator) -> None:
    tone = mix(pick(rng, WHITE), pick(rng, (*BRIGHT, "#ffffff", "#ffffff", "#ffffff", "#ffffff", "#ffffff")), 0.15)
    count = int(rng.integers(12, 16))
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.uniform(-0.12, 0.12, count)
    spokes = np.column_stack([np.cos(angles), np.sin(angles)])
    outer = spokes * rng.uniform(0.82, 1.05, (count, 1))
    middle = spokes * rng.uniform(0.4, 0.72, (count, 1)) + rng.uniform(-0.06, 0.06, (count, 2))
    heart = spokes[::3] * rng.uniform(0.12, 0.32, (len(spokes[::3]), 1))
    pen.fill(outer, dark(tone, 0.2))
    for first in range(count):
        second = (first + 1) % count
        near = heart[(first // 3) % len(heart)]
        for facet in (
            [outer[first], outer[second], middle[first]],
            [outer[second], middle[first], middle[second]],
            [middle[first], middle[second], near],
        ):
            bright = 0.16 + 0.16 * np.mean(facet, axis=0).sum() + rng.uniform(-0.12, 0.12)
            pen.fill(facet, dark(tone, float(np.clip(bright, 0, 0.5))))
        if first % 3 == 0:
            pen.fill([near, heart[(first // 3 + 1) % len(heart)], (0, 0)], dark(tone, rng.uniform(0, 0.25)))
            pen.fill([near, middle[first], heart[(first // 3 + 1) % len(heart)]], dark(tone, rng.uniform(0, 0.3)))
    for _ in range(7):
        a, b = outer[int(rng.integers(count))] * 0.8, middle[int(rng.integers(count))]
        pen.stroke(curve([a, (a + b) / 2 + rng.uniform(-0.1, 0.1, 2), b]), 0.014, rgba(dark(tone, 0.45), 120))


def paper_stack(pen: Pen, rng: np.random.Generator) -> None:
    for step in range(5):
        tone = pick(rng, WHITE if step < 4 or rng.random() < 0.6 else ("#f7e3a1", "#cfe6f5", "#f6cfd4"))
        with pen.at(rng.uniform(-0.07, 0.07), rng.uniform(-0.07, 0.07), rng.uniform(-14, 14)):
            pen.fill(box(-0.68, -0.93, 0.72, 0.98), rgba("#2a1a3e", 50))
            pen.fill(box(-0.7, -0.95, 0.7, 0.95), tone)
            if step == 4:
                pen.fill(box(-0.52, -0.76, rng.uniform(0, 0.4), -0.68), rgba(INK, 190))
                print_lines(pen, rng, -0.52, -0.5, 0.52, rng.uniform(0, 0.75), 0.14, INK, 120)


def torn_paper(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, WHITE)
    x = np.linspace(-0.78, 0.78, 14)
    tear = np.column_stack([x, 0.62 + rng.uniform(-0.13, 0.1, 14)])
    back = [(-0.78, -0.8), (0.78, -0.86), *tear[::-1]]
    pen.fill(np.array(back) + (0.01, 0.05), light(dark(tone, 0.14), 0.1))
    pen.fill(back, tone)
    for share in rng.uniform(0.2, 0.8, 2):
        crease = [(-0.78, -0.8 + 1.3 * share), (0.78, -0.8 + 1.3 * (share + rng.uniform(-0.15, 0.15)))]
        with pen.inside(back):
            pen.fill([*crease, (0.78, 1), (-0.78, 1)], rgba("#2a1a3e", 22))
            pen.stroke(crease, 0.015, rgba(dark(tone, 0.4), 120))
    if rng.random() < 0.6:
        emblem(pen, rng, -0.5, -0.55, 0.14, pick(rng, BRIGHT))
    print_lines(pen, rng, -0.6, -0.28, 0.6, 0.3, 0.15, INK, 110)


def open_box(pen: Pen, rng: np.random.Generator) -> None:
    tone, deep = pick(rng, BOARD), rng.uniform(0.55, 0.8)
    left, front, right, back = (-0.85, -0.2), (0, 0.1), (0.85, -0.2), (0, -0.5)
    pen.fill([left, back, right, front], dark(tone, 0.55))
    pen.fill([left, back, (0, -0.5 + deep * 0.6), (-0.85, 0)], dark(tone, 0.4))
    pen.fill([back, right, (0.85, 0), (0, -0.5 + deep * 0.6)], dark(tone, 0.28))
    for a, b, lift in ((left, back, (-0.42, -0.2)), (back, right, (0.42, -0.2))):
        pen.fill([a, b, (b[0] + lift[0], b[1] + lift[1]), (a[0] + lift[0], a[1] + lift[1])], light(tone, 0.12))
    pen.fill([left, front, (0, 0.1 + deep), (-0.85, -0.2 + deep)], tone)
    pen.fill([front, right, (0.85, -0.2 + deep), (0, 0.1 + deep)], dark(tone, 0.2))
    _arrows(pen, tone, deep)
    for a, b, lift in ((left, front, (-0.36, 0.22)), (front, right, (0.36, 0.22))):
        flap = [a, b, (b[0] + lift[0], b[1] + lift[1]), (a[0] + lift[0], a[1] + lift[1])]
        pen.fill([(x, y + 0.04) for x, y in flap], rgba("#2a1a3e", 60))
        pen.fill(flap, light(tone, 0.22 if lift[0] < 0 else 0.1))
        pen.stroke([flap[2], flap[3]], 0.025, dark(tone, 0.3))
    if rng.random() < 0.5:
        pen.fill([(0.3, 0.35), (0.62, 0.23), (0.62, 0.42), (0.3, 0.54)], "#f4efe4")


def closed_box(pen: Pen, rng: np.random.Generator) -> None:
    tone, deep = pick(rng, BOARD), rng.uniform(0.6, 0.95)
    pen.fill([(-0.9, -0.35), (0, -0.7), (0.9, -0.35), (0, 0)], light(tone, 0.2))
    pen.fill([(-0.9, -0.35), (0, 0), (0, deep), (-0.9, deep - 0.35)], tone)
    pen.fill([(0, 0), (0.9, -0.35), (0.9, deep - 0.35), (0, deep)], dark(tone, 0.22))
    tape(pen, [(-0.45, -0.175), (0.45, -0.525)], 0.15)
    pen.fill([(-0.53, -0.2), (-0.37, -0.14), (-0.37, 0.1), (-0.53, 0.04)], rgba("#e8c98c", 210))
    _arrows(pen, tone, deep - 0.1)
    with pen.at(0.48, deep * 0.42):
        pen.fill([(-0.24, 0.08), (0.24, -0.1), (0.24, 0.2), (-0.24, 0.38)], "#f4efe4")
        for y in (0.1, 0.18, 0.26):
            pen.stroke([(-0.18, y + 0.05), (0.14, y - 0.07)], 0.025, rgba(INK, 180))
    pen.stroke([(0, 0), (0, deep)], 0.015, light(tone, 0.4))


def flat_cardboard(pen: Pen, rng: np.random.Generator) -> None:
    for step in range(int(rng.integers(2, 4))):
        tone = dark(pick(rng, BOARD), 0.05)
        with pen.at(rng.uniform(-0.06, 0.06), 0.12 - 0.16 * step, rng.uniform(-12, 12)):
            outline = np.concatenate([_torn_edge(rng, -0.95, -0.62, 0.95), [(0.95, 0.5), (-0.95, 0.5)]])
            pen.fill(outline + (0.02, 0.05), rgba("#2a1a3e", 70))
            pen.fill(outline + (0, 0.07), dark(tone, 0.45))
            pen.fill(outline, tone)
            wave = np.column_stack([np.linspace(-0.95, 0.95, 78), 0.535 + 0.022 * np.cos(np.arange(78) * np.pi)])
            pen.stroke(wave, 0.018, light(tone, 0.35))
            for x in (-0.32, 0.36):
                pen.stroke([(x, -0.6), (x, 0.5)], 0.025, rgba(dark(tone, 0.4), 150))
            for x in np.arange(-0.9, 0.95, 0.09):
                pen.stroke([(x, -0.55), (x, 0.48)], 0.012, rgba(light(tone, 0.5), 50))
    if rng.random() < 0.6:
        tape(pen, [(-0.7, -0.2), (-0.1, -0.26)], 0.13)


def _torn_edge(rng: np.random.Generator, left: float, y: float, right: float) -> np.ndarray:
    """Return a torn edge from left to right."""
    return np.column_stack([np.linspace(left, right, 16), y + rng.uniform(-0.03, 0.05, 16)])


def _front_page(pen: Pen, rng: np.random.Generator) -> None:
    """Print a front page in the rectangle (-0.8, -1) to (0.8, 1): name, headline, photo, columns."""
    x = -0.68
    while x < 0.5:
        wide = rng.uniform(0.14, 0.34)
        pen.fill(box(x, -0.93, min(x + wide, 0.68), -0.77), INK)
        x += wide + 0.05
    pen.fill(box(-0.7, -0.72, 0.7, -0.705), INK)
    photo_left = rng.random() < 0.5
    pen.fill(box(-0.68, -0.64, rng.uniform(0.3, 0.68), -0.55), rgba(INK, 220))
    pen.fill(box(-0.68, -0.5, rng.uniform(-0.2, 0.5), -0.43), rgba(INK, 220))
    left = -0.68 if photo_left else -0.2
    _photo(pen, rng, left, -0.34, left + 0.88, 0.24)
    column = 0.28 if photo_left else -0.68
    print_lines(pen, rng, column, -0.34, column + 0.4, 0.26, 0.075)
    for column in (-0.68, -0.2, 0.28):
        print_lines(pen, rng, column, 0.34, column + 0.4, 0.92, 0.075)


def _photo(pen: Pen, rng: np.random.Generator, left: float, top: float, right: float, bottom: float) -> None:
    """Print a small landscape, gray or (one time in three) in colour."""
    colour = rng.random() < 0.35
    sky, hill = ("#9cc4dd", "#5f8f5a") if colour else ("#bdbab4", "#6e6b6a")
    frame = box(left, top, right, bottom)
    wide, high = right - left, bottom - top
    pen.fill(frame, sky)
    with pen.inside(frame):
        pen.fill(ellipse(left + wide * 0.72, top + high * 0.3, high * 0.15), "#f6d365" if colour else "#e4e1da")
        for x, peak in ((rng.uniform(0.1, 0.4), 0.35), (rng.uniform(0.55, 0.9), 0.5)):
            slope = [
                (left + wide * (x - 0.45), bottom),
                (left + wide * x, top + high * peak),
                (left + wide * (x + 0.45), bottom),
            ]
            pen.fill(slope, hill)
            hill = dark(hill, 0.3)


def _arrows(pen: Pen, tone: Tint, deep: float) -> None:
    """Print "this side up" on the left face."""
    for x in (-0.62, -0.42):
        with pen.at(x, -0.2 + deep * 0.62 + (x + 0.85) * 0.35, lean=0):
            pen.fill([(0, -0.14), (0.075, -0.02), (0.03, -0.035), (0.03, 0.12), (-0.03, 0.1), (-0.03, -0.05),
                      (-0.075, -0.06)], rgba(dark(tone, 0.65), 210))  # fmt: skip
