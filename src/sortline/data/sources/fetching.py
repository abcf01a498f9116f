"""Photos from the first source of a list that works: a folder, a checked download, or drawn."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from tqdm import tqdm

from sortline._core.errors import UserError
from sortline._core.files import content_sha256, replacing, sha256_file
from sortline.config.fetch import Archive, Drawn, Folder, IdxFolder, IdxMirror, PhotoSource
from sortline.data.layout import below_wrappers, photo_files, photo_places
from sortline.data.sources.base import Origin, downloaded, first_that_works, label, limits, locate, reason
from sortline.data.sources.download import probe
from sortline.data.sources.idx_files import check_digits, fetch_digits
from sortline.data.sources.sample import draw
from sortline.data.sources.unpack import copy_hashed, unpack

DRAWN_NOTE = "built-in sample: proves the pipeline, not the accuracy"

Source = PhotoSource | Origin


def fetch_photos(
    task: str, sources: Sequence[PhotoSource], out: Path, downloads: Path, data_folder: Path | None
) -> tuple[dict[str, Any], list[str]]:
    """Put the photos of the first source that works into the folder `out`, whole or not at all.

    `data_folder` is where relative paths of folder sources start (SORTLINE_DATA); `downloads` holds what a
    download that broke off has got so far. Taken are the files in class folders, or, where there is a `train/`, in
    class folders of `train/` and `val/` (or valid, validation, test); of digits the four IDX files. Return the
    content of the source file (kind, address, name, content_sha256, files, note) and one line for each source passed
    over. Raise `UserError`, one line that names every source and why it failed, where none works.
    """

    find = partial(locate, data_folder=data_folder)

    def attempt(source: PhotoSource) -> dict[str, Any]:
        with replacing(out) as temporary:
            temporary.mkdir()
            if isinstance(source, Folder):
                about, hashes = _copy_folder(source, temporary, data_folder)
            elif isinstance(source, Archive):
                about, hashes = _unpack_archive(source, temporary, downloads)
            elif isinstance(source, Drawn):
                about, hashes = _draw(source, temporary)
            else:
                about, hashes = fetch_digits(source, temporary, downloads / task, find)
        return about | {"kind": source.kind, "files": len(hashes), "content_sha256": content_sha256(hashes)}

    built_in = "digits" if any(isinstance(source, IdxFolder | IdxMirror) for source in sources) else "sample"
    return first_that_works("photos", task, sources, attempt, built_in)


def reachable(sources: Sequence[Source], data_folder: Path | None, timeout: float = 5.0) -> tuple[bool, str]:
    """Whether one of the sources can be had, without fetching it: (True, which one) or (False, why none).

    A folder must hold photos, a file must exist, a host must connect in `timeout` seconds and not answer an error.
    """
    failures = []
    for source in sources:
        try:
            if isinstance(source, Folder):
                photo_files(locate(source.path, data_folder))
            elif isinstance(source, IdxFolder | IdxMirror):
                check_digits(source, partial(locate, data_folder=data_folder), timeout)
            elif isinstance(source, Archive):
                probe(source.url, timeout)
            elif hasattr(source, "check"):
                source.check(data_folder, timeout)
            return True, label(source)
        except (UserError, OSError) as error:
            failures.append(reason(source, error))
    return False, "; ".join(failures)


def _copy_folder(source: Folder, out: Path, data_folder: Path | None) -> tuple[dict[str, Any], dict[str, str]]:
    root = locate(source.path, data_folder)
    files = photo_files(root)
    hashes = {}
    for place, path in tqdm(sorted(files.items()), desc=f"copy {root.name}", unit="file", disable=None):
        with path.open("rb") as stream:
            hashes[place.as_posix()], _ = copy_hashed(stream, out / place)
    return {"address": None, "name": root.name, "note": ""}, hashes


def _unpack_archive(source: Archive, out: Path, downloads: Path) -> tuple[dict[str, Any], dict[str, str]]:
    def choose(paths: Sequence[PurePosixPath]) -> dict[PurePosixPath, PurePosixPath]:
        below = below_wrappers(paths, source.inside)
        places = photo_places(below.values())
        return {member: places[path] for member, path in below.items() if path in places}

    def use(archive: Path) -> dict[str, str]:
        hashes = unpack(archive, out, choose, limits(source.max_mb))
        found = content_sha256(hashes)
        if source.content_sha256 not in (None, found):
            raise UserError(f"content_sha256 is {found}, params.yaml says {source.content_sha256}")
        return hashes

    hashes = downloaded(source.url, downloads, source.max_mb, source.sha256, use)
    name = source.name or PurePosixPath(unquote(urlsplit(source.url).path)).stem
    return {"address": source.url, "name": name, "note": ""}, hashes


def _draw(source: Drawn, out: Path) -> tuple[dict[str, Any], dict[str, str]]:
    draw(out, per_class=source.per_class, size=source.side, seed=source.seed)
    hashes = {path.relative_to(out).as_posix(): sha256_file(path) for path in sorted(out.rglob("*")) if path.is_file()}
    return {"address": None, "name": "sample", "note": DRAWN_NOTE}, hashes
