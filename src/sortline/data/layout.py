"""Which files of a folder or an archive are the photos of a data set, and where they belong."""

import glob
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from sortline._core.errors import UserError
from sortline.data.listing import LeftOut, Listing, is_hidden, list_folder

VAL_FOLDERS = ("val", "valid", "validation", "test")  # the first that is there counts
NEVER_A_CLASS = {"val", "valid", "validation"}  # `train` and `test` may be, of vehicles or of samples
APART = ("test", "field")  # scored apart, where there is a val too
UNLABELLED = "unlabelled"  # photos without a label, in class folders or not
SPLIT_FOLDERS = ("train", *VAL_FOLDERS, "field", UNLABELLED)
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
# Photos too, but nothing here can read them: they are named, not passed over.
UNREADABLE_SUFFIXES = (".heic", ".heif", ".hif", ".avif", ".jxl")


def split_folders(paths: Iterable[PurePosixPath]) -> dict[str, str]:
    """Return the top folders that are a split, {one of SPLIT_FOLDERS: how it is written here}; none without a train.

    `paths` are those of the files. A split holds folders, but for UNLABELLED, which may hold photos alone; a `train`
    that holds photos is a class of trains. Raises `UserError` where `train` may be either: without a val, beside other
    folders that hold photos.
    """
    paths = list(paths)
    deep = sorted({path.parts[0] for path in paths if len(path.parts) > 2 - (split_name(path.parts[0]) == UNLABELLED)})
    splits = {split_name(name): name for name in deep if split_name(name) in SPLIT_FOLDERS}
    twice = [name for name in deep if splits.get(split_name(name), name) != name]
    if twice:
        raise UserError(f"'{twice[0]}' and '{splits[split_name(twice[0])]}' are one name; keep one of the folders")
    if "train" not in splits:
        return {}
    holding = {path.parts[0] for path in paths if len(path.parts) > 1 and path.suffix.lower() in PHOTO_SUFFIXES}
    others = sorted(name for name in holding if split_name(name) not in SPLIT_FOLDERS)
    if others and not splits.keys() & NEVER_A_CLASS:
        beside = ", ".join(f"'{name}'" for name in others[:3]) + ", ..." * (len(others) > 3)
        these = " and ".join(f"'{name}'" for _, name in sorted(splits.items(), reverse=True))
        raise UserError(
            f"{these} could be a split, or classes like {beside}, which hold photos; if classes, give them other "
            "names; if a split, move the others away"
        )
    return splits


def split_name(folder: str) -> str:
    """Return what a top folder is called where it is a split."""
    name = folder.casefold()
    return UNLABELLED if name == "unlabeled" else name


def photo_paths(paths: Iterable[PurePosixPath]) -> dict[PurePosixPath, PurePosixPath]:
    """Choose from the paths of a data set those in class folders; return {path: its path in `data/raw/<task>`}.

    Where there is a `train/`, class folders are looked for in the SPLIT_FOLDERS, which are named in lower case
    afterwards; else at the top. Hidden and system files are left out. Raise `UserError` if no photo is among them.
    """
    visible = [path for path in paths if not is_hidden(path)]
    places = {path: path for path in visible if len(path.parts) > 1}
    if splits := split_folders(visible):
        named = {folder: split for split, folder in splits.items()}
        own = [path for path in places if len(path.parts) > 2 or named.get(path.parts[0]) == UNLABELLED]
        places = {path: PurePosixPath(named[path.parts[0]], *path.parts[1:]) for path in own if path.parts[0] in named}
    if not any(path.suffix.lower() in PHOTO_SUFFIXES for path in places):
        kinds = Counter(path.suffix.lower() or "no suffix" for path in places)
        found = ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common(3))
        raise UserError(
            "no photos in it; expected class folders, or train/ and val/ that hold class folders, of JPEG, PNG or the "
            f"like{f'; there is: {found}' if found else ''}"
        )
    return places


def photo_files(root: Path, listing: Listing | None = None) -> tuple[dict[PurePosixPath, Path], list[LeftOut]]:
    """Return {path in `data/raw/<task>`: file} of the photos of a folder, and what cannot be read and is left out.

    `listing`: the folder's own, if it is there already.

    Raises `UserError` if there are none, for links out of `root`, and as `refuse_lost` does.
    """
    root = root.resolve()
    if not root.is_dir():
        raise UserError(f"{root} is not a folder")
    listing = listing or list_folder(root)
    refuse_lost(root, listing)
    places = {place: root / path for path, place in photo_paths(listing.files).items()}
    for path in places.values():
        # Resolving also sees through Windows junctions, which are no symlinks to Python 3.11.
        if not path.resolve().is_relative_to(root):
            raise UserError(f"{path}: a link out of {root}; put the photos themselves there")
    return places, listing.unread


def refuse_lost(root: Path, listing: Listing) -> None:
    """Raise `UserError` for a folder of photos that is left out whole, or a link: a file may be missing, no class."""
    splits = split_folders(listing.files)
    for one in listing.unread:
        taken = not splits or split_name(one.path.parts[0]) in SPLIT_FOLDERS
        if taken and (one.folder or (root / one.path).is_symlink()):
            raise UserError(f"{root / one.path}: {one.what}")


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


@dataclass
class Found:
    """Photos to open, in order; how many other files the folders held, and how much junk; a line for each argument that
    gave nothing and for all in the folders that could not be read."""

    photos: list[Path] = field(default_factory=list)
    skipped: int = 0
    junk: int = 0
    problems: list[str] = field(default_factory=list)


def find_photos(arguments: list[str]) -> Found:
    """Collect the photos, each once: files named outright, and what is named like a photo in the folders, sorted."""
    found = Found()
    for argument in arguments:
        for path in _expanded(argument):
            if path.is_dir():
                _add_folder(found, path)
            elif path.exists():
                found.photos.append(path)
            else:
                found.problems.append(f"{argument}: no such file or folder")
    found.photos = list(dict.fromkeys(found.photos))
    return found


def _add_folder(found: Found, folder: Path) -> None:
    try:
        listing = list_folder(folder)
    except OSError as error:
        found.problems.append(f"{folder}: this folder cannot be read ({error.strerror})")
        return
    photos = [file for file in listing.files if file.suffix.lower() in PHOTO_SUFFIXES + UNREADABLE_SUFFIXES]
    found.photos += [folder / file for file in photos]
    found.skipped += len(listing.files) - len(photos)
    found.junk += len(listing.left_out) - len(listing.unread)
    found.problems += [f"{folder / one.path}: {one.what}" for one in listing.unread]
    if not photos:
        found.problems.append(f"{folder}: no photos in this folder")


def _expanded(argument: str) -> list[Path]:
    """Expand wildcards, which the shells of Windows leave to the program; a name that exists is taken as it is."""
    path = Path(argument)
    if path.exists() or not glob.has_magic(argument):
        return [path]
    matches = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    return [match for match in matches if not is_hidden(PurePosixPath(match.name))] or [path]
