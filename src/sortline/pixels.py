"""The pictures of a task that is trained from pixels: resized once, kept as one .npy."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sortline.data.images import resize
from sortline.data.pictures import open_picture
from sortline.errors import UserError
from sortline.files import read_json
from sortline.nets.grey import to_grey

FILE = "pixels.npy"


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


def read(folder: Path, count: int, dataset: str | None = None) -> np.ndarray:
    """Return the pictures of `folder`, uint8 (count, S, S) or in colour (count, S, S, 3), memory-mapped.

    Raises `UserError` where there are others: of another number, or of another data set (its fingerprint).
    """
    pixels = np.load(folder / FILE, mmap_mode="r", allow_pickle=False)
    about = read_json(folder / "features.json")
    if len(pixels) != count or dataset not in (None, about["dataset"]):
        found = f"{len(pixels)} pictures of data set {about['dataset']}"
        raise UserError(f"{folder}: {found}, expected {count} of {dataset or 'split.csv'}; run the stage extract again")
    return pixels
