"""What every source of photos has in params.yaml; the kinds themselves are in `sortline.data.sources`."""

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, NamedTuple
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field

from sortline.config.base import Section


def _splits(url: str) -> str:
    urlsplit(url)  # a ValueError for an address that cannot be one, such as http://[x/a.zip
    return url


Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+/\S+$"), AfterValidator(_splits)]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Fetched(NamedTuple):
    """What a source gave: a short name for reports, {path in the folder: sha256}, and [path, why] of what it could not
    read and left out."""

    name: str
    hashes: dict[str, str]
    left_out: Sequence[tuple[str, str]] = ()


class Source(Section):
    """One place that photos may come from. A kind of them is a file of `sortline.data.sources` that derives this."""

    former_kind: ClassVar[str | None] = None  # what params.yaml called it in earlier versions
    online: ClassVar[bool] = False  # whether its address is on the network
    note: ClassVar[str] = ""  # what metrics and model card must say about such photos
    built_in: ClassVar[str] = "sample"  # the task to run where no such source is in reach

    kind: str
    content_sha256: Sha256 | None = Field(None, description="of the files, as data/raw/<task>.json records it")

    @property
    def address(self) -> str:
        """Its public address, or the path on the disk; empty for what is built in."""
        return str(getattr(self, "url", None) or getattr(self, "path", ""))

    @abstractmethod
    def fetch(self, out: Path, downloads: Path, data_folder: Path | None) -> Fetched:
        """Put the files into the existing folder `out`; return what they are.

        Relative paths start at `data_folder`; `downloads` holds what a download that broke off has got so far.
        Raise `UserError` or `OSError` where that is not possible; `out` may then be half filled.
        """

    def check(self, data_folder: Path | None) -> None:
        """Raise `UserError` or `OSError` unless it can be had, which a host has a few seconds to say."""
