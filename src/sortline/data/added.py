"""Photos that a person has labelled since the data set came: they are put among its photos when it is fetched."""

import shutil
from pathlib import Path, PurePosixPath

from sortline._core.errors import UserError
from sortline.data import corrections, inbox
from sortline.data.audit import walk
from sortline.data.classes import describe, labels_of
from sortline.data.names import check_new_class


def add_labelled(raw: Path, decisions: Path, waiting: Path, table: str | None, tables: Path) -> int:
    """Copy the photos of the inbox `waiting` that `decisions` give a class into that class's folder of `raw`, to train
    on; return how many. A photo is named by its content, so that it is the same one in every run.

    Raises `UserError` for a class that the table `table` does not have.
    """
    held = corrections.current(corrections.read(decisions)).values()
    labelled = {one.sha256: one.new for one in held if one.is_label and not one.old}
    photos = [one for one in inbox.read(waiting) if one.sha256 in labelled]
    if not photos:
        return 0
    tree = walk(raw)
    own = {entry.folder: PurePosixPath(entry.path) for entry in tree.entries if entry.split in ("train", "")}
    folders = {folder: PurePosixPath(*path.parts[: path.parts.index(folder) + 1]) for folder, path in own.items()}
    names = [row["en"] or row["code"] for row in describe([*folders], table, tables)["classes"]]
    of_class = {names[label]: folder for folder, label in labels_of([*folders], table, tables).items()}
    for one in photos:
        name = labelled[one.sha256]
        if name not in of_class and table is not None:
            raise UserError(f"{decisions}: '{name}' is no class of the table '{table}'; add it there first")
        if name not in of_class:
            check_new_class(name, names, decisions)
        beside = next(iter(folders.values())).parent
        folder = raw / (folders[of_class[name]] if name in of_class else beside / name)
        folder.mkdir(exist_ok=True)
        shutil.copyfile(one.file, folder / f"{one.sha256[:20]}{one.file.suffix}")
    return len(photos)
