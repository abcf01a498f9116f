"""Parameters of the stage `fetch`: where a task's photos may come from."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from sortline.config.base import Section

Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+/\S+$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Source(Section):
    """One place that photos or weights may come from; see `sortline.data.sources.base.Origin`."""

    online: ClassVar[bool] = False

    @property
    def address(self) -> str:
        return getattr(self, "url", None) or getattr(self, "path", "")


class Folder(Source):
    kind: Literal["folder"]
    path: str = Field(min_length=1, description="inside the folder SORTLINE_DATA names, or an absolute path")


class Archive(Source):
    online: ClassVar[bool] = True
    kind: Literal["archive"]
    url: Url = Field(description="public address of a zip or tar")
    name: str | None = Field(None, min_length=1, description="short name for reports; default: the file's name")
    inside: str = Field("", description="the archive's folder that holds the photos, below any wrapper folders")
    max_mb: int = Field(1000, ge=1, description="largest download, in MB; unpacked at most four times that")
    sha256: Sha256 | None = Field(None, description="of the archive")
    content_sha256: Sha256 | None = Field(None, description="of the photos, as the source file records it")


class Drawn(Source):
    kind: Literal["drawn"]
    per_class: int = Field(12, ge=1, le=1000, description="pictures of each class")
    # Not `size`: DVC leaves keys of that name out when it looks for a run that it has done before.
    side: int = Field(128, ge=16, le=1024, description="of a picture, in pixels")
    seed: int = Field(1, ge=0, description="of the drawing")


class IdxFolder(Source):
    kind: Literal["idx"]
    path: str = Field(min_length=1, description="folder of the four IDX files, gzipped or not; as a folder's path")
    content_sha256: Sha256 | None = Field(None, description="of the unpacked files, as the source file records it")


class IdxMirror(Source):
    online: ClassVar[bool] = True
    kind: Literal["idx_mirror"]
    url: Url = Field(description="public address that the names of the four gzipped IDX files follow")
    name: str = Field("mnist", min_length=1, description="short name for reports")
    max_mb: int = Field(100, ge=1, description="largest file, in MB")
    content_sha256: Sha256 | None = Field(None, description="of the unpacked files, as the source file records it")


class SklearnDigits(Source):
    kind: Literal["sklearn_digits"]
    side: int = Field(28, ge=8, le=256, description="of a picture, in pixels; they come with 8")
    test: int = Field(360, ge=10, le=1000, description="how many of the 1,797, the last ones, are the test part")


PhotoSource = Folder | Archive | Drawn | IdxFolder | IdxMirror | SklearnDigits


class FetchParams(Section):
    sources: list[Annotated[PhotoSource, Field(discriminator="kind")]] = Field(
        min_length=1, description="tried in this order; the first that works is used"
    )
