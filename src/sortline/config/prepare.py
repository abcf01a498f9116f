"""Parameters of the stage prepare: `<task>.prepare` in params.yaml."""

from typing import ClassVar, Literal

from pydantic import Field

from sortline._core.limits import MAX_FILE_MB, MAX_PIXELS
from sortline.config.augment import ViewParams
from sortline.config.base import Section

Policy = Literal["report", "drop", "fail"]
Search = Literal["geometry", "exact"]
GONE = "copies are found by geometry now, and nothing is to be set; leave it out (or search: exact)"


class DuplicateParams(Section):
    gone: ClassVar[dict[str, str]] = dict.fromkeys(("hash", "hash_size", "threshold"), GONE)

    # exact: for series that are alike by nature, as scans of one form, or drawings.
    search: Search = Field("geometry", description="finds mirrored, turned, cropped, recoloured copies; exact: none")
    exact_cross: Policy = Field("drop", description="train photos that are also in val, pixel for pixel")
    exact_train: Policy = Field("report", description="exact copies inside train; drop keeps the first by path")
    near_cross: Policy = Field("report", description="train photos of a scene that is also in val")
    near_train: Policy = Field("report", description="further photos of a scene in train; drop keeps the first by path")

    def policy(self) -> dict[str, str]:
        """Return what to do about each kind of duplicate: kind -> report, drop or fail."""
        return {kind: getattr(self, kind) for kind in ("exact_cross", "exact_train", "near_cross", "near_train")}


class SplitParams(Section):
    val_fraction: float = Field(0.1, gt=0, lt=1, description="share held out where the photos come without a val")
    folds: int = Field(5, ge=2, le=20, description="grouped folds of train that selection is done on")
    seed: int = Field(0, ge=0, description="of the split and the folds")


class PrepareParams(Section):
    table: str | None = Field(None, description="garbage, or a class table in tables/; null: the folders are the names")
    min_per_class: int = Field(5, ge=1, description="minimum of train photos a class")
    max_pixels: int = Field(MAX_PIXELS, ge=1, le=MAX_PIXELS, description="largest photo decoded, width x height")
    max_file_mb: int = Field(MAX_FILE_MB, ge=1, le=MAX_FILE_MB, description="largest file opened, in MB")
    unreadable: Literal["report", "fail"] = Field("report", description="files that are no usable photo")
    duplicates: DuplicateParams = DuplicateParams()
    split: SplitParams = SplitParams()
    views: ViewParams = ViewParams()
