"""Parameters of the stage `extract`."""

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from sortline.config.base import Section


class ExtractParams(Section):
    """How photos become Feature Maps; the views come from `prepare`, the weights from `weights`."""

    pixels: bool = Field(False, description="keep the pictures themselves for the stage train; no backbone")
    colour: bool = Field(False, description="with pixels: in colour, as train's resnets need them; else grey")
    # null: what the backbone was trained on; of joined ones the largest of theirs, each at its own.
    image_size: int | None = Field(None, ge=8, le=512, description="side of the square input, pixels")
    # centre_crop: what "resize to 256, crop 224" keeps; pad: all of it, with grey at two sides.
    resize: Literal["squeeze", "centre_crop", "pad"] = Field("squeeze", description="how a photo becomes a square")
    # MindSpore: the same features to 1e-3, several times slower. Ray: ONNX Runtime on many machines.
    engine: Literal["onnxruntime", "openvino", "mindspore", "ray"] = Field(
        "onnxruntime", description="runs the frozen backbone; openvino is an extra, the same features to 1e-3"
    )
    # none: also keep every view's whole map (maps.npy), for a head that pools it itself.
    pool: Literal["mean+max", "none"] = Field("mean+max", description="of the feature maps")
    # Of a MobileNetV2, to train these.
    upto: int | None = Field(None, ge=1, le=16, description="also keep the maps before the last so many blocks")

    @field_validator("image_size")
    @classmethod
    def _size_fits(cls, size: int | None, info: ValidationInfo) -> int | None:
        if size is not None and not info.data.get("pixels") and size < 32:
            raise ValueError("should be at least 32: the backbone halves it five times")
        return size

    @property
    def runtime(self) -> str:
        """What computes the features, on however many machines."""
        return "onnxruntime" if self.engine == "ray" else self.engine

    @model_validator(mode="after")
    def _pictures_or_maps(self) -> "ExtractParams":
        if self.pixels and self.upto:
            raise ValueError("upto keeps maps and pixels the pictures themselves; set one of them")
        return self
