"""Photos in class folders, with or without a split into train/ and val/."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sortline.config.prepare import PrepareParams
from sortline.data.audit import Audit, audit_folder, refuse_problems
from sortline.data.datasets.base import Dataset
from sortline.data.split import Split, data_metrics, make_split


class PhotoFolder(Dataset):
    """Photo files; exact copies and near-duplicates are looked for, and several views of each photo are planned."""

    sheets = ("views", "duplicates", "scenes")

    def audit(self, params: PrepareParams, cache: Path | None = None) -> Audit:
        audit = audit_folder(self.raw, params, cache=cache)
        if params.unreadable == "fail":
            refuse_problems(audit)
        return audit

    def split(self, audit: Audit, labels: Mapping[str, int], names: Sequence[str], params: PrepareParams) -> Split:
        return make_split(audit, labels, names, params)

    def metrics(self, audit: Audit, split: Split, params: PrepareParams) -> dict[str, Any]:
        return data_metrics(audit, split, params.duplicates.policy())

    def headline(self, metrics: Mapping[str, Any]) -> str:
        bare = f"{metrics['unlabelled']:,} without a label, " if "unlabelled" in metrics else ""
        return (
            f"{metrics['train']:,} train, {metrics['val']:,} val, {bare}{metrics['dropped']} dropped, "
            f"{metrics['unreadable']} unreadable; val photos also in train: {metrics['exact_cross']} exactly, "
            f"{metrics['near_cross']} nearly"
        )
