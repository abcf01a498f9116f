"""Photos without a label that wait for one: those that `sortline next` chose, and those that came back from a phone."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from sortline._core.files import read_csv, replacing, write_csv
from sortline._core.text import path_cell

LIST = "inbox.csv"
COLUMNS = ("sha256", "file", "name", "note")


@dataclass(frozen=True)
class Waiting:
    """A photo of the inbox: the sha256 and the path of its file, what it was called, what there is to say of it."""

    sha256: str
    file: Path
    name: str
    note: str


def read(folder: Path) -> list[Waiting]:
    """Return the photos that wait in `folder`, in the order in which they should be looked at; none without it."""
    if not (folder / LIST).is_file():
        return []
    rows = [Waiting(row["sha256"], folder / row["file"], row["name"], row["note"]) for row in read_csv(folder / LIST)]
    return [one for one in rows if one.file.is_file()]


def waiting(folder: Path, images: Path) -> list[Waiting]:
    """Return what `read` does, without the photos that the line has by now, see `taken_in`."""
    there = taken_in(images)
    return [one for one in read(folder) if one.sha256 not in there]


def put(folder: Path, photos: Iterable[Waiting]) -> int:
    """Copy photos into the inbox `folder`, those that are in it already stay; return how many are new.

    Other commands may put photos into it at the same time: they wait.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f"{LIST}.lock"):
        there = read(folder)
        known, new = {one.sha256 for one in there}, []
        for one in photos:
            if one.sha256 in known:
                continue
            known.add(one.sha256)
            own = folder / f"{one.sha256}{one.file.suffix.lower()}"
            with replacing(own) as temporary:
                shutil.copyfile(one.file, temporary)
            new.append(Waiting(one.sha256, own, one.name, one.note))
        _write(folder, [*there, *new])
    return len(new)


def taken_in(images: Path) -> set[str]:
    """Return the sha256 of the photos that the line has, those of its images.csv; none before it has run."""
    return {row["sha256"] for row in read_csv(images)} if images.is_file() else set()


def _write(folder: Path, photos: Sequence[Waiting]) -> None:
    rows = [(one.sha256, one.file.name, path_cell(one.name), one.note) for one in photos]
    write_csv(folder / LIST, COLUMNS, rows)
