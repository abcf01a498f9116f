"""Settings that fit a user's own photos, from their audit: what the line's defaults are too strict or too hasty for."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sortline._core.errors import UserError
from sortline.config.prepare import PrepareParams
from sortline.data import classes
from sortline.data.audit import Audit, imbalance
from sortline.data.layout import UNLABELLED
from sortline.data.split import Split, make_split, some

DEFAULTS = PrepareParams()
MIN_TRAIN, MIN_VAL = 2, 1  # photos of a class: two, so that each fold can leave one out
FEW_PHOTOS = 1000  # below, one photo in five is held out: one in ten would measure nothing
SMALL = 100_000  # train photos x views x classes up to which L-BFGS takes seconds, a minute at most


@dataclass(frozen=True)
class Suggested:
    """Keys for a task's `prepare` and `train_head`, why, by dotted key, and the split they give."""

    prepare: dict[str, Any]
    train_head: dict[str, Any]
    why: dict[str, str]
    split: Split


def suggest(audit: Audit, tables: Path) -> Suggested:
    """Choose settings, given the folder of class tables; raise `UserError` where these photos cannot be split."""
    folders = audit.class_folders()
    refuse_small(audit)
    prepare: dict[str, Any] = {}
    why: dict[str, str] = {}
    for table in classes.list_tables(tables):
        with suppress(UserError):
            classes.describe(folders, table, tables)
            prepare["table"] = table
            why["prepare.table"] = "the class folders are those of this table: names in two languages, and what it says"
            break
    if audit.search != DEFAULTS.duplicates.search:
        prepare["duplicates"] = {"search": audit.search}
        why["prepare.duplicates.search"] = "as asked for with --exact"
    fraction = DEFAULTS.split.val_fraction
    labelled = int((~audit.mask(UNLABELLED)).sum())
    if not audit.tree.given and labelled < FEW_PHOTOS:
        fraction = 0.2
        why["prepare.split.val_fraction"] = f"only {labelled} photos: one in ten would be too few to measure"
    split, folds, smallest = deal(audit, folders, prepare.get("table"), tables, fraction)
    if smallest < DEFAULTS.min_per_class:
        prepare["min_per_class"] = smallest
        why["prepare.min_per_class"] = f"the smallest class has {smallest} photos to train on"
    if folds != DEFAULTS.split.folds:
        why["prepare.split.folds"] = "each fold must leave photos of every class to train on"
    found = DEFAULTS.split.model_copy(update={"val_fraction": fraction, "folds": folds})
    if found != DEFAULTS.split:
        prepare["split"] = {key: value for key, value in found if value != getattr(DEFAULTS.split, key)}
    train_head = head(split, len(folders), why)
    if imbalance(audit):
        train_head["class_weights"] = "none"
        why["train_head.class_weights"] = "balanced: each class weighs the same, however few its photos"
    return Suggested(prepare, train_head, why, split)


def refuse_small(audit: Audit) -> None:
    """Raise `UserError` naming the classes with fewer photos than any split can do with."""
    for split, counts in audit.counts().items():
        need = {"": MIN_TRAIN + MIN_VAL, "train": MIN_TRAIN, "val": MIN_VAL}.get(split, 0)
        small = [f"'{name}' ({count})" for name, count in counts.items() if count < need]
        if small:
            where = f" of {split}" if split else ""
            purpose = "" if split else ": two to train on, one to measure with"
            raise UserError(
                f"{audit.folder}: too few usable photos in {some(small)}{where}; a class needs {need} or more"
                f"{purpose}; add photos, or move the folder{'s' * (len(small) > 1)} away"
            )


def deal(audit: Audit, folders: list[str], table: str | None, tables: Path, fraction: float) -> tuple[Split, int, int]:
    """Return the split of most folds that leave every class to train on, how many, and the smallest class's photos."""
    names = [row["en"] for row in classes.describe(folders, table, tables)["classes"]]
    labels = classes.labels_of(folders, table, tables)

    def split_with(folds: int) -> Split:
        wanted = DEFAULTS.split.model_copy(update={"val_fraction": fraction, "folds": folds})
        return make_split(audit, labels, names, DEFAULTS.model_copy(update={"split": wanted, "min_per_class": 1}))

    try:
        split = split_with(2)
    except UserError as error:
        hint = "; are these no copies, but alike by nature? Then: --exact"
        raise UserError(f"{audit.folder}: {error}{hint if 'copies' in str(error) else ''}") from None
    smallest = int(np.bincount(split.label[split.split == "train"], minlength=len(names)).min())
    for folds in range(min(DEFAULTS.split.folds, smallest), 2, -1):
        with suppress(UserError):  # fewer groups of copies than folds
            dealt = split_with(folds)
            if leaves_every_class(dealt):
                return dealt, folds, smallest
    return split, 2, smallest


def leaves_every_class(split: Split) -> bool:
    """Whether the train photos outside each fold show every class."""
    train = split.split == "train"
    every = np.unique(split.label[train]).size
    folds = range(split.fold.max() + 1)
    return all(np.unique(split.label[train & (split.fold != fold)]).size == every for fold in folds)


def head(split: Split, class_count: int, why: dict[str, str]) -> dict[str, Any]:
    """Choose the optimizer: the default learning rate suits 26 classes of 80 photos; on few classes it overshoots."""
    photos = int((split.split == "train").sum())
    if photos * DEFAULTS.views.count * class_count <= SMALL and leaves_every_class(split):
        why["train_head.optimizer"] = "quick for so few photos and classes, and needs no learning rate"
        return {"optimizer": "lbfgs"}
    why["train_head.lr"] = "lower than the default, which was chosen for another task"
    return {"lr": 0.1}
