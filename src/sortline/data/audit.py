"""Looking through a folder of labelled photos: what can be used, what cannot and why, what is there twice."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from PIL import Image

from sortline._core.cores import cores, on_all_cores
from sortline._core.errors import UserError
from sortline._core.files import sha256_file
from sortline._core.origin import code
from sortline._core.photo_cache import PhotoCache, Place, opened
from sortline._core.text import printable
from sortline.config.prepare import PrepareParams, Search
from sortline.data.copies import PACKED, Sketch, Sketches, packed, sketch, unpacked
from sortline.data.duplicates import Duplicates, find_duplicates
from sortline.data.images import BadImage, open_rgb
from sortline.data.layout import APART, UNLABELLED, VAL_FOLDERS, split_folders
from sortline.data.listing import LeftOut, Listing, list_folder
from sortline.data.names import check_class_names

DEFAULTS = PrepareParams()
ROOMS = ("_core", "config", "data")  # what decides what is found in a photo
IMBALANCED = 10  # times the photos; from there on accuracy says little of the smallest class


@dataclass(frozen=True)
class Entry:
    """A file in a class folder: its posix path inside the audited folder, its split ("" where none is given), its class
    folder."""

    path: str
    split: str
    folder: str


@dataclass(frozen=True)
class Usable(Entry):
    """A usable photo: the sha256 of its file, the sha256 of its decoded pixels."""

    sha256: str
    pixels: str


@dataclass(frozen=True)
class Problem(Entry):
    """A file that cannot be used, and why."""

    what: str


@dataclass(frozen=True)
class Tree:
    """What a folder holds: its files in class folders, sorted by path; {split, or "": class folders}; other files; what
    is left out of all these."""

    entries: Sequence[Entry]
    classes: dict[str, list[str]]
    ignored: list[str]
    left_out: Sequence[LeftOut] = ()

    @property
    def given(self) -> bool:
        return "val" in self.classes


@dataclass(frozen=True)
class Audit:
    """The result of `audit_folder`; photos and problems sorted by path, `duplicates` numbered like `photos`."""

    folder: Path
    tree: Tree
    photos: list[Usable]
    problems: list[Problem]
    duplicates: Duplicates
    search: Search

    def mask(self, split: str) -> np.ndarray:
        """Return a mask, bool (photos,), of the photos that came in `split`."""
        return np.array([photo.split == split for photo in self.photos], dtype=bool)

    def class_folders(self) -> list[str]:
        """Return the class folders of all splits, sorted; raise `UserError` where there are fewer than two."""
        return class_folders(self.folder, self.tree.classes)

    def conflicts(self, label: Sequence[Any] | np.ndarray) -> list[list[int]]:
        """Return the sets of exact copies that lie in different classes; `label` (photos,) tells classes apart."""
        groups = self.duplicates.exact_groups(~self.mask(UNLABELLED))
        return [group for group in groups if len({label[i] for i in group}) > 1]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return usable photos, split -> class folder -> number; a folder without any is there with 0."""
        counts = Counter((photo.split, photo.folder) for photo in self.photos)
        classes = self.tree.classes.items()
        return {split: {folder: counts[split, folder] for folder in folders} for split, folders in classes}


def imbalance(audit: Audit) -> tuple[str, str, int] | None:
    """Return the largest and the smallest class folder to train on, and how many times the photos the one has, where
    that is IMBALANCED times or more."""
    counts = next(iter(audit.counts().values()))
    largest, smallest = (pick(counts, key=counts.__getitem__) for pick in (max, min))
    times = counts[largest] // max(counts[smallest], 1)
    return (largest, smallest, times) if counts[smallest] and times >= IMBALANCED else None


def audit_folder(
    folder: Path, params: PrepareParams = DEFAULTS, workers: int | None = None, cache: Path | None = None
) -> Audit:
    """Decode every photo below `folder` and look for copies; memory holds one photo a worker and 2 kB a file, the disk
    for a while 50 kB a file.

    `folder` holds `train/` and one of VAL_FOLDERS with class folders in each, or class folders, or photos alone. Beside
    `train/` there may be `field/`, of class folders or a folder a source that holds some, beside a val `test/`, and
    `unlabelled/`, of photos without a label.
    `workers` threads (default: one a core, at most 8). `cache`: a folder for what is found in each photo, from which
    another audit goes on; None: none. Raises `UserError` where there is no file to look at.
    """
    tree, search = walk(folder), params.duplicates.search
    photos: list[Usable] = []
    problems = [Problem(printable(str(one.path)), "", "", one.what) for one in tree.left_out if not one.junk]
    place = None
    if cache is not None and search == "geometry":
        place = Place(cache, {"limits": [params.max_pixels, params.max_file_mb], "code": code(ROOMS)})
    with (
        Sketches(len(tree.entries) if search == "geometry" else 0) as sketches,
        opened(place, {**PACKED, "pixels": (np.uint8, (32,))}) as known,
    ):
        check = partial(_check, folder, params, known)
        for result in on_all_cores(check, tree.entries, "audit", workers or min(cores(), 8)):
            if isinstance(result, Problem):
                problems.append(result)
                continue
            photo, found = result
            if found is not None:
                sketches[len(photos)] = found
            photos.append(photo)
        copies = find_duplicates(
            [photo.pixels for photo in photos], sketches.__getitem__ if search == "geometry" else None
        )
    problems.sort(key=lambda problem: problem.path)
    return Audit(folder, tree, photos, problems, copies, search)


def refuse_problems(audit: Audit) -> None:
    """Raise `UserError` naming the first of the files that cannot be used, if there are any."""
    if audit.problems:
        first = audit.problems[0]
        raise UserError(
            f"{audit.folder / first.path}: {first.what} ({len(audit.problems)} such files, and prepare's unreadable is "
            f"fail); repair or remove them, or set it to report"
        )


def class_folders(folder: Path, classes: dict[str, list[str]]) -> list[str]:
    """Return the class folders to train on, sorted; raise `UserError` where there are fewer than two, or others in the
    parts that are scored apart, or a name that no class can have."""
    check_class_names((name for folders in classes.values() for name in folders), folder)
    names = sorted({name for split, folders in classes.items() if split not in APART for name in folders if name})
    if len(names) < 2:
        found = f"only one class folder, '{names[0]}'" if names else "no class folders"
        raise UserError(
            f"{folder}: {found}; put the photos into two folders or more, each named by its class, there or in train/ "
            f"and val/"
        )
    for split in APART:
        strange = sorted(set(classes.get(split, names)) - set(names))
        if strange:
            where = f"{split}/: '{strange[0]}'" if strange[0] else f"{split}/: photos in no class folder"
            raise UserError(f"{folder / where} is no class of train; name the folders as there, or move them away")
    return names


def walk(folder: Path, listing: Listing | None = None) -> Tree:
    """List the files of a photo folder by split and class, see `audit_folder`; `listing`: its own, if it is there."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    listing = listing or list_folder(folder)
    if not listing.files and not listing.unread:
        raise UserError(f"{folder}: no files in it; expected class folders with photos, or train/ and val/ of them")
    classes: dict[str, list[str]] = {}
    owners: dict[PurePosixPath, tuple[str, str]] = {}
    for split, root in _roots(listing):
        # Photos that lie in no class folder count only where there are no class folders at all.
        names = [path.name for path in listing.folders_in(root) if split != UNLABELLED] or [""]
        classes[split] = sorted({*classes.get(split, ()), *names})
        owners |= {root / name: (split, name) for name in names}
    entries, ignored = [], []
    for path in listing.files:
        owner = next((owners[place] for place in path.parents if place in owners), None)
        if owner is None:
            ignored.append(str(path))
        else:
            entries.append(Entry(str(path), *owner))
    return Tree(sorted(entries, key=lambda entry: entry.path), classes, sorted(ignored), listing.left_out)


def _roots(listing: Listing) -> list[tuple[str, PurePosixPath]]:
    """Return the folders that hold class folders, each with its split; of `field` one a source."""
    splits = {name: PurePosixPath(folder) for name, folder in split_folders(listing.files).items()}
    if not splits:
        return [("", PurePosixPath())]
    val = next((splits.pop(name) for name in VAL_FOLDERS if name in splits), None)
    roots = [("train", splits["train"]), ("val", val)] if val else [("", splits["train"])]
    for name in APART:
        if name in splits:
            sources = [path for path in listing.folders_in(splits[name]) if listing.folders_in(path)]
            roots += [(name, path) for path in sources or [splits[name]]]
    return roots + [(UNLABELLED, PurePosixPath(path)) for name, path in splits.items() if name == UNLABELLED]


@dataclass(frozen=True)
class _File:
    """A file as the cache knows it: by its bytes alone."""

    path: Path
    sha256: str = ""


def _check(
    folder: Path, params: PrepareParams, known: PhotoCache | None, entry: Entry
) -> tuple[Usable, Sketch | None] | Problem:
    """Return the photo and what the search for copies needs of it, or what is wrong with the file."""
    path = folder / entry.path
    file = _File(path)
    if known is not None and (found := known.find(file)) is not None:
        return _usable(entry, sha256_file(path), found["pixels"].tobytes().hex()), unpacked(found)
    try:
        image = open_rgb(path, params.max_pixels, params.max_file_mb)
        photo = _usable(entry, sha256_file(path), _pixels_sha256(image))
    except BadImage as error:
        return Problem(entry.path, entry.split, entry.folder, error.what)
    if params.duplicates.search != "geometry":
        return photo, None
    seen = sketch(image)
    if known is not None:
        known.add(file, packed(seen) | {"pixels": np.frombuffer(bytes.fromhex(photo.pixels), np.uint8)})
    return photo, seen


def _usable(entry: Entry, sha256: str, pixels: str) -> Usable:
    return Usable(entry.path, entry.split, entry.folder, sha256, pixels)


def _pixels_sha256(image: Image.Image, rows: int = 256) -> str:
    # In strips, so that a large photo is not held twice.
    digest = hashlib.sha256(f"{image.width} x {image.height}".encode())
    for top in range(0, image.height, rows):
        digest.update(image.crop((0, top, image.width, min(top + rows, image.height))).tobytes())
    return digest.hexdigest()
