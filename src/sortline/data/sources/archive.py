"""Photos from a public zip or tar."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field

from sortline.config.fetch import Fetched, Sha256, Source, Url
from sortline.data.layout import below_wrappers, photo_paths
from sortline.data.sources.base import downloaded
from sortline.data.sources.download import probe
from sortline.data.sources.unpack import UNPACKED, unpack


class Archive(Source):
    online: ClassVar[bool] = True

    kind: Literal["archive"]
    url: Url = Field(description="public address of a zip or tar")
    name: str | None = Field(None, min_length=1, description="short name for reports; default: the file's name")
    inside: str = Field("", description="the archive's folder that holds the photos, below any wrapper folders")
    max_mb: int = Field(1000, ge=1, description="largest download, in MB; unpacked at most four times that")
    sha256: Sha256 | None = Field(None, description="of the archive")

    def fetch(self, out: Path, downloads: Path, data_folder: Path | None) -> Fetched:
        def use(archive: Path) -> dict[str, str]:
            return unpack(archive, out, self._choose, self.max_mb * UNPACKED)

        hashes = downloaded(self.url, downloads, self.max_mb, self.sha256, use)
        return Fetched(self.name or PurePosixPath(unquote(urlsplit(self.url).path)).stem, hashes)

    def check(self, data_folder: Path | None) -> None:
        probe(self.url)

    def _choose(self, members: Sequence[PurePosixPath]) -> dict[PurePosixPath, PurePosixPath]:
        below = below_wrappers(members, self.inside)
        wanted = photo_paths(below.values())
        return {member: wanted[path] for member, path in below.items() if path in wanted}
