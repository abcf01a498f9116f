"""The folder of photos that a user names: where in it the class folders are, and whether the line can take it."""

from collections.abc import Iterable
from pathlib import Path, PurePath, PurePosixPath

from sortline._core.errors import UserError
from sortline.data.audit import Tree, class_folders, walk
from sortline.data.layout import UNLABELLED, photo_files, refuse_lost, split_name
from sortline.data.listing import Listing, list_folder

SPLIT_WORDS = {"train", "training", "val", "valid", "validation", "test", "testing", "dev", "eval"}
SPLIT_WORDS |= {"训练", "验证", "测试"}


def class_root(folder: Path, written: Iterable[PurePath]) -> Path:
    """Return the absolute folder that holds the class folders or train/ and val/: `folder`, or one wrapped in it.

    `written` are the folders of the project, the current folder, that the line itself writes into. Raises `UserError`
    where the line cannot take its photos from there.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: {'a file, not a folder' if folder.exists() else 'no such folder'}")
    root = folder.resolve()
    try:
        str(root).encode()
        listing = list_folder(root)
        place = _wrapped(listing)
        root, listing = root / place, listing.below(place)
        _check_outside(root, written)
        tree = walk(root, listing)
        refuse_lost(root, listing)
        class_folders(root, tree.classes)
        _check_no_splits(root, tree)
        photo_files(root, listing)
    except UnicodeEncodeError:
        raise UserError(f"{ascii(str(root))}: a name in this path is not valid UTF-8; rename it") from None
    except OSError as error:
        raise UserError(f"{error.filename or root}: {error.strerror}; the folder cannot be read") from None
    except UserError as error:
        raise UserError(str(error) if str(root) in str(error) else f"{root}: {error}") from None
    return root


def _wrapped(listing: Listing) -> PurePosixPath:
    """Step into the only folder there is while it holds folders in its turn; train/ is no wrapper, nor is a folder
    beside one that cannot be read."""
    place = PurePosixPath()
    while True:
        inside = listing.folders_in(place)
        lost = any(one.folder and one.path.parent == place for one in listing.unread)
        if lost or len(inside) != 1 or inside[0].name.casefold() == "train" or not listing.folders_in(inside[0]):
            return place
        place = inside[0]


def _check_outside(root: Path, written: Iterable[PurePath]) -> None:
    project = Path.cwd().resolve()
    own = next((path for path in written if root.is_relative_to(project / path)), None)
    if own:
        raise UserError(f"{root}: the line itself writes and deletes in {own.as_posix()}/; move the photos elsewhere")
    if project.is_relative_to(root):
        raise UserError(f"{root}: this folder holds sortline itself; name the one that holds the class folders")


def _check_no_splits(root: Path, tree: Tree) -> None:
    places = [entry.path.split("/") for entry in tree.entries if not entry.split]
    deep = {place[0] for place in places if len(place) > 2 and place[0] in tree.classes[""]}
    if bare := [place[0] for place in places if split_name(place[0]) == UNLABELLED]:
        raise UserError(f"{root}: '{bare[0]}' would be a class; put the class folders into train/, beside it")
    splits = [f"'{name}'" for name in sorted(deep) if _means_split(name)]
    if splits:
        raise UserError(f"{root}: {' and '.join(splits)} would be classes; name the folders of a split train and val")


def _means_split(name: str) -> bool:
    plain = "".join(letter for letter in name.casefold() if letter.isalpha())
    return any(plain in (word, f"{word}set", f"{word}data", f"{word}集") for word in SPLIT_WORDS)
