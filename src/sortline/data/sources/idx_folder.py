"""Digits from a folder that holds the four IDX files."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from sortline._core.errors import UserError
from sortline.config.fetch import Fetched, Source
from sortline.data import idx
from sortline.data.sources.base import locate


class IdxFolder(Source):
    built_in: ClassVar[str] = "digits"

    kind: Literal["idx"]
    path: str = Field(min_length=1, description="folder of the four IDX files, gzipped or not; as a folder's path")

    def fetch(self, out: Path, downloads: Path, data_folder: Path | None) -> Fetched:
        root = locate(self.path, data_folder)
        found = {name: find_file(root, name) for name in idx.FILES}
        return Fetched(root.name, idx.write(out, {name: (path.read_bytes(), path) for name, path in found.items()}))

    def check(self, data_folder: Path | None) -> None:
        root = locate(self.path, data_folder)
        for name in idx.FILES:
            find_file(root, name)


def find_file(root: Path, name: str) -> Path:
    """Return the file that holds `name`: so named, or with a dot for the last dash but one, with or without .gz."""
    dotted = name.replace("-idx", ".idx")
    for variant in (name, f"{name}.gz", dotted, f"{dotted}.gz"):
        if (root / variant).is_file():
            return root / variant
    raise UserError(f"{root}: no {name} in it, gzipped or not")
