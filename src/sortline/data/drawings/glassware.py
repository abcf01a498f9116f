"""Glasses, jars and pitchers."""

import numpy as np

from sortline.data.drawings.colours import dark, light, pick, rgba
from sortline.data.drawings.pen import Pen, box, curve, ellipse, lathe
from sortline.data.drawings.touches import belt, drum, glass, glint, gloss, paper_label, sheen


def tumbler(pen: Pen, rng: np.random.Generator) -> None:
    foot = rng.uniform(0.42, 0.55)
    tint = pick(rng, ("#bfe0f0", "#c8ead8", "#d4d8f0", "#f0dcd0"))
    body = drum(0.66, -0.85, foot, 0.85, 0.14)
    drink, level = pick(rng, ("#9fd8f5", "#f2a63a", "#e2614f", "#f2d24a")), rng.uniform(-0.5, 0.3)
    wide = 0.66 + (foot - 0.66) * (level + 0.85) / 1.7 - 0.05
    pen.fill(body, rgba("#ffffff", 60))
    pen.fill(belt(wide, level, foot - 0.04, 0.74, 0.12), rgba(drink, 190))
    pen.fill(ellipse(0, level, wide, 0.13), rgba(light(drink, 0.35), 220))
    for _ in range(int(rng.integers(0, 3))):
        with pen.at(rng.uniform(-0.25, 0.25), level + rng.uniform(0.02, 0.14), rng.uniform(0, 90)):
            pen.fill(box(-0.14, -0.14, 0.14, 0.14, 0.04), (255, 255, 255, 150))
    glass(pen, body, tint, 70, 0.025)
    pen.stroke(ellipse(0, -0.85, 0.65, 0.14), 0.035, rgba(light(tint, 0.6), 230))
    pen.stroke(ellipse(0, 0.83, foot - 0.04, 0.11, 10, 170), 0.05, rgba("#ffffff", 150))
    glint(pen, [(-0.5, -0.62), (-0.42, 0.6)], 0.07)
    glint(pen, [(0.48, -0.5), (0.4, 0.3)], 0.035, 130)


def wine_glass(pen: Pen, rng: np.random.Generator) -> None:
    tint, drink = pick(rng, ("#c4dff0", "#d2e6dc", "#d8d4ee")), pick(rng, ("#8e1f3c", "#e8c86a", "#d9768a", "#bfe3f2"))
    rim = rng.uniform(0.38, 0.5)
    bowl = lathe(curve([(rim, -0.95), (0.54, -0.62), (0.52, -0.32), (0.3, -0.06), (0.06, 0.04), (0, 0.05)]))
    pen.fill(ellipse(0, 0.88, 0.46, 0.12), rgba(light(tint, 0.4), 200))
    pen.stroke(ellipse(0, 0.88, 0.45, 0.11), 0.025, rgba(dark(tint, 0.3), 190))
    pen.fill(
        lathe(curve([(0.07, 0), (0.035, 0.2), (0.035, 0.7), (0.09, 0.82), (0.2, 0.88)])), rgba(dark(tint, 0.08), 215)
    )
    pen.fill(bowl, rgba("#ffffff", 60))
    level = rng.uniform(-0.6, -0.3)
    with pen.inside(bowl * (0.93, 0.95)):
        pen.fill(box(-1, level, 1, 0.2), rgba(drink, 225))
        pen.fill(ellipse(0, level, 0.5, 0.08), light(drink, 0.25))
    glass(pen, bowl, tint, 60, 0.025)
    pen.stroke(ellipse(0, -0.95, rim, 0.09), 0.03, rgba(light(tint, 0.6), 230))
    glint(pen, [(-0.36, -0.72), (-0.4, -0.45), (-0.28, -0.2)], 0.06)


def jar(pen: Pen, rng: np.random.Generator) -> None:
    tint, lid = pick(rng, ("#c4e0ea", "#cde8d8", "#dfe6ee")), pick(rng, ("#c9a24b", "#b8bec6", "#c0392b", "#f3efe2"))
    body = lathe(
        curve([(0.44, -0.66), (0.46, -0.58), (0.6, -0.44), (0.62, -0.2), (0.62, 0.75), (0.58, 0.92), (0.4, 0.98)])
    )
    pen.fill(body, rgba("#ffffff", 70))
    if rng.random() < 0.5:
        with pen.inside(body * 0.92):
            tone = pick(rng, ("#c0392b", "#e8a33a", "#7a5a8c", "#8aa84a"))
            for x, y in rng.uniform((-0.6, 0.05), (0.6, 0.95), (42, 2)):
                pen.fill(ellipse(x, y, 0.1), rgba(dark(tone, rng.uniform(0, 0.3)), 225))
    glass(pen, body, tint, 75)
    pen.fill(drum(0.47, -0.88, 0.47, -0.66, 0.06), lid)
    sheen(pen, drum(0.47, -0.88, 0.47, -0.66, 0.06), -0.47, 0.47)
    pen.fill(ellipse(0, -0.88, 0.47, 0.06), light(lid, 0.4))
    if rng.random() < 0.5:
        paper_label(pen, rng, 0.5, 0.1, 0.6)
    gloss(pen, body, 0.62)


def pitcher(pen: Pen, rng: np.random.Generator) -> None:
    tint, drink = pick(rng, ("#c0dcf0", "#c6e8dc", "#e6dcea")), pick(rng, ("#f4d35e", "#e76f51", "#a8d8ea", "#b5d16a"))
    body = lathe(curve([(0.42, -0.9), (0.38, -0.6), (0.42, -0.35), (0.6, 0.1), (0.62, 0.5), (0.5, 0.9), (0.42, 0.98)]))
    pen.stroke(curve([(0.4, -0.72), (0.86, -0.68), (0.95, -0.2), (0.58, 0.3)]), 0.1, rgba(dark(tint, 0.15), 215))
    pen.fill(body, rgba("#ffffff", 60))
    level = rng.uniform(-0.3, 0.2)
    with pen.inside(body * 0.93):
        pen.fill(box(-1, level, 1, 1), rgba(drink, 200))
        pen.fill(ellipse(0, level, 0.56, 0.09), light(drink, 0.4))
        for x, y in rng.uniform((-0.4, level + 0.15), (0.4, 0.75), (3, 2)):
            pen.fill(ellipse(x, y, 0.14), rgba(light(drink, 0.5), 220))
            pen.fill(ellipse(x, y, 0.1), rgba(drink, 220))
    glass(pen, body, tint, 60)
    pen.fill([(-0.36, -0.92), (-0.62, -0.96), (-0.38, -0.66)], rgba(light(tint, 0.3), 220))
    pen.stroke(ellipse(0, -0.9, 0.4, 0.09), 0.035, rgba(light(tint, 0.6), 235))
    glint(pen, [(-0.3, -0.4), (-0.46, 0.2), (-0.42, 0.7)], 0.07)
