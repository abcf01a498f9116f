"""Photos that come back from the app in one zip, with its guesses: checked as any archive, put beside their copies."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from sortline._core.cores import on_all_cores
from sortline._core.errors import UserError
from sortline._core.files import read_json
from sortline._core.text import printable
from sortline.data import inbox
from sortline.data.copies import Sketch, Sketches, sketch
from sortline.data.duplicates import find_duplicates
from sortline.data.images import BadImage, open_rgb
from sortline.data.inbox import Waiting
from sortline.data.prepared import Photo
from sortline.data.sources.unpack import unpack

LIST = "photos.json"
MAX_PHOTOS, MAX_BYTES = 500, 500 * 10**6  # of an archive; the app saves 60 of a megabyte at most
MAX_LIST = 10**6  # bytes of its list


@dataclass(frozen=True)
class TakenIn:
    """How many photos are new in the inbox, how many the task or the inbox had, and what could not be used."""

    new: int
    known: int
    problems: Sequence[str]


def take_in(archive: Path, task: str, folder: Path, known: Sequence[Photo]) -> TakenIn:
    """Put the photos of the app's zip into the inbox `folder`, those of one scene side by side, each with a note of the
    first of `known`, the task's photos, that shows its scene.

    Raises `UserError` where it is no such zip, of another task, or holds too much; nothing is taken in then.
    """
    with tempfile.TemporaryDirectory(prefix="sortline-") as place:
        out = Path(place)
        hashes = unpack(archive, out, _chosen, MAX_BYTES)
        if LIST not in hashes:
            raise UserError(f"{archive}: no {LIST} in it; it is not what the app saves")
        found, problems = _listed(archive, task, out, hashes)
        wrong = {one.name: _wrong(one) for one in found}
        problems += [f"{name}: {what}" for name, what in wrong.items() if what]
        usable = [one for one in found if not wrong[one.name]]
        there = {one.sha256 for one in known} | {one.sha256 for one in inbox.read(folder)}
        fresh = [one for one in usable if one.sha256 not in there]
        new = inbox.put(folder, beside_copies(fresh, known))
        return TakenIn(new, len(usable) - new, problems)


def beside_copies(photos: Sequence[Waiting], known: Sequence[Photo]) -> list[Waiting]:
    """Return `photos` scene by scene, with a note of the first of `known` that shows the scene."""
    files = [*(one.path for one in known), *(one.file for one in photos)]
    with Sketches(len(files)) as sketches:
        for number, one in enumerate(on_all_cores(_sketched, files, "copies")):
            sketches[number] = one
        scene = find_duplicates([str(number) for number in range(len(files))], sketches.__getitem__).scene
    old, new = scene[: len(known)], scene[len(known) :]
    first = {int(number): known[place].name for place, number in reversed([*enumerate(old)])}
    noted = [
        replace(one, note=f"{one.note}; shows the scene of {first[own]}") if own in first else one
        for one, own in zip(photos, new.tolist(), strict=True)
    ]
    return [noted[place] for place in np.argsort(new, kind="stable")]


def _sketched(path: Path) -> Sketch:
    return sketch(open_rgb(path))


def _chosen(members: Sequence[PurePosixPath]) -> dict[PurePosixPath, PurePosixPath]:
    wanted = [one for one in members if str(one) == LIST or one.suffix.lower() == ".jpg"]
    if len(wanted) > MAX_PHOTOS + 1:
        raise UserError(f"holds more than {MAX_PHOTOS} photos")
    return {one: one for one in wanted}


def read_list(path: Path) -> tuple[str, list[tuple[str, str]]]:
    """Return the task that the app's list is of, and each photo's file with a note; raise `UserError` where it is not
    what the app writes."""
    try:
        if path.stat().st_size > MAX_LIST:
            raise ValueError
        about = read_json(path)
        return str(about["task"]), [(str(row["file"]), _note(row)) for row in about["photos"]]
    except (UserError, UnicodeDecodeError, KeyError, TypeError, ValueError, IndexError, OverflowError):
        raise UserError(f"{LIST} is not what the app writes; save the photos again") from None


def _listed(archive: Path, task: str, out: Path, hashes: dict[str, str]) -> tuple[list[Waiting], list[str]]:
    try:
        other, rows = read_list(out / LIST)
    except UserError as error:
        raise UserError(f"{archive}: {error}") from None
    if other != task:
        raise UserError(f"{archive}: these photos were shown to a model of '{printable(other)[:60]}', not of '{task}'")
    problems = [f"{printable(name)[:80]}: listed, but not in the zip" for name, _ in rows if name not in hashes]
    photos = {name: note for name, note in rows if name in hashes and name != LIST}
    return [Waiting(hashes[name], out / name, name, note) for name, note in photos.items()], problems


def _note(row: dict[str, Any]) -> str:
    best = row["guesses"][0]
    said = f"the phone: {best['name']} {float(best['probability']):.0%}{'' if row['sure'] else ', not sure'}"
    corrected = row.get("corrected")
    return printable(f"{said}; its user: {corrected}" if corrected else said)[:300]


def _wrong(photo: Waiting) -> str:
    try:
        open_rgb(photo.file)
    except BadImage as error:
        return error.what
    return ""
