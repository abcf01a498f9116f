"""What a run that is killed leaves for the next one to go on from."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sortline._core.errors import UserError
from sortline._core.files import read_json, remove, write_json

FRESH = "SORTLINE_FRESH"
FOLDER = Path("build/kept")  # in the project, a folder a task: not in Git, and no out that DVC would remove


def fresh() -> bool:
    """Whether the user wants everything made anew, whatever a run before has left."""
    return os.environ.get(FRESH, "") not in ("", "0")


@contextmanager
def kept(folder: Path, made_of: dict[str, Any]) -> Iterator[Path]:
    """Yield `folder` as a run broken off left it, or empty where that was made of something else; remove it at the end.

    An exception leaves it where it is. `made_of`: whatever decides the result, as JSON.
    """
    note = folder / "made_of.json"
    if fresh() or _read(note) != made_of:
        remove(folder)
        write_json(note, made_of)
    yield folder
    remove(folder)


def _read(path: Path) -> Any:
    try:
        return read_json(path)
    except (OSError, UserError):  # there is none, or it is cut
        return None
