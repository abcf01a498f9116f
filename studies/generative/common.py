"""What the stages of the study share: its parameters, the real digits, and how a file is written whole."""

from pathlib import Path
from typing import Any

import numpy as np

from sortline._core import files
from sortline.data import idx

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PARAMS: dict[str, Any] = files.read_yaml(HERE / "params.yaml")
COUNT, SEED = PARAMS["digits"]["count"], PARAMS["digits"]["seed"]


def digits(part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the pictures uint8 (n, 28, 28) and labels int (n,) of "train", the first COUNT, or of "test", all."""
    found = idx.read(ROOT / "data" / "raw" / PARAMS["digits"]["task"])[part]
    count = COUNT if part == "train" else len(found.labels)
    return found.images[:count], found.labels[:count].astype(int)


def scarce(labels: np.ndarray) -> np.ndarray:
    """Return which photos are of a class that has few to learn from, bool (n,): every other class."""
    return labels % 2 == 0


def save(path: Path, **arrays: np.ndarray) -> None:
    with files.replacing(path) as unnamed, unnamed.open("wb") as file:
        np.savez(file, **arrays)
