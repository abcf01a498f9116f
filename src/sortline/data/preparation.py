"""From a raw folder to the tables that the line stands on: audit, classes, split, plan of views."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sortline._core import files
from sortline._core.errors import UserError
from sortline.config.augment import ViewParams
from sortline.config.prepare import PrepareParams
from sortline.data import classes, corrections
from sortline.data.audit import Audit
from sortline.data.audit_report import audit_report
from sortline.data.corrected import correct
from sortline.data.corrections import Decision
from sortline.data.datasets import open_dataset
from sortline.data.datasets.base import Dataset
from sortline.data.split import Split, split_table


@dataclass(frozen=True)
class Preparation:
    """What `prepare` found and decided; `classes` is the content of classes.json, `metrics` that of data.json; `gone`
    are decisions of a person about photos that are not there."""

    dataset: Dataset
    audit: Audit
    split: Split
    classes: dict[str, Any]
    views: ViewParams
    metrics: dict[str, Any]
    gone: Sequence[Decision] = ()

    @property
    def names(self) -> list[str]:
        """The classes' English names, in label order."""
        return [row["en"] for row in self.classes["classes"]]

    def write(self, out: Path) -> None:
        """Write the tables that the stages after this one read.

        Parameters of the split and of duplicates leave images.csv and views.json as they are, so that extract does not
        rerun.
        """
        photos = self.audit.photos
        files.write_csv(out / "images.csv", ("path", "sha256"), [(photo.path, photo.sha256) for photo in photos])
        files.write_json(out / "views.json", self.views.model_dump(exclude_none=True))
        files.write_csv(out / "split.csv", *split_table(self.audit, self.split))
        files.write_json(out / "classes.json", self.classes)
        files.write_json(out / "audit.json", audit_report(self.audit, self.split.raw == "train", self.split.label))


def prepare(
    raw: Path,
    tables: Path,
    params: PrepareParams,
    left_out: Sequence[tuple[str, str]] = (),
    decisions: Path | None = None,
    cache: Path | None = None,
) -> Preparation:
    """Audit the pictures of the folder `raw`, name their classes by a table of the folder `tables`, split them, and put
    into that what a person has decided in the file `decisions`.

    `left_out`: [path, why] of what fetch could not read; `cache` as `Dataset.audit` has it. Raises `UserError` where
    the pictures cannot be used as `params` ask for.
    """
    if left_out and params.unreadable == "fail":
        raise UserError(
            f"{': '.join(left_out[0])} ({len(left_out)} such files were left out when the photos were fetched, and "
            "prepare's unreadable is fail); mend them and fetch again, or set it to report"
        )
    dataset = open_dataset(raw)
    audit = dataset.audit(params, cache)
    folders = audit.class_folders()
    about = classes.describe(folders, params.table, tables)
    labels = classes.labels_of(folders, params.table, tables)
    split = dataset.split(audit, labels, [row["en"] for row in about["classes"]], params)
    lines = corrections.read(decisions) if decisions else []
    found = correct(audit, split, about, lines, params.min_per_class)
    metrics = dataset.metrics(audit, found.split, params)
    if found.counts:
        metrics["corrections"] = found.counts
    if left_out:
        metrics["unreadable"] = metrics.get("unreadable", 0) + len(left_out)
    return Preparation(dataset, audit, found.split, found.classes, dataset.views(params), metrics, found.gone)
