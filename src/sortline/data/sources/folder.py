"""Photos from a folder on the disk."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from tqdm import tqdm

from sortline._core.text import printable
from sortline.config.fetch import Fetched, Source
from sortline.data.layout import photo_files
from sortline.data.sources.base import locate
from sortline.data.sources.unpack import copy_hashed


class Folder(Source):
    kind: Literal["folder"]
    path: str = Field(min_length=1, description="inside the folder SORTLINE_DATA names, or an absolute path")

    def fetch(self, out: Path, downloads: Path, data_folder: Path | None) -> Fetched:
        root, hashes = locate(self.path, data_folder), {}
        files, left_out = photo_files(root)
        for place, path in tqdm(sorted(files.items()), f"copy {printable(root.name)}", unit="file", disable=None):
            with path.open("rb") as stream:
                hashes[str(place)], _ = copy_hashed(stream, out / place)
        return Fetched(root.name, hashes, [(printable(str(one.path)), one.what) for one in left_out])

    def check(self, data_folder: Path | None) -> None:
        photo_files(locate(self.path, data_folder))
