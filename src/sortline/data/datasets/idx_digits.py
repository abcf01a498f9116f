"""Handwritten digits in MNIST's four IDX files: a validation part is held out of train, the test part stays whole."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sortline._core.errors import UserError
from sortline.config.augment import ViewParams
from sortline.config.prepare import PrepareParams
from sortline.data import idx
from sortline.data.audit import Audit, Tree, Usable
from sortline.data.datasets.base import Dataset
from sortline.data.duplicates import find_duplicates
from sortline.data.holdout import hold_out
from sortline.data.split import Split, data_metrics, to_drop

NOT_SEARCHED = "not searched for in IDX files"


class IdxDigits(Dataset):
    """Records of IDX files. Copies are found pixel for pixel alone; a net that learns from pixels needs no views."""

    reads = "digits"
    sheets = ("digits",)

    def audit(self, params: PrepareParams, cache: Path | None = None) -> Audit:
        """Read the IDX files; the test part is the audit's "val"."""
        photos = []
        for name, part in idx.read(self.raw).items():
            split = "val" if name == "test" else name
            for i, (image, label) in enumerate(zip(part.images, part.labels.tolist(), strict=True)):
                digest = hashlib.sha256(image).hexdigest()
                photos.append(Usable(f"{name}/{i:05d}", split, str(label), digest, digest))
        photos.sort(key=lambda photo: photo.path)
        folders = {side: sorted({photo.folder for photo in photos if photo.split == side}) for side in ("train", "val")}
        copies = find_duplicates([photo.pixels for photo in photos])
        return Audit(self.raw, Tree(photos, folders, []), photos, [], copies, "exact")

    def split(self, audit: Audit, labels: Mapping[str, int], names: Sequence[str], params: PrepareParams) -> Split:
        """Hold out a share of the train part, stratified, exact copies together; there are no folds."""
        label = np.array([labels[photo.folder] for photo in audit.photos], dtype=np.int64)
        given, copies = audit.mask("train"), audit.duplicates
        missing = sorted(set(labels) - set(audit.tree.classes["train"]))
        if missing:
            raise UserError(f"{audit.folder}: no digit {missing[0]} in the train part")
        raw = np.full(label.size, "test", dtype="<U7")
        held = hold_out(label[given], copies.scene[given], params.split.val_fraction, params.split.seed)
        raw[given] = np.where(held, "val", "train")
        train = raw == "train"
        dropped = to_drop(copies, ~train, params.duplicates.policy(), [photo.path for photo in audit.photos])
        exact = ~train & np.isin(copies.picture, copies.picture[train])
        near, fold = np.zeros(label.size, dtype=bool), np.full(label.size, -1, dtype=np.int64)
        return Split(label, raw, np.where(dropped, "dropped", raw), fold, fold, exact, near)

    def views(self, params: PrepareParams) -> ViewParams:
        """Return the plain view alone: what is trained from pixels is augmented while it trains."""
        return params.views.model_copy(update={"count": 1})

    def metrics(self, audit: Audit, split: Split, params: PrepareParams) -> dict[str, Any]:
        """Return `data_metrics`, with a test part, and without near-duplicates."""
        policy = {kind: what for kind, what in params.duplicates.policy().items() if kind.startswith("exact")}
        near = dict.fromkeys(("near_cross", "near_groups_train", "copies"))
        test = {"test": int((split.split == "test").sum()), "near_duplicates": NOT_SEARCHED}
        return data_metrics(audit, split, policy) | near | test

    def headline(self, metrics: Mapping[str, Any]) -> str:
        return f"{metrics['train']:,} train, {metrics['val']:,} val, {metrics['test']:,} test"
