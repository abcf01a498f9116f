"""Which files a list of photos, folders and wildcards on the command line means."""

import glob
from dataclasses import dataclass, field
from pathlib import Path

from sortline.data.layout import PHOTO_SUFFIXES, UNREADABLE_SUFFIXES, is_hidden, visible_files


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
