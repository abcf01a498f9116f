"""Parameters of the stage `weights`: a task's backbone, by name."""

from pathlib import PurePosixPath
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from sortline.config.base import Section
from sortline.config.fetch import Sha256, Url

SUFFIXES = (".safetensors", ".ckpt", ".pth")
RANDOM = "random"


class WeightsParams(Section):
    """Which backbone. Its releases, their addresses and checksums stand beside it, in `sortline.backbones`."""

    renamed: ClassVar[dict[str, str]] = {"sources": "backbone (one's own copy: with release, and path or url)"}

    # A list: joined, their features side by side.
    backbone: str | list[str] | None = Field(None, description="its name; null: none, a net trained from pixels")
    # null: the backbone's releases in their order; random: drawn from the seed.
    release: str | None = Field(None, description="whose weights, by name")
    width: float | None = Field(None, gt=0, le=4, description="mobilenet_v2: width multiplier; null: 1, random: 0.35")
    seed: int = Field(1, ge=0, description="random: of the weights, which are drawn when the network is built")
    # Inside the folder that SORTLINE_DATA names, or an absolute path.
    path: str | None = Field(None, min_length=1, description="one's own copy")
    url: Url | None = Field(None, description="one's own address of the weights file, or of an archive that holds it")
    member: str | None = Field(None, min_length=1, description="url: the weights file inside the archive")
    sha256: Sha256 | None = Field(None, description="of one's own weights file")
    max_mb: int = Field(200, ge=1, description="largest download, in MB; unpacked at most four times that")

    @field_validator("backbone", mode="before")
    @classmethod
    def _names(cls, backbone: Any) -> Any:
        names = backbone if isinstance(backbone, list) else [backbone or ""]
        if not names or not all(isinstance(name, str) for name in names):
            raise ValueError("should be a name, a list of names, or null")
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"'{twice[0]}' is there twice; joined to itself it says nothing new")
        return backbone

    @property
    def members(self) -> list["WeightsParams"]:
        """The same for each of the joined backbones; of one alone, or none, that."""
        names = self.backbone if isinstance(self.backbone, list) else [self.backbone]
        return [self.model_copy(update={"backbone": name}) for name in names]

    @model_validator(mode="after")
    def _belong_together(self) -> "WeightsParams":
        own = [key for key in ("path", "url", "member", "sha256") if getattr(self, key) is not None]
        if own and self.release in (None, RANDOM):
            raise ValueError(f"{', '.join(own)} go with a release that is published: it says what the weights mean")
        if own and not (self.path or self.url) or (self.member and not self.url):
            raise ValueError(f"{', '.join(own)} go with {'url' if self.member else 'path or url'}")
        for name in filter(None, (self.path, self.member or (self.url and urlsplit(self.url).path))):
            if PurePosixPath(name).suffix not in SUFFIXES:
                raise ValueError(f"'{name}' should end in {' or '.join(SUFFIXES)}")
        others = self.model_fields_set - {"backbone"}
        if self.backbone is None and others:
            raise ValueError(f"{', '.join(sorted(others))} go with a backbone")
        of_one = [key for key in ("release", "width", "path", "url") if getattr(self, key) not in (None, RANDOM)]
        if len(self.members) > 1 and of_one:
            raise ValueError(f"{', '.join(of_one)} go with one backbone, not with joined ones")
        return self
