"""Pretrained networks by name: `names()`, `get(name)`, and `load(folder)` for one that the stage `weights` fetched."""

from pathlib import Path
from typing import TYPE_CHECKING

from sortline.backbones.registry import get as get
from sortline.backbones.registry import names as names

if TYPE_CHECKING:
    from sortline.backbones.loading import Backbone


def load(folder: Path, size: int | None = None) -> "Backbone":
    """Load the backbone of data/weights/<task> for pictures of `size` a side (None: its own).

    Raises `UserError` where a file does not hold what it should.
    """
    from sortline.backbones import loading  # MindSpore takes seconds to load

    return loading.load(folder, size)
