"""The built-in task `sample`: drawn pictures of the 26 garbage classes, so that the line runs without a data set."""

from pathlib import Path

import numpy as np
from PIL import Image

from sortline.data.drawings import DRAWINGS
from sortline.data.drawings.pen import Pen
from sortline.data.drawings.scenes import compose


def draw(out: Path, per_class: int, size: int, seed: int) -> None:
    """Write `out/<code>/<nn>.png`: `per_class` drawn pictures of each class, RGB, `size` x `size` pixels.

    Each picture depends on the seed, its class and its number alone, so more pictures or classes leave the others as
    they are. The same arguments give the same bytes with the same NumPy and Pillow. `seed` is at least 0.
    """
    for code in DRAWINGS:
        folder = Path(out) / code
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            # Level 3 halves the time of the default 6 for 3 % more bytes.
            picture(code, number, size, seed).save(folder / f"{number:02d}.png", compress_level=3)


def picture(code: str, number: int, size: int, seed: int) -> Image.Image:
    """Draw picture `number` of a class, RGB; its kinds (wine bottle, beer bottle, ...) take turns."""
    group, place = map(int, code.split("_"))
    rng = np.random.default_rng([seed, group, place, number])
    kind = DRAWINGS[code][number % len(DRAWINGS[code])]
    pen = Pen()
    kind.draw(pen, rng)
    return compose(pen.shapes, kind.stands, kind.turn, rng, size)
