"""Parameters of the stage `extract`."""

from typing import Literal

from pydantic import Field

from sortline.params.base import Section


class ExtractParams(Section):
    """How photos become Feature Maps; the views come from `prepare`, the weights from `weights`."""

    image_size: int = Field(224, ge=32, le=512, multiple_of=32, description="side of the square input, pixels")
    engine: Literal["onnxruntime", "mindspore"] = Field(
        "onnxruntime",
        description="what runs the frozen backbone; same features to 1e-3, ONNX Runtime several times faster",
    )
    pool: Literal["mean+max", "none"] = Field(
        "mean+max", description="none: also keep the plain view's whole map (maps.npy), for a head that pools it itself"
    )
