"""The photos that features are made of."""

from pathlib import Path

import numpy as np
from PIL import Image

from sortline.config.augment import ViewParams

PLAIN = ViewParams(count=1)


def jpegs(task: str, scratch: Path, count: int) -> list[Path]:
    """Return `count` photos as JPEG files, spread evenly over the task's."""
    every = sorted(path for path in (Path("data/raw") / task).rglob("*") if path.suffix.lower() in (".jpg", ".png"))
    chosen = [every[index] for index in np.linspace(0, len(every) - 1, count).astype(int)]
    if task == "garbage":
        return chosen
    for index, path in enumerate(chosen):
        Image.open(path).convert("RGB").save(scratch / f"{index}.jpg", quality=92)
    return sorted(scratch.glob("*.jpg"))
