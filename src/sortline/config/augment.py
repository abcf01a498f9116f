"""Parameters of what is done to pictures by chance: views of photos, distortions of grey pictures, crops of photos."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from sortline.config.base import Section


def _share(value: list[float]) -> list[float]:
    if not 0 < value[0] <= value[1] <= 1:
        raise ValueError("must be [low, high] with 0 < low <= high <= 1")
    return value


def _ratio(value: list[float]) -> list[float]:
    if not 0.1 <= value[0] <= value[1] <= 10:
        raise ValueError("must be [low, high] with 0.1 <= low <= high <= 10")
    return value


Range = Annotated[list[float], Field(min_length=2, max_length=2)]
Share = Annotated[Range, AfterValidator(_share)]
Ratio = Annotated[Range, AfterValidator(_ratio)]


class ChainParams(Section):
    """Operations one after another on a view: turns, shears, shifts, fewer colours, other contrasts."""

    method: Literal["augmix", "randaugment"] = Field("augmix", description="mixed chains, or one of two operations")
    # 3 is what AugMix's authors took on ImageNet.
    strength: float = Field(3.0, ge=0.1, le=10, description="level of an operation, augmix: at most; 10: the strongest")


class ViewParams(Section):
    """The augmented views of a photo that `extract` runs the backbone over."""

    count: int = Field(4, ge=1, le=64, description="views a photo; view 0 is the plain one")
    seed: int = Field(0, ge=0, description="of the views")
    crop_scale: Share = Field([0.6, 1.0], description="share of the photo's area that a crop keeps")
    crop_ratio: Ratio = Field([0.8, 1.25], description="width to height of a crop, relative to the photo's own")
    flip: float = Field(0.5, ge=0, le=1, description="chance of a left-right flip")
    brightness: float = Field(0.2, ge=0, le=1, description="factor drawn from 1 - x to 1 + x")
    contrast: float = Field(0.2, ge=0, le=1, description="factor drawn from 1 - x to 1 + x")
    saturation: float = Field(0.2, ge=0, le=1, description="factor drawn from 1 - x to 1 + x")
    gray: float = Field(0.0, ge=0, le=1, description="chance of no colour")
    rotation: float = Field(0.0, ge=0, le=180, description="degrees at most, either way")
    blur: float = Field(0.0, ge=0, le=20, description="Gaussian, pixels at most")
    noise: float = Field(0.0, ge=0, le=128, description="Gaussian, standard deviation of 255")
    chain: ChainParams | None = Field(None, description="operations on the crops; null: none")


class DistortionParams(Section):
    """How far a grey picture is moved, at most, drawn evenly; all 0: pictures stay as they are."""

    shift: float = Field(0, ge=0, le=16, description="pixels at most, either way")
    rotation: float = Field(0, ge=0, le=180, description="degrees at most, either way")
    scale: float = Field(0, ge=0, lt=1, description="width and height times 1 - x to 1 + x")
    shear: float = Field(0, ge=0, le=60, description="degrees at most, either way")
    elastic: float = Field(0, ge=0, le=200, description="strength of elastic distortion, pixels before smoothing")
    elastic_sigma: float = Field(4, ge=1, le=20, description="pixels over which its field is smoothed")

    @property
    def any(self) -> bool:
        return any((self.shift, self.rotation, self.scale, self.shear, self.elastic))


class CropParams(Section):
    """Random crops of photos, resized back, and flips: what a net that is trained from photos sees."""

    scale: Share = Field([0.08, 1.0], description="resnet: share of a photo's area that a crop keeps")
    ratio: Ratio = Field([0.75, 1.3333], description="width to height of a crop")
    flip: float = Field(0.5, ge=0, le=1, description="chance of left for right")
