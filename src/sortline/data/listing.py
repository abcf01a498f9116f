"""What lies in a folder of photos, and what is left out of it and why: the one walk that every command goes by."""

import os
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath, PurePosixPath

# Left behind by systems, by servers (Synology, QNAP) and by programs that show photos; hidden ones begin with a dot.
_JUNK = {
    "__macosx", "icon\r", "network trash folder", "temporary items",
    "$recycle.bin", "recycler", "recycled", "system volume information", "found.000", "thumbs.db", "ehthumbs.db",
    "ehthumbs_vista.db", "desktop.ini", "autorun.inf", "indexervolumeguid", "wpsettings.dat",
    "lost+found", "lost.dir", "@eadir", "@tmp", "#recycle", "#snapshot", "@recycle", "@recently-snapshot",
    "picasa.ini", "zbthumbnail.info", "_gsdata_",
}  # fmt: skip
JUNK = "hidden, or left behind by a system or a camera"
LINK = "a link to a folder, which is not followed; put the photos themselves there"


@dataclass(frozen=True)
class LeftOut:
    """A file, or a `folder` with all in it, that is passed over, and why; `junk` is no loss."""

    path: PurePosixPath
    what: str
    folder: bool = False

    @property
    def junk(self) -> bool:
        return self.what == JUNK


@dataclass(frozen=True)
class Listing:
    """Files and folders as paths inside the folder that was listed, sorted, and what is left out of both."""

    files: list[PurePosixPath] = field(default_factory=list)
    folders: list[PurePosixPath] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def folders_in(self, place: PurePosixPath) -> list[PurePosixPath]:
        """Return the folders right inside `place`."""
        return [folder for folder in self.folders if folder.parent == place]

    def below(self, place: PurePosixPath) -> "Listing":
        """Return the listing of the folder `place` alone."""
        files, folders = (
            [path.relative_to(place) for path in paths if place in path.parents] for paths in (self.files, self.folders)
        )
        inside = [one for one in self.left_out if place in one.path.parents]
        return Listing(files, folders, [replace(one, path=one.path.relative_to(place)) for one in inside])

    @property
    def unread(self) -> list[LeftOut]:
        """All that is left out but junk: what somebody may miss."""
        return [one for one in self.left_out if not one.junk]


def list_folder(root: Path) -> Listing:
    """List all below `root`, in the same order on every system.

    Left out are hidden and system files and folders, those whose name is not Unicode, what this user may not read, and
    links to folders. Raises `OSError` where `root` itself cannot be read.
    """
    found, waiting = Listing(), [PurePosixPath()]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(root / place) as entries:
                inside = list(entries)
        except OSError as error:
            if place == PurePosixPath():
                raise
            found.folders.remove(place)
            found.left_out.append(LeftOut(place, f"this folder cannot be read ({error.strerror})", folder=True))
            continue
        for entry in inside:
            path, folder = place / entry.name, _is_folder(entry)
            if why := _why_left_out(entry, folder):
                found.left_out.append(LeftOut(path, why, folder))
            elif folder:
                found.folders.append(path)
                waiting.append(path)
            else:
                found.files.append(path)
    found.files.sort()
    found.folders.sort()
    found.left_out.sort(key=lambda one: one.path)
    return found


def is_hidden(path: PurePath) -> bool:
    """Whether a part of a relative path is hidden, or one that systems leave behind."""
    return any(part.startswith(".") or part.casefold() in _JUNK for part in path.parts)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links in a circle
        return False


def _why_left_out(entry: os.DirEntry[str], folder: bool) -> str:
    if is_hidden(PurePath(entry.name)):
        return JUNK
    try:
        entry.name.encode()
        if folder:
            return LINK if entry.is_symlink() else ""
        if entry.is_symlink() and not Path(entry.path).exists():
            return "a link that leads nowhere; remove it, or put the photo itself there"
        if not entry.is_file():
            return "not a file (a pipe, a socket or a device)"
        with Path(entry.path).open("rb"):
            return ""
    except UnicodeEncodeError:
        return "its name is not valid UTF-8; rename it"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
