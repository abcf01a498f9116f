"""scikit-learn's 1,797 digits of 8 x 8 pixels, enlarged: built in, no network."""

from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from PIL import Image
from pydantic import Field

from sortline.config.fetch import Fetched, Source
from sortline.data import idx


class SklearnDigits(Source):
    note: ClassVar[str] = "scikit-learn's 8 x 8 digits, enlarged: proves the pipeline, not MNIST's accuracy"

    kind: Literal["sklearn_digits"]
    side: int = Field(28, ge=8, le=256, description="of a picture, in pixels; they come with 8")
    test: int = Field(360, ge=10, le=1000, description="how many of the 1,797, the last ones, are the test part")

    def fetch(self, out: Path, downloads: Path, data_folder: Path | None) -> Fetched:
        # Here, because importing it takes a second.
        from sklearn.datasets import load_digits

        digits = load_digits()
        images = np.stack([enlarged(image, self.side) for image in digits.images])
        labels = digits.target.astype(np.uint8)
        # They come writer by writer, so the last ones are mostly by other hands than those before.
        sides = {"train": slice(None, -self.test), "test": slice(-self.test, None)}
        parts = {name: idx.Part(images[side], labels[side]) for name, side in sides.items()}
        return Fetched("scikit-learn digits", idx.write(out, parts))


def enlarged(image: np.ndarray, side: int) -> np.ndarray:
    """Turn float 0 .. 16, (8, 8), into uint8 (side, side): in the middle 5/7, as MNIST's 20 of 28 pixels."""
    inner = round(side * 20 / 28)
    small = Image.fromarray((image * (255 / 16)).round().astype(np.uint8))
    large, before = small.resize((inner, inner), Image.Resampling.BICUBIC), (side - inner) // 2
    return np.pad(np.asarray(large), (before, side - inner - before))
