"""What sources of photos and of weights share: found on the disk, downloaded, tried in their order."""

import hashlib
import os
import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from sortline._core.errors import NO_ROOM, UserError
from sortline._core.files import expanded
from sortline.data.sources.download import download, public


class Origin(Protocol):
    """One place that photos or weights may come from; see `sortline.config.fetch.Source`."""

    @property
    def kind(self) -> str: ...
    @property
    def address(self) -> str: ...
    @property
    def online(self) -> bool: ...
    def check(self, data_folder: Path | None) -> None: ...


AnyOrigin = TypeVar("AnyOrigin", bound=Origin)
Result = TypeVar("Result")


def data_folder() -> Path | None:
    """Return SORTLINE_DATA as an absolute path; None where it is not set."""
    folder = os.environ.get("SORTLINE_DATA")
    return expanded(folder).absolute() if folder else None


def locate(path: str, data_folder: Path | None) -> Path:
    """Return where a path of params.yaml lies, relative ones in `data_folder`; raise `UserError` if it is not there."""
    place = expanded(path)
    if not place.is_absolute():
        if data_folder is None:
            raise UserError("SORTLINE_DATA is not set")
        place = data_folder / place
    if not place.exists():
        raise UserError(f"{place} does not exist")
    return place


def downloaded(url: str, downloads: Path, max_mb: int, sha256: str | None, use: Callable[[Path], Result]) -> Result:
    """Download the file, return `use(file)`, and remove it: after success, or where it turns out to be wrong.

    It lies in a folder of its own below `downloads`, so that what broke off is found again by the next run.
    """
    name = re.sub(r"[^\w.-]", "_", unquote(urlsplit(url).path.rsplit("/", 1)[-1])) or "download"
    folder = downloads / hashlib.sha256(url.encode()).hexdigest()[:12]
    path = folder / name
    download(url, path, max_bytes=max_mb * 10**6, sha256=sha256)
    try:
        result = use(path)
    except UserError as error:
        shutil.rmtree(folder)
        raise UserError(str(error).removeprefix(f"{path}: ")) from None
    shutil.rmtree(folder)
    return result


def first_that_works(
    what: str, task: str, origins: Sequence[AnyOrigin], attempt: Callable[[AnyOrigin], Result], built_in: str = "sample"
) -> tuple[Result, list[str]]:
    """Return `attempt(origin)` of the first origin that works, and a line for each that was passed over.

    `what` is "photos" or "weights"; `built_in` the task to run without them. Raise `UserError`, one line that names
    every origin and why it failed, where none works, and at once where the disk is full.
    """
    failures: list[str] = []
    for origin in origins:
        try:
            return attempt(origin), failures
        except (UserError, OSError) as error:
            if isinstance(error, OSError) and error.errno in NO_ROOM:
                raise UserError(f"{what} for '{task}': {error.strerror}; make room and run the command again") from None
            failures.append(reason(origin, error))
    advice = "correct the sources in params.yaml"
    local = [origin.address for origin in origins if origin.address and not origin.online and origin.kind != "wheel"]
    relative = [path for path in local if not expanded(path).is_absolute()]
    if relative:
        advice = f"set SORTLINE_DATA to the folder that holds {relative[0]}"
    raise UserError(
        f"no {what} for '{task}': {'; '.join(failures)}; {advice}, or run the built-in task: "
        f"make run TASK={built_in} (dvc repro export@{built_in})"
    )


def reachable(origins: Sequence[Origin], data_folder: Path | None) -> tuple[bool, str]:
    """Whether one of the origins can be had, without fetching it: (True, which one) or (False, why none)."""
    failures = []
    for origin in origins:
        try:
            origin.check(data_folder)
            return True, f"{origin.kind} {public(origin.address) if origin.online else origin.address}".rstrip()
        except (UserError, OSError) as error:
            failures.append(reason(origin, error))
    return False, "; ".join(failures)


def reason(origin: Origin, error: UserError | OSError) -> str:
    """Return one line that says why an origin failed, its address in it once."""
    address = public(origin.address) if origin.online else origin.address
    text = str(error).removeprefix(f"{address}: ")
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return f"{origin.kind} {address}".rstrip() + f": {text}"
