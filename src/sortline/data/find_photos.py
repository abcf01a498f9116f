"""Which files a list of photos, folders and wildcards on the command line means."""

import glob
from dataclasses import dataclass, field
from pathlib import Path

from sortline.data.layout import PHOTO_SUFFIXES

# What a photo's name ends in. HEIC and AVIF cannot be read: named as photos, they are reported, not passed over.
SUFFIXES = (*PHOTO_SUFFIXES, ".heic", ".heif", ".avif")


@dataclass
class Found:
    """Photos to open, in order; how many other files the folders held; a line for each argument that gave nothing."""

    photos: list[Path] = field(default_factory=list)
    skipped: int = 0
    problems: list[str] = field(default_factory=list)


def find_photos(arguments: list[str]) -> Found:
    """Collect the photos; a file named outright is always one, in a folder only files with one of SUFFIXES are.

    Folders are walked recursively in sorted order, without hidden files and folders. Each photo comes once.
    """
    found = Found()
    for argument in arguments:
        for path in _expanded(argument):
            if path.is_dir():
                _walk(path, found)
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
    return [match for match in matches if not match.name.startswith(".")] or [path]


def _walk(folder: Path, found: Found) -> None:
    files = []
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if not hidden and path.is_file():
            files.append(path)
    photos = [path for path in files if path.suffix.lower() in SUFFIXES]
    found.photos += photos
    found.skipped += len(files) - len(photos)
    if not photos:
        found.problems.append(f"{folder}: no photos in this folder")
