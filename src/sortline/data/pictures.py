"""One picture of a task, by its path in images.csv below the raw folder: a photo file, or a record of an IDX file."""

from pathlib import Path

from PIL import Image

from sortline.data import idx
from sortline.data.images import open_rgb


def open_picture(path: Path) -> Image.Image:
    """Return the picture as an RGB image; raises what `open_rgb` raises where it is a photo file."""
    record = idx.find_record(path)
    return open_rgb(path) if record is None else idx.read_record(*record)
