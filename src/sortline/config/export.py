"""Parameters of the stage `export`."""

from pydantic import Field

from sortline.config.base import Section


class ExportParams(Section):
    """How the exported files are checked, and what the 8-bit one is calibrated on."""

    check_photos: int = Field(8, ge=1, description="val photos, evenly spread, for the slower comparisons")
    max_difference: float = Field(1e-3, gt=0, description="largest difference of logits that passes")
    calibration_photos: int = Field(50, ge=1, description="train photos that show int8 the ranges of activations")
    calibration_seed: int = Field(0, ge=0, description="draws these photos")
