"""Parameters of the stage evaluate: `<task>.evaluate` in params.yaml."""

from typing import Annotated

from pydantic import Field

from sortline.config.base import Section, Track

Cost = Annotated[float, Field(ge=0, le=1e6)]


class EvaluateParams(Section):
    """Which checkpoint is measured, how finely, and how much is shown; nothing here changes the model."""

    checkpoint: str | None = Field(
        None, pattern=r"^(best|last|epoch-\d{5})$", description="a saved one, which is exported too; null: training's"
    )
    ece_bins: int = Field(15, ge=2, le=100, description="equal-width confidence bins of the calibration error")
    worst_pairs: int = Field(5, ge=1, le=100, description="most confused pairs listed in the metrics")
    # {hazardous: 5}: in any other bin; {hazardous: {wet: 10}}: in this one. Else 1; the own bin: nothing.
    bin_costs: dict[str, Cost | dict[str, Cost]] | None = Field(
        None,
        description="what waste of a bin costs in a wrong one: are decisions of least cost better? null: not asked",
    )
    sheet_columns: int = Field(6, ge=1, le=20, description="photos in a row of the contact sheet of wrong photos")
    sheet_limit: int = Field(60, ge=1, le=1000, description="most photos on it, most confident errors first")
    track: Track = "none"
