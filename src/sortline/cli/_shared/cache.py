"""DVC's cache, verified: each object is named by the MD5 of its content, which DVC itself does not compare again."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from sortline._core.errors import UserError
from sortline._core.files import MAX_LOCK, read_yaml
from sortline.cli._shared import outputs
from sortline.cli._shared.tasks import mapping


@dataclass(frozen=True)
class Damaged:
    """An object whose content is not what its name says, and the stages whose outputs need it."""

    path: Path
    stages: tuple[str, ...]


def verify() -> tuple[list[Damaged], int]:
    """Return the damaged objects of this project's cache, and how many there are in all.

    Raises `UserError` where this is no project of DVC.
    """
    folder = _folder()
    objects = sorted(path for path in folder.glob("[0-9a-f][0-9a-f]/*") if path.is_file())
    # What is being written at the moment has a name of its own.
    objects = [path for path in objects if len(_name(path)) == 32]
    bad = [path for path in tqdm(objects, desc="cache", unit="file", disable=None) if not _sound(path)]
    needed = list(_needed(folder)) if bad else []
    return [Damaged(path, tuple(dict.fromkeys(s for md5, s in needed if md5 == _name(path)))) for path in bad], len(
        objects
    )


def _folder() -> Path:
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            return Path(repo.cache.local.path)
    except DvcException as error:
        raise UserError(f"no cache of DVC to look through: {error}") from None


def _name(path: Path) -> str:
    return path.parent.name + path.name.removesuffix(".dir")


def _sound(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "md5").hexdigest() == _name(path)
    except OSError:
        return False


def _needed(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (MD5, stage) of each object that outputs in the lock files consist of, where their folders can be read."""
    for lock in outputs.locks():
        stages = read_yaml(lock, MAX_LOCK).get("stages") if lock.is_file() else None
        where = "" if lock == outputs.LOCK else f"{lock.with_name('dvc.yaml').as_posix()}:"
        for stage, about in mapping(stages).items():
            for out in mapping(about).get("outs") or []:
                md5 = mapping(out).get("md5") or ""
                yield md5.removesuffix(".dir"), where + stage
                if md5.endswith(".dir"):
                    with suppress(OSError, ValueError, TypeError, KeyError):
                        for entry in json.loads(Path(folder, md5[:2], md5[2:]).read_text(encoding="utf-8")):
                            yield entry["md5"], where + stage


def advice(found: list[Damaged]) -> str:
    """Return how to get rid of the damaged objects and come by whole ones."""
    here = [Path(os.path.relpath(one.path)) for one in found]
    stages = list(dict.fromkeys(stage for one in found for stage in one.stages))
    again = f"dvc repro -f -s {' '.join(stages)}" if stages else "no stage needs them now"
    return f"remove them, then make them anew: rm -f {' '.join(path.as_posix() for path in here)}; {again}"
