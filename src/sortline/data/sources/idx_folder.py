"""Digits from a folder that holds four IDX files: MNIST's, or those of EMNIST or QMNIST."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from sortline._core.errors import UserError
from sortline._core.text import printable
from sortline.config.fetch import Fetched, Source
from sortline.data import digit_sets, idx
from sortline.data.sources.base import locate

# How the names of the train and of the test files begin in the sets that are known.
SETS = (
    ("train", "t10k"),
    ("emnist-digits-train", "emnist-digits-test"),
    ("emnist-mnist-train", "emnist-mnist-test"),
    ("qmnist-train", "qmnist-test"),
)
KINDS = {idx.IMAGES: (idx.IMAGES,), idx.LABELS: (idx.LABELS, "labels-idx2-int")}  # QMNIST's labels have columns


class IdxFolder(Source):
    built_in: ClassVar[str] = "digits"

    kind: Literal["idx"]
    path: str = Field(min_length=1, description="folder of the four IDX files, gzipped or not; as a folder's path")

    def fetch(self, out: Path, downloads: Path, data_folder: Path | None) -> Fetched:
        root = locate(self.path, data_folder)
        files = {name: (path.read_bytes(), path) for name, path in find_files(root).items()}
        return digit_sets.fetched(root.name, files, root, out)

    def check(self, data_folder: Path | None) -> None:
        find_files(locate(self.path, data_folder))


def find_files(root: Path) -> dict[str, Path]:
    """Return {one of idx.FILES: the file that holds it} of the first of SETS there is; raise `UserError` for none."""
    there = next((starts for starts in SETS if _variant(root, f"{starts[0]}-{idx.IMAGES}")), SETS[0])
    found = {}
    for ours, start in zip(idx.PARTS.values(), there, strict=True):
        for kind, kinds in KINDS.items():
            path = next((path for one in kinds if (path := _variant(root, f"{start}-{one}"))), None)
            if path is None:
                others = sorted(other.name for other in root.glob("*idx*-*byte*"))[:4]
                hint = f"; there is: {', '.join(others)}" if others else ""
                raise UserError(printable(f"{root}: no {start}-{kind} in it, gzipped or not{hint}"))
            found[f"{ours}-{kind}"] = path
    return found


def _variant(root: Path, name: str) -> Path | None:
    """Return the file so named, or with a dot for the last dash but one, with or without .gz."""
    dotted = name.replace("-idx", ".idx")
    return next((root / one for one in (name, f"{name}.gz", dotted, f"{dotted}.gz") if (root / one).is_file()), None)
