"""The picture round an object: a room or a table seen from above, shadow, small clutter, light and grain."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sortline.data.drawings.colours import BRIGHT, ROOM, WOOD, dark, light, mix, pick, rgba
from sortline.data.drawings.pen import Fade, Pen, Shape, box, curve, ellipse, moved, paint, placed

OVERSAMPLING = 3
SQUARE = box(0, 0, 1, 1)


def compose(shapes: Sequence[Shape], stands: bool, turn: float, rng: np.random.Generator, size: int) -> Image.Image:
    """Return the object in a picture of its own: RGB, size x size pixels.

    `stands`: it may be shown upright on a table; otherwise it lies, turned by up to `turn` degrees either way.
    """
    wide = size * OVERSAMPLING
    upright = stands and rng.random() < 0.5
    backdrop = Pen()
    (_room if upright else pick(rng, (_plain, _glow, _tiles, _planks, _cloth, _terrazzo)))(backdrop, rng)
    image = Image.new("RGB", (wide, wide))
    whole = np.diag([wide, wide, 1.0])
    paint(backdrop.shapes, image, whole)
    clutter = Pen()
    for _ in range(int(rng.integers(0, 4))):
        angle, far = rng.uniform(0, 2 * math.pi), rng.uniform(0.4, 0.52)
        x, y = 0.5 + far * math.cos(angle), 0.5 + 0.9 * far * abs(math.sin(angle))
        with clutter.at(x, y, rng.uniform(0, 360), rng.uniform(0.025, 0.045)):
            pick(rng, (_pebble, _scrap, _twig, _button))(clutter, rng)
    _shade(clutter.shapes, image, whole, (0.004, 0.008), 0.004, 0.4)
    paint(clutter.shapes, image, whole)
    place = _place(shapes, upright, rng.uniform(-3, 3) if upright else rng.uniform(-turn, turn), rng, wide)
    if upright:
        _shade(shapes, image, place, None, 0.012, rng.uniform(0.35, 0.5), lean=rng.uniform(-0.9, 0.9))
    else:
        offset = rng.uniform(0.012, 0.035) * np.array([pick(rng, (-1, 1)), 1.2])
        _shade(shapes, image, place, tuple(offset), rng.uniform(0.008, 0.02), rng.uniform(0.3, 0.5))
    paint(shapes, image, place)
    return _finish(image.reduce(OVERSAMPLING), rng)


def _place(shapes: Sequence[Shape], upright: bool, turn: float, rng: np.random.Generator, wide: int) -> np.ndarray:
    """Return the matrix that turns the object, perhaps mirrors it, and fits it into the picture."""
    matrix = placed(0, 0, turn) @ np.diag([pick(rng, (-1.0, 1.0)), 1.0, 1.0])
    points = np.concatenate([moved(shape.points, matrix) for shape in shapes if shape.window is None])
    low, high = points.min(0), points.max(0)
    scale = rng.uniform(0.78, 0.96) / max(high - low)
    room = 1 - (high - low) * scale
    corner = room * rng.uniform(0.3, 0.7, 2)
    if upright:
        corner[1] = min(room[1], 1 - rng.uniform(0.06, 0.13) - (high - low)[1] * scale)
    shift = (corner - low * scale) * wide
    return placed(shift[0], shift[1], 0) @ np.diag([scale * wide, scale * wide, 1]) @ matrix


def _shade(
    shapes: Sequence[Shape],
    image: Image.Image,
    place: np.ndarray,
    offset: tuple[float, float] | None,
    blur: float,
    depth: float,
    lean: float = 0,
) -> None:
    """Lay the object's soft shadow: moved by `offset` (shares of the picture), or, if None, thrown along the table."""
    wide = image.width // OVERSAMPLING
    flat = np.diag([1 / OVERSAMPLING, 1 / OVERSAMPLING, 1]) @ place
    solid = [
        (shape.opacity, moved(shape.points, flat)) for shape in shapes if shape.window is None and shape.opacity > 60
    ]
    if not solid:
        return
    if offset is None:
        foot = max(points[:, 1].max() for _, points in solid) - 0.01 * wide
        thrown = np.array([[1, -lean * 0.5, lean * 0.5 * foot], [0, 0.24, 0.76 * foot], [0, 0, 1]])
    else:
        thrown = placed(offset[0] * wide, offset[1] * wide, 0)
    mask = Image.new("L", (wide, wide))
    draw = ImageDraw.Draw(mask)
    for opacity, points in sorted(solid, key=lambda item: item[0]):
        draw.polygon(np.round(moved(points, thrown)).astype(int).ravel().tolist(), fill=round(opacity * depth))
    mask = mask.filter(ImageFilter.GaussianBlur(max(blur * wide, 0.5))).resize(image.size, Image.Resampling.BILINEAR)
    image.paste((38, 26, 52), (0, 0), mask)


def _finish(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Light it from one side, tint it a little, and add the grain or the softness of a cheap camera."""
    size = image.width
    if rng.random() < 0.25:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 0.7) * size / 128))
    across = np.linspace(-0.5, 0.5, size)
    slope = rng.uniform(-0.18, 0.18, 2)
    glow = rng.uniform(0.92, 1.06) + slope[0] * across[None, :] + slope[1] * across[:, None]
    pixels = np.asarray(image, float) * glow[..., None] * rng.uniform(0.95, 1.05, 3)
    pixels += rng.normal(0, rng.uniform(0, 4), (size, size, 1))
    return Image.fromarray(np.clip(np.round(pixels), 0, 255).astype(np.uint8), "RGB")


def _room(pen: Pen, rng: np.random.Generator) -> None:
    wall, top = pick(rng, ROOM), pick(rng, WOOD + ROOM)
    edge = rng.uniform(0.5, 0.72)
    pen.fill(SQUARE, Fade((0, 0), (0, edge), (light(wall, 0.25), wall)))
    if rng.random() < 0.35:
        for x in np.arange(rng.uniform(0, 0.1), 1, 0.14):
            pen.fill(box(x, 0, x + 0.07, edge), light(rgba(wall, 90), 0.3))
    elif rng.random() < 0.4:
        shift, slant = rng.uniform(-0.2, 0.5), rng.uniform(0.1, 0.3)
        for x in (shift, shift + 0.24):
            pen.fill([(x, 0), (x + 0.2, 0), (x + 0.2 + slant, edge), (x + slant, edge)], (255, 246, 214, 60))
    pen.fill(box(0, edge, 1, 1), Fade((0, edge), (0, 1), (light(top, 0.2), top)))
    pen.fill(box(0, edge, 1, edge + 0.012), light(top, 0.5))
    for y in np.linspace(edge + 0.06, 0.98, 5):
        pen.fill(box(0, y, 1, y + 0.006), dark(rgba(top, 40), 0.5))


def _plain(pen: Pen, rng: np.random.Generator) -> None:
    pen.fill(SQUARE, pick(rng, ROOM))


def _glow(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, ROOM)
    centre = tuple(rng.uniform(0.25, 0.75, 2))
    colours = (light(tone, 0.35), tone, dark(tone, 0.2))
    pen.fill(SQUARE, Fade(centre, (centre[0] + 0.8, centre[1]), colours, radial=True))


def _tiles(pen: Pen, rng: np.random.Generator) -> None:
    tone, side = pick(rng, ROOM), rng.uniform(0.2, 0.36)
    pen.fill(SQUARE, light(tone, 0.55))
    with pen.at(rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7), rng.uniform(0, 90)):
        for x in np.arange(-1.2, 1.2, side):
            for y in np.arange(-1.2, 1.2, side):
                pen.fill(box(x, y, x + side - 0.012, y + side - 0.012, 0.01), light(tone, rng.uniform(0, 0.14)))


def _planks(pen: Pen, rng: np.random.Generator) -> None:
    tone, high = pick(rng, WOOD), rng.uniform(0.18, 0.3)
    pen.fill(SQUARE, dark(tone, 0.5))
    with pen.at(0.5, 0.5, pick(rng, (0, 90)) + rng.uniform(-12, 12)):
        for y in np.arange(-0.9, 0.9, high):
            plank = mix(tone, pick(rng, WOOD), rng.uniform(0, 0.3))
            pen.fill(box(-0.9, y, 0.9, y + high - 0.008), plank)
            for line in rng.uniform(y + 0.02, y + high - 0.03, 3):
                wave = curve([(x, line + rng.uniform(-0.008, 0.008)) for x in np.linspace(-0.9, 0.9, 6)], steps=4)
                pen.stroke(wave, 0.006, dark(rgba(plank, 110), 0.35))


def _cloth(pen: Pen, rng: np.random.Generator) -> None:
    base, line = pick(rng, ROOM), pick(rng, ROOM + BRIGHT)
    pen.fill(SQUARE, base)
    step = rng.uniform(0.1, 0.2)
    checks = rng.random() < 0.5
    with pen.at(0.5, 0.5, rng.uniform(0, 180)):
        for x in np.arange(-0.9, 0.9, step):
            pen.fill(box(x, -0.9, x + step * 0.4, 0.9), rgba(line, 70))
            if checks:
                pen.fill(box(-0.9, x, 0.9, x + step * 0.4), rgba(line, 70))


def _terrazzo(pen: Pen, rng: np.random.Generator) -> None:
    base = pick(rng, ROOM)
    pen.fill(SQUARE, base)
    for x, y in rng.uniform(0, 1, (45, 2)):
        chip = ellipse(x, y, rng.uniform(0.006, 0.02), rng.uniform(0.006, 0.014))[:: int(rng.integers(7, 12))]
        pen.fill(chip, rgba(pick(rng, (light(base, 0.5), dark(base, 0.3), mix(base, pick(rng, BRIGHT), 0.4))), 190))


def _pebble(pen: Pen, rng: np.random.Generator) -> None:
    tone = mix("#8b8680", pick(rng, ROOM), 0.4)
    pen.fill(ellipse(0, 0, 1, 0.75), Fade((-0.6, -0.6), (0.8, 0.8), (light(tone), dark(tone))))


def _scrap(pen: Pen, rng: np.random.Generator) -> None:
    pen.fill([(-0.9, -0.6), (0.7, -0.8), (0.9, 0.5), (-0.5, 0.8)], light(pick(rng, BRIGHT), 0.35))


def _twig(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, ("#7a9a52", "#a9793f", "#5e8a5a"))
    pen.fill(curve([(-1.3, 0), (-1.3, 0), (0, -0.55), (1.3, 0), (1.3, 0), (0, 0.55)], closed=True), tone)
    pen.stroke([(-1.7, 0.05), (1.1, 0)], 0.12, dark(tone))


def _button(pen: Pen, rng: np.random.Generator) -> None:
    tone = pick(rng, BRIGHT)
    pen.fill(ellipse(0, 0, 0.85), tone)
    pen.fill(ellipse(0, 0, 0.6), light(tone))
    for x, y in ((-0.2, -0.2), (0.2, -0.2), (-0.2, 0.2), (0.2, 0.2)):
        pen.fill(ellipse(x, y, 0.1), dark(tone, 0.6))
