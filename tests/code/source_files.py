"""Photos and weights as folders and archives, and fetching from them."""

import hashlib
import io
import zipfile

from pydantic import TypeAdapter

from sortline.backbones import weights
from sortline.config.weights import WeightsParams
from sortline.data.sources import FetchParams
from sortline.data.sources.fetching import fetch_photos

PHOTOS = {"train/00_00/一.jpg": b"one", "train/00_01/b.jpg": b"two", "val/00_00/c.jpg": b"three"}
WEIGHTS = b"weights"


def oracle(files):
    """The content hash, written out independently."""
    lines = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def write_tree(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def tree(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


class Fetching:
    """Fetches into `tmp_path/data` from sources written as they are in params.yaml."""

    def __init__(self, tmp_path):
        self.root, self.data = tmp_path, tmp_path / "data"
        self.downloads = self.data / "downloads"
        self.local = tmp_path / "local"

    def photos(self, *sources, local=True):
        params = TypeAdapter(FetchParams).validate_python({"sources": list(sources)})
        return fetch_photos("t", params.sources, self.data / "raw/t", self.downloads, self.local if local else None)

    def weights(self, local=True, **keys):
        params = WeightsParams(**{"backbone": "mobilenet_v2"} | keys)
        local_folder = self.local if local else None
        return weights.fetch("t", params, self.data / "weights/t", self.downloads, local_folder)

    @property
    def raw(self):
        return self.data / "raw/t"

    def left_over(self):
        """Files anywhere below `data` outside the two outputs."""
        return [
            path
            for path in self.data.rglob("*")
            if path.is_file() and self.raw not in path.parents and self.data / "weights/t" not in path.parents
        ]
