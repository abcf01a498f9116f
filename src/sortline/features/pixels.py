"""The pictures of a task that is trained from pixels: resized once, kept as one .npy."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sortline.backbones.preprocessing import to_grey
from sortline.data.datasets import open_picture
from sortline.data.images import resize


def write(pictures: Sequence[Path], size: int, path: Path, colour: bool = False) -> None:
    """Write the pictures, in their order, as uint8 .npy, grey (N, size, size) or RGB (N, size, size, 3).

    Through a memory map.
    """
    shape = (len(pictures), size, size, *([3] if colour else []))
    pixels = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    try:
        for i, picture in enumerate(tqdm(pictures, unit="picture", desc="resize", disable=None)):
            resized = resize(open_picture(picture), size)
            pixels[i] = resized if colour else to_grey(resized)
    finally:
        # Windows can neither rename nor remove a mapped file.
        del pixels
