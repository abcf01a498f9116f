"""Which files of a folder or an archive are the photos of a data set, and where they belong."""

import glob
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath

from sortline._core.errors import UserError

VAL_FOLDERS = ("val", "valid", "validation", "test")  # the first that is there counts
APART = ("test", "field")  # scored apart, where there is a val too
SPLIT_FOLDERS = ("train", *VAL_FOLDERS, "field")
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
# Photos too, but nothing here can read them: they are named, not passed over.
UNREADABLE_SUFFIXES = (".heic", ".heif", ".avif")

_JUNK = ("__macosx", "thumbs.db", "desktop.ini")


def photo_paths(paths: Iterable[PurePosixPath]) -> dict[PurePosixPath, PurePosixPath]:
    """Choose from the paths of a data set those in class folders; return {path: its path in `data/raw/<task>`}.

    Where there is a `train/`, class folders are looked for in the SPLIT_FOLDERS, which are named in lower case
    afterwards; else at the top. Hidden and system files are left out. Raise `UserError` if no photo is among them.
    """
    places = {path: path for path in paths if len(path.parts) > 1 and not is_hidden(path)}
    split = {path: PurePosixPath(path.parts[0].casefold(), *path.parts[1:]) for path in places if len(path.parts) > 2}
    if any(place.parts[0] == "train" for place in split.values()):
        places = {path: place for path, place in split.items() if place.parts[0] in SPLIT_FOLDERS}
    if not any(path.suffix.lower() in PHOTO_SUFFIXES for path in places):
        kinds = Counter(path.suffix.lower() or "no suffix" for path in places)
        found = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common(3))
        raise UserError(
            "no photos in it; expected class folders, or train/ and val/ that hold class folders, of JPEG, PNG or the "
            f"like{f'; there is: {found}' if found else ''}"
        )
    return places


def photo_files(root: Path) -> dict[PurePosixPath, Path]:
    """Return {path in `data/raw/<task>`: file} of the photos of a folder; raise `UserError` if there are none.

    Links to folders or out of `root` are never followed, but raise `UserError`.
    """
    root = root.resolve()
    if not root.is_dir():
        raise UserError(f"{root} is not a folder")

    def fail(error: OSError) -> None:
        raise error

    files: dict[PurePosixPath, Path] = {}
    for folder, folders, names in os.walk(root, onerror=fail):
        inside = PurePosixPath(Path(folder).relative_to(root).as_posix())
        files |= {inside / name: Path(folder, name) for name in names}
        # A link to a folder stands for the photos it leads to, so that it is refused where they would be taken.
        links = [name for name in folders if Path(folder, name).is_symlink()]
        files |= {inside / name / "*" / "*.jpg": Path(folder, name) for name in links}
    places = {place: files[path] for path, place in photo_paths(files).items()}
    for path in places.values():
        if path.is_symlink() and not path.exists():
            raise UserError(f"{path} is a link that leads nowhere; remove it, or put the photo itself there")
        # Resolving also sees through Windows junctions, which are no symlinks to Python 3.11.
        if not path.is_file() or not path.resolve().is_relative_to(root):
            raise UserError(f"{path} is a link to a folder or out of {root}; put the photos themselves there")
    return places


def below_wrappers(paths: Sequence[PurePosixPath], inside: str) -> dict[PurePosixPath, PurePosixPath]:
    """Return {path: path below the folder `inside`}, looked for below any single top-level folder(s) around it.

    With `inside` empty, only such wrappers are taken off. Raise `UserError` naming what is there if it is not found.
    """
    folder, below = PurePosixPath(inside), {path: path for path in paths if not is_hidden(path)}
    while True:
        found = {path: rest.relative_to(folder) for path, rest in below.items() if folder in rest.parents}
        folders = {rest.parts[0] for rest in below.values() if len(rest.parts) > 1}
        if (inside and found) or len(folders) != 1 or not folders.isdisjoint(SPLIT_FOLDERS):
            break
        below = {path: PurePosixPath(*rest.parts[1:]) for path, rest in below.items() if len(rest.parts) > 1}
    if inside and not found:
        raise UserError(f"no folder '{inside}' in it; there is: {', '.join(sorted(folders)[:8]) or 'no folder at all'}")
    return found


def visible_files(folder: Path) -> list[PurePosixPath]:
    """Return all that is no folder below `folder`, as sorted paths in it, without hidden and system files."""
    paths = sorted(path.relative_to(folder) for path in folder.rglob("*") if not path.is_dir())
    return [PurePosixPath(path.as_posix()) for path in paths if not is_hidden(path)]


def visible_folders(folder: Path) -> list[Path]:
    """Return the folders in `folder`, sorted, without hidden and system ones."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and not is_hidden(path.relative_to(folder)))


def is_hidden(path: PurePath) -> bool:
    """Whether a part of a relative path is hidden, or one that systems leave behind."""
    return any(part.startswith(".") or part.casefold() in _JUNK for part in path.parts)


@dataclass
class Found:
    """Photos to open, in order; how many other files the folders held; a line for each argument that gave nothing."""

    photos: list[Path] = field(default_factory=list)
    skipped: int = 0
    problems: list[str] = field(default_factory=list)


def find_photos(arguments: list[str]) -> Found:
    """Collect the photos, each once: files named outright, and what is named like a photo in the folders, sorted."""
    found = Found()
    for argument in arguments:
        for path in _expanded(argument):
            if path.is_dir():
                files = visible_files(path)
                photos = [file for file in files if file.suffix.lower() in PHOTO_SUFFIXES + UNREADABLE_SUFFIXES]
                found.photos += [path / file for file in photos]
                found.skipped += len(files) - len(photos)
                if not photos:
                    found.problems.append(f"{path}: no photos in this folder")
            elif path.exists():
                found.photos.append(path)
            else:
                found.problems.append(f"{argument}: no such file or folder")
    found.photos = list(dict.fromkeys(found.photos))
    return found


def _expanded(argument: str) -> list[Path]:
    """Expand wildcards, which the shells of Windows leave to the program; a name that exists is taken as it is."""
    path = Path(argument)
    if path.exists() or not glob.has_magic(argument):
        return [path]
    matches = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    return [match for match in matches if not is_hidden(Path(match.name))] or [path]
