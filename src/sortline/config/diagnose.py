"""Parameters of the stage `diagnose`."""

from typing import Annotated

from pydantic import Field

from sortline.config.base import Section

Severity = Annotated[int, Field(ge=1, le=5)]


Accuracy = Annotated[float, Field(ge=0, le=1)]


class RobustnessParams(Section):
    """How photos of scenes not seen are corrupted, and what accuracy they must reach: where even the high end of its
    interval lies under a minimum, diagnose fails."""

    each: int | None = Field(4, ge=1, description="ways that each photo is corrupted in, each as often; null: all ways")
    min_mean: Accuracy | None = Field(None, description="accuracy over all corruptions; null: any")
    min_worst: Accuracy | None = Field(None, description="accuracy of the worst family of them; null: any")


class DiagnoseParams(Section):
    """How far one looks into the data and the model; nothing here changes the model."""

    severities: list[Severity] = Field([1, 3, 5], min_length=1, description="of each corruption, 1 to 5")
    robustness: RobustnessParams = RobustnessParams()
    neighbours: int = Field(10, ge=1, le=100, description="nearest train photos that a train photo is compared with")
    suspects: int = Field(36, ge=1, le=500, description="most suspected label errors on their contact sheet")
    outliers: int = Field(18, ge=1, le=500, description="photos on the contact sheet of outliers")
