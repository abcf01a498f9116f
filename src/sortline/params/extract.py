"""Parameters of the stage `extract`."""

from typing import Literal, Self

from pydantic import Field, model_validator

from sortline.params.base import Section


class ExtractParams(Section):
    """How photos become Feature Maps; the views come from `prepare`, the weights from `weights`."""

    image_size: int = Field(224, ge=8, le=512, description="side of the square input, pixels")
    pixels: bool = Field(False, description="keep the pictures themselves, grey, for the stage train; no backbone")
    engine: Literal["onnxruntime", "mindspore"] = Field(
        "onnxruntime",
        description="what runs the frozen backbone; same features to 1e-3, ONNX Runtime several times faster",
    )
    pool: Literal["mean+max", "none"] = Field(
        "mean+max", description="none: also keep the plain view's whole map (maps.npy), for a head that pools it itself"
    )

    @model_validator(mode="after")
    def _size_fits(self) -> Self:
        if not self.pixels and self.image_size % 32:
            raise ValueError(
                f"image_size {self.image_size} should be a multiple of 32, as the backbone halves it 5 times"
            )
        return self
