"""Parameters of the stage `export`."""

from pydantic import Field

from sortline.params.base import Section


class ExportParams(Section):
    """How the exported files are checked."""

    check_photos: int = Field(26, ge=1, description="val photos, evenly spread, for the slower comparisons")
    max_difference: float = Field(1e-3, gt=0, description="largest difference of logits that passes")
