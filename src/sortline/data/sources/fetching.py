"""A task's photos, from the first of its sources that works."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sortline._core.errors import UserError
from sortline._core.files import content_sha256, replacing
from sortline.config.fetch import Source
from sortline.data.sources.base import first_that_works
from sortline.data.sources.download import public


def fetch_photos(
    task: str, sources: Sequence[Source], out: Path, downloads: Path, data_folder: Path | None
) -> tuple[dict[str, Any], list[str]]:
    """Put the photos of the first source that works into the folder `out`, whole or not at all.

    Other arguments as in `Source.fetch`. Return the content of data/raw/<task>.json and one line for each source passed
    over. Raise `UserError`, one line that names every source and why it failed, where none works.
    """

    def attempt(source: Source) -> dict[str, Any]:
        with replacing(out) as temporary:
            temporary.mkdir()
            fetched = source.fetch(temporary, downloads, data_folder)
            found = content_sha256(fetched.hashes)
            if source.content_sha256 not in (None, found):
                raise UserError(f"content_sha256 of the files is {found}, expected {source.content_sha256}")
        about = {
            "kind": source.kind,
            "address": public(source.address) if source.online else None,
            "name": fetched.name,
            "content_sha256": found,
            "files": len(fetched.hashes),
            "note": source.note,
        }
        # Only where there are any: most photos can be read.
        return about | ({"left_out": [*map(list, fetched.left_out)]} if fetched.left_out else {})

    return first_that_works("photos", task, sources, attempt, sources[0].built_in)
