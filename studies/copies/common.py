"""What the stages of this study share: the photos, their sketches, the line's own search among them."""

from pathlib import Path

import numpy as np

from sortline._core.cores import on_all_cores
from sortline._core.files import read_yaml
from sortline.data.audit import _pixels_sha256
from sortline.data.copies import Sketch, sketch
from sortline.data.duplicates import Duplicates, find_duplicates
from sortline.data.images import open_rgb
from sortline.data.prepared import Photo, read_photos

HERE = Path(__file__).parent
PARAMS = read_yaml(HERE / "params.yaml")


def searched(prepared: Path, raw: Path) -> tuple[list[Photo], list[Sketch], Duplicates]:
    """Return the photos that the line uses, their sketches, and the copies that it finds among them."""
    photos = read_photos(prepared / "images.csv", raw)

    def look(photo: Photo) -> tuple[Sketch, str]:
        image = open_rgb(photo.path)
        return sketch(image), _pixels_sha256(image)

    sketches, pixels = zip(*on_all_cores(look, photos, "sketch"), strict=True)
    return photos, list(sketches), find_duplicates(pixels, sketches.__getitem__)


def firsts(found: Duplicates) -> np.ndarray:
    """Return the first photo of each picture: what the pairs' numbers stand for."""
    return np.unique(found.picture, return_index=True)[1]
