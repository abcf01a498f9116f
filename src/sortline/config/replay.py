"""What a report of a training says, as `sortline replay` reads it: whatever it leaves open is left out, and unknown."""

from pathlib import Path
from typing import Any, Literal

import pydantic
from pydantic import Field, model_validator

from sortline._core.errors import UserError
from sortline._core.files import read_yaml
from sortline.config.base import Section, one_line
from sortline.config.training import TrainHeadParams, TrainParams

Share = float | None


class Figure(Section):
    """An accuracy that the report gives, and of how many photos."""

    accuracy: float = Field(ge=0, le=1)
    n: int | None = Field(None, ge=1)


class Run(Section):
    """A training of the report: `train_head` or `train` as it writes them, in the keys of params.yaml."""

    says: Figure | None = Field(None, description="what the report gives for it")
    features: str | None = Field(None, description="what extract kept, beside the report's file; null: the task's own")
    train_head: dict[str, Any] | None = Field(None, description="a head, as the report had it")
    train: dict[str, Any] | None = Field(None, description="a net, as the report had it")
    photos: int | None = Field(None, ge=16, description="train on so many at most, of a net; null: as the report's")
    cut: dict[str, Any] = Field({}, description="keys that are otherwise here, as the report's take hours")
    instead: dict[str, Any] = Field({}, description="keys that are otherwise where it is done as it should be")

    @model_validator(mode="after")
    def _trains(self) -> "Run":
        if (self.train_head is None) == (self.train is None):
            raise ValueError("needs one of train_head, train: what the report trained")
        for changes in ({}, self.instead):
            self.params(changes)
        return self

    def params(self, changes: dict[str, Any]) -> TrainHeadParams | TrainParams:
        """Return what is trained: the report's settings, cut, with `changes`."""
        if self.train_head is not None:
            return TrainHeadParams(**{**self.train_head, **self.cut, **changes})
        return TrainParams(**{**(self.train or {}), **self.cut, **changes})


class Report(Section):
    """What a report's runs share, how it was measured, what its log says. `task` lends photos, split and features."""

    title: str
    claims: str = Field("", description="what it concludes, in a sentence")
    task: str | None = Field(None, description="of params.yaml, prepared and extracted; null: nothing can be run")
    weights: str | None = Field(
        None, description="the backbone that modes start from, beside the file; null: the task's"
    )
    photos: int | None = Field(None, ge=16, description="train on so many at most, to take minutes")
    held: int | None = Field(None, ge=16, description="score so many at most, where the task has no folds")
    train_n: int | None = Field(None, ge=1, description="the report's train photos")
    held_n: int | None = Field(None, ge=1, description="the photos that it was measured on")
    classes: int | None = Field(None, ge=2)
    split: Literal["photo", "scene", "none"] | None = Field(None, description="how parted; none: no photo was held out")
    chosen_on: Literal["test", "val", "none"] | None = Field(None, description="the part that epoch or setting go by")
    drops_remainder: bool | None = Field(None, description="whether a last, smaller batch was left out of the score")
    tested_by: Literal["argmax", "sampling"] | None = None
    net_ends_in: Literal["logits", "softmax"] | None = Field(None, description="with softmax cross-entropy after it")
    batch_size: int | None = Field(None, ge=1)
    steps: int | None = Field(None, ge=1, description="an epoch, as its log counts them")
    label_smoothing: float | None = Field(None, ge=0, lt=1)
    log: list[str] = Field([], description="lines of its training log")
    runs: dict[str, Run] = {}


def read_report(path: Path) -> Report:
    """Return the report in a YAML file; raise `UserError` naming the first mistake."""
    if not path.is_file():
        raise UserError(f"{path}: no such file; name a report in YAML, or a training log")
    content = read_yaml(path)
    try:
        return Report.model_validate(content)
    except pydantic.ValidationError as error:
        raise UserError(f"{path}: {one_line(error, '')}") from None
