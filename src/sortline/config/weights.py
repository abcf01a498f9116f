"""Parameters of the stage `weights`: where a task's backbone may come from."""

from pathlib import PurePosixPath
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from sortline._core.errors import UserError
from sortline.backbones import registry
from sortline.config.base import Section
from sortline.config.fetch import Sha256, Source, Url

WEIGHT_SUFFIXES = (".safetensors", ".ckpt")


Network = Literal["mobilenet_v2", "resnet18", "resnet34", "resnet50", "resnet101"]


class _Backbone(Source):
    network: Network = Field("mobilenet_v2", description="which network the weights are of")

    @model_validator(mode="after")
    def _known_combination(self) -> "_Backbone":
        try:
            known = registry.get(self.network)
            known.release(self.release)
        except UserError as error:
            raise ValueError(str(error)) from None
        if not known.widths and "width" in self.model_fields_set and self.width != 1:
            raise ValueError(f"width is of mobilenet_v2 alone; {self.network} has none")
        return self


class _Published(_Backbone):
    release: Literal["tensorflow", "mindcv", "course"] = Field(
        description="whose weights: decides padding, preprocessing and parameter names"
    )
    width: float = Field(1.0, gt=0, le=4, description="mobilenet_v2: width multiplier")
    sha256: Sha256 | None = Field(None, description="of the weights file itself")


def _check_suffix(name: str) -> None:
    if PurePosixPath(name).suffix not in WEIGHT_SUFFIXES:
        raise ValueError(f"'{name}' should end in {' or '.join(WEIGHT_SUFFIXES)}")


class WeightsFile(_Published):
    kind: Literal["file"]
    path: str = Field(min_length=1, description="inside the folder SORTLINE_DATA names, or an absolute path")

    @property
    def file_name(self) -> str:
        return self.path

    @model_validator(mode="after")
    def _known_suffix(self) -> "WeightsFile":
        _check_suffix(self.file_name)
        return self


class WeightsDownload(_Published):
    online: ClassVar[bool] = True
    kind: Literal["download"]
    url: Url = Field(description="public address of the weights file, or of an archive that holds it")
    member: str | None = Field(None, min_length=1, description="the weights file inside the archive")
    max_mb: int = Field(200, ge=1, description="largest download, in MB; unpacked at most four times that")

    @property
    def file_name(self) -> str:
        return self.member or urlsplit(self.url).path

    @model_validator(mode="after")
    def _known_suffix(self) -> "WeightsDownload":
        _check_suffix(self.file_name)
        return self


class RandomWeights(_Backbone):
    kind: Literal["random"]
    release: Literal["random"] = "random"
    width: float = Field(0.35, gt=0, le=4, description="mobilenet_v2: width multiplier")
    seed: int = Field(1, ge=0, description="of the weights, which are drawn when the network is built")


class NoWeights(Source):
    """Nothing: the stage `train` trains a whole net from its seed."""

    kind: Literal["none"]
    network: Literal["none"] = "none"
    release: Literal["none"] = "none"


WeightSource = WeightsFile | WeightsDownload | RandomWeights | NoWeights


class WeightsParams(Section):
    sources: list[Annotated[WeightSource, Field(discriminator="kind")]] = Field(
        min_length=1, description="tried in this order; the first that works is used"
    )
