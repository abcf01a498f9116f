"""Digits from a public mirror of the four gzipped IDX files."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from sortline.config.fetch import Fetched, Source, Url
from sortline.data import digit_sets, idx
from sortline.data.sources.base import downloaded
from sortline.data.sources.download import probe


class IdxMirror(Source):
    online: ClassVar[bool] = True
    built_in: ClassVar[str] = "digits"

    kind: Literal["idx_mirror"]
    url: Url = Field(description="public address that the names of the four gzipped IDX files follow")
    name: str = Field("mnist", min_length=1, description="short name for reports")
    max_mb: int = Field(100, ge=1, description="largest file, in MB")

    def fetch(self, out: Path, downloads: Path, data_folder: Path | None) -> Fetched:
        files = {}
        for name in idx.FILES:
            address = self._address_of(name)
            files[name] = downloaded(address, downloads, self.max_mb, None, Path.read_bytes), address
        return digit_sets.fetched(self.name, files, self.url, out)

    def check(self, data_folder: Path | None) -> None:
        probe(self._address_of(idx.FILES[0]))

    def _address_of(self, name: str) -> str:
        return f"{self.url.rstrip('/')}/{name}.gz"
