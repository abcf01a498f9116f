"""What prepare does with IDX files: look for exact copies, hold out a validation part; the test part stays whole."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sortline._core.errors import UserError
from sortline.data import idx
from sortline.data.audit import Audit, Photo, Tree
from sortline.data.duplicates import exact_duplicates
from sortline.data.split import Split, data_metrics, hold_out, to_drop
from sortline.report.contact_sheet import Tile, contact_sheet

NOT_SEARCHED = "not searched for in IDX files"
SHOWN = 10  # digits a class on the sheet


def audit_digits(folder: Path) -> Audit:
    """Read the IDX files of `folder`; the test part is the audit's "val". Copies are found pixel for pixel alone.

    Raises `UserError` naming a malformed file.
    """
    photos = []
    for name, part in idx.read(folder).items():
        split = "val" if name == "test" else name
        for i, (image, label) in enumerate(zip(part.images, part.labels.tolist(), strict=True)):
            digest = hashlib.sha256(image).hexdigest()
            photos.append(Photo(idx.record_path(name, i), split, str(label), digest, digest))
    photos.sort(key=lambda photo: photo.path)
    classes = {split: sorted({photo.folder for photo in photos if photo.split == split}) for split in ("train", "val")}
    duplicates = exact_duplicates([photo.pixels for photo in photos])
    return Audit(folder, Tree(photos, classes, []), photos, [], duplicates, hash_name="none", hash_size=0, threshold=0)


def split_digits(
    audit: Audit, labels: Mapping[str, int], *, policy: Mapping[str, str], val_fraction: float, seed: int
) -> Split:
    """Hold out `val_fraction` of the train part, stratified, exact copies together; drop copies by `policy`.

    `raw` and `split` say train, val or test; there are no folds. Raises `UserError` where the policy is fail, or where
    the train part lacks a class.
    """
    label = np.array([labels[photo.folder] for photo in audit.photos], dtype=np.int64)
    given, copies = audit.mask("train"), audit.duplicates
    missing = sorted(set(labels) - set(audit.tree.classes["train"]))
    if missing:
        raise UserError(f"{audit.folder}: no digit {missing[0]} in the train part")
    raw = np.full(label.size, "test", dtype="<U7")
    raw[given] = np.where(hold_out(label[given], copies.group[given], val_fraction, seed), "val", "train")
    train = raw == "train"
    dropped = to_drop(copies, ~train, policy, [photo.path for photo in audit.photos])
    exact = ~train & np.isin(copies.picture, copies.picture[train])
    none = np.zeros(label.size, dtype=bool)
    return Split(label, raw, np.where(dropped, "dropped", raw), np.full(label.size, -1, dtype=np.int64), exact, none)


def digits_metrics(audit: Audit, split: Split, policy: Mapping[str, str]) -> dict[str, Any]:
    """Return metrics/<task>/data.json's counts: `data_metrics`, with a test part, and without near-duplicates."""
    near = dict.fromkeys(("near_cross", "near_groups_train", "duplicate_threshold", "duplicate_hash"))
    kept = {key: value for key, value in policy.items() if key.startswith("exact")}
    test = {"test": int((split.split == "test").sum()), "near_duplicates": NOT_SEARCHED}
    return data_metrics(audit, split, kept) | near | test


def digits_sheet(folder: Path) -> Image.Image:
    """Draw the first SHOWN digits of each class of the train part."""
    train = idx.read(folder)["train"]
    tiles = []
    for label in range(idx.CLASSES):
        for i in np.flatnonzero(train.labels == label)[:SHOWN].tolist():
            tiles.append(Tile(Image.fromarray(train.images[i]), f"{label}\n{idx.record_path('train', i)}"))
    return contact_sheet(tiles, SHOWN, f"The first {SHOWN} of each digit in the train part", tile_size=84)
