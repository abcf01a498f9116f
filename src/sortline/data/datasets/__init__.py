"""Data sets: photos in class folders, or the four IDX files of handwritten digits; each kind is one file here."""

from pathlib import Path

from PIL import Image

from sortline.data import idx
from sortline.data.datasets.base import Dataset
from sortline.data.images import open_rgb


def open_dataset(raw: Path) -> Dataset:
    """Return the data set of a raw folder."""
    # Here, because scikit-learn, which splits, takes a second to load.
    from sortline.data.datasets.idx_digits import IdxDigits
    from sortline.data.datasets.photo_folder import PhotoFolder

    return IdxDigits(raw) if (raw / idx.FILES[0]).is_file() else PhotoFolder(raw)


def open_picture(path: Path, side: int | None = None) -> Image.Image:
    """Return a picture, by its path in images.csv below the raw folder, as an RGB image, for `side` as in `open_rgb`.

    Raises what `open_rgb` raises where it is a photo file.
    """
    record = idx.find_record(path)
    return open_rgb(path, side=side) if record is None else idx.read_record(*record)
