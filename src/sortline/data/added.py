"""Photos that a person has labelled since the data set came: they are put among its photos when it is fetched."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from sortline._core.errors import UserError
from sortline._core.files import content_sha256
from sortline.data import corrections, inbox
from sortline.data.audit import walk
from sortline.data.classes import describe, labels_of
from sortline.data.inbox import Waiting
from sortline.data.names import check_new_class


@dataclass(frozen=True)
class Labelled:
    """Photos of the inbox, each with the class that a person gave it; `missing`: the sha256 of those that have a class
    and are not in the inbox, which Git does not hold."""

    photos: Sequence[tuple[Waiting, str]]
    missing: frozenset[str]

    @property
    def about(self) -> dict[str, Any] | None:
        """What they are, for the data set's JSON file; None for no photo."""
        if not self.photos:
            return None
        hashes = {f"{name}/{one.sha256}{one.file.suffix}": one.sha256 for one, name in self.photos}
        return {"files": len(hashes), "content_sha256": content_sha256(hashes)}


def labelled(decisions: Path, waiting: Path) -> Labelled:
    """Return the photos of the inbox `waiting` that the file `decisions` gives a class."""
    held = corrections.current(corrections.read(decisions)).values()
    name_of = {one.sha256: one.new for one in held if one.is_label and not one.old}
    photos = [(one, name_of[one.sha256]) for one in inbox.read(waiting) if one.sha256 in name_of]
    return Labelled(photos, frozenset(name_of) - {one.sha256 for one, _ in photos})


def add_labelled(
    raw: Path, photos: Sequence[tuple[Waiting, str]], where: Path, table: str | None, tables: Path
) -> None:
    """Copy photos into the folders of their classes in `raw`, to train on. A photo is named by its content, so that it
    is the same one in every run.

    Raises `UserError` for a class that the table `table` does not have, or that cannot be one; `where` it stands.
    """
    if not photos:
        return
    tree = walk(raw)
    own = {entry.folder: PurePosixPath(entry.path) for entry in tree.entries if entry.split in ("train", "")}
    folders = {folder: PurePosixPath(*path.parts[: path.parts.index(folder) + 1]) for folder, path in own.items()}
    names = [row["en"] or row["code"] for row in describe([*folders], table, tables)["classes"]]
    of_class = {names[label]: folder for folder, label in labels_of([*folders], table, tables).items()}
    for one, name in photos:
        if name not in of_class and table is not None:
            raise UserError(f"{where}: '{name}' is no class of the table '{table}'; add it there first")
        if name not in of_class:
            check_new_class(name, names, where)
        beside = next(iter(folders.values())).parent
        folder = raw / (folders[of_class[name]] if name in of_class else beside / name)
        folder.mkdir(exist_ok=True)
        shutil.copyfile(one.file, folder / f"{one.sha256[:20]}{one.file.suffix}")
