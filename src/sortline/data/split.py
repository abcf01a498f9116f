"""From audited photos to train, val, dropped, and grouped folds of train; copies never end up on two sides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sortline._core.errors import UserError
from sortline.config.prepare import PrepareParams
from sortline.data.audit import Audit
from sortline.data.duplicates import Duplicates, firsts
from sortline.data.holdout import hold_out
from sortline.data.layout import APART, UNLABELLED
from sortline.data.prepared import fingerprint

SPLIT_COLUMNS = ("image", "label", "split", "fold", "photo_fold", "scene", "in_train_exact", "in_train_near")
GIVEN_COLUMNS = ("given_label", "given_split")  # only where a person's corrections have changed something


@dataclass(frozen=True)
class Split:
    """What each of N audited photos is used for, in their order.

    label: int64 (N,), index of the class, -1 without a label. raw: str (N,), "train", "val", "test", "field" or
    "unlabelled" before anything is dropped.
    split: str (N,), one of these or "dropped". fold: int64 (N,), 0 .. folds - 1 in train, -1 elsewhere; no scene
    is in two. photo_fold: likewise, dealt photo by photo, as is usual: copies on both sides.
    in_train_exact, in_train_near: bool (N,), held-out photos with an exact copy in raw train; others of a scene in it.
    given_label, given_split: both before a person's corrections; None where these change nothing.
    """

    label: np.ndarray
    raw: np.ndarray
    split: np.ndarray
    fold: np.ndarray
    photo_fold: np.ndarray
    in_train_exact: np.ndarray
    in_train_near: np.ndarray
    given_label: np.ndarray | None = None
    given_split: np.ndarray | None = None

    @property
    def held_out(self) -> np.ndarray:
        """Return which photos are measured with, bool (N,): neither of raw train nor without a label."""
        return (self.raw != "train") & (self.raw != UNLABELLED)


def make_split(audit: Audit, labels: Mapping[str, int], names: Sequence[str], params: PrepareParams) -> Split:
    """Keep the given split or hold out a share; drop copies by the policy; deal train into folds.

    `labels` and `names` as in `Dataset.split`. Raises `UserError` for a class that is empty or too small on a side and
    for copies where the policy is fail.
    """
    wanted = params.split
    duplicates = audit.duplicates
    bare = audit.mask(UNLABELLED)
    found = [-1 if none else labels[photo.folder] for none, photo in zip(bare, audit.photos, strict=True)]
    label = np.array(found, dtype=np.int64)
    raw = np.array([photo.split or "train" for photo in audit.photos], dtype="<U10")
    if not audit.tree.given:
        own = raw == "train"
        raw[own] = np.where(
            hold_out(label[own], duplicates.scene[own], wanted.val_fraction, wanted.seed), "val", "train"
        )
    given = raw == "train"
    held = ~given & ~bare
    for side, mask in (("train", given), ("val", raw == "val")):
        empty = [f"'{name}'" for c, name in enumerate(names) if not (mask & (label == c)).any()]
        if empty:
            remedy = "add photos, or remove the class" if audit.tree.given else "add photos that are no copies"
            raise UserError(f"no usable photo in {side} of class{'es' * (len(empty) > 1)} {some(empty)}; {remedy}")
    paths = [photo.path for photo in audit.photos]
    dropped = to_drop(duplicates, held, params.duplicates.policy(), paths, given)
    split = np.where(dropped, "dropped", raw)
    _check_train(label, split, duplicates.scene, names, params)
    train = split == "train"
    fold, photo_fold = np.full((2, label.size), -1, dtype=np.int64)
    fold[train] = deal_folds(label[train], duplicates.scene[train], wanted.folds, wanted.seed)
    photo_fold[train] = deal_folds(label[train], np.arange(train.sum()), wanted.folds, wanted.seed)
    exact = held & np.isin(duplicates.picture, duplicates.picture[given])
    near = held & ~exact & np.isin(duplicates.scene, duplicates.scene[given])
    return Split(label, raw, split, fold, photo_fold, exact, near)


def split_table(audit: Audit, split: Split) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return the header and rows of split.csv, one a photo, in the order of images.csv."""
    folds = [[one if one >= 0 else "" for one in dealt.tolist()] for dealt in (split.fold, split.photo_fold)]
    flags = [column.astype(int).tolist() for column in (split.in_train_exact, split.in_train_near)]
    paths, scenes = [photo.path for photo in audit.photos], audit.duplicates.scene.tolist()
    columns = [paths, split.label.tolist(), split.split.tolist(), *folds, scenes, *flags]
    if split.given_label is None or split.given_split is None:
        return SPLIT_COLUMNS, list(zip(*columns, strict=True))
    given = split.given_label.tolist(), split.given_split.tolist()
    return (*SPLIT_COLUMNS, *GIVEN_COLUMNS), list(zip(*columns, *given, strict=True))


def class_counts(split: Split, classes: int) -> dict[str, list[int]]:
    """Return the photos a class in train, in val and, where there are any, in test, field and dropped."""
    sides = [side for side in ("train", "val", *APART, "dropped") if (split.split == side).any()]
    return {side: np.bincount(split.label[split.split == side], minlength=classes).tolist() for side in sides}


def data_metrics(audit: Audit, split: Split, policy: dict[str, str]) -> dict[str, Any]:
    """Return the counts of metrics/<task>/data.json.

    exact_cross counts held-out photos with an exact copy in raw train, near_cross others of a scene in it; the groups
    are of two or more photos inside raw train; label_conflicts are sets of exact copies under different classes;
    `copies` counts near pairs by what the one differs in from the other. `unlabelled`, where there are any, counts
    photos without a label, `unlabelled_held_out` those of them that show a held-out scene.
    """
    raw, scene = split.raw == "train", audit.duplicates.scene
    sides = ("train", "val", *(side for side in APART if side in split.raw), "dropped")
    counts = {side: int((split.split == side).sum()) for side in sides}
    bare = split.raw == UNLABELLED
    if bare.any():
        counts["unlabelled"] = int(bare.sum())
        counts["unlabelled_held_out"] = int((bare & np.isin(scene, scene[split.held_out])).sum())
    return counts | {
        "unreadable": len(audit.problems),
        "exact_groups_train": len(audit.duplicates.exact_groups(raw)),
        "near_groups_train": len(audit.duplicates.near_groups(raw)),
        "exact_cross": int(split.in_train_exact.sum()),
        "near_cross": int(split.in_train_near.sum()),
        "label_conflicts": len(audit.conflicts(split.label)),
        "scenes": int(np.unique(scene).size),
        "scenes_train": int(np.unique(scene[raw]).size),
        "largest_scene": int(np.bincount(scene).max()),
        "copies": audit.duplicates.kinds(),
        "duplicate_search": audit.search,
        "duplicate_policy": policy,
        "classes": int(split.label.max()) + 1,
        "folds": int(split.fold.max()) + 1,
        "split": "as given" if audit.tree.given else "drawn",
        "dataset": fingerprint({photo.path: photo.sha256 for photo in audit.photos}),
    }


def to_drop(
    duplicates: Duplicates, held: np.ndarray, policy: Mapping[str, str], paths: Sequence[str],
    given: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """Return a mask of the train photos that the policy drops: of `given`, bool (N,), by default all not `held` out.

    Raises `UserError` where it says fail.

    Copies of held-out photos go first; inside train the first of several copies (lowest index) stays.
    """
    picture, scene = duplicates.picture, duplicates.scene
    finders = {
        "exact_cross": lambda train: train & np.isin(picture, picture[held]),
        "near_cross": lambda train: train & np.isin(scene, scene[held]),
        "exact_train": lambda train: train & ~firsts(picture, train),
        "near_train": lambda train: train & ~firsts(scene, train),
    }
    dropped = np.zeros(held.size, dtype=bool)
    for kind, find in finders.items():
        found = find((~held if given is None else given) & ~dropped)
        if policy[kind] == "fail" and found.any():
            what = "exact copies" if kind.startswith("exact") else "copies"
            where = "of held-out photos in train" if kind.endswith("cross") else "inside train"
            raise UserError(
                f"{found.sum()} {what} {where} (first: {paths[np.flatnonzero(found)[0]]}) and prepare's "
                f"duplicates.{kind} is fail; remove them (`sortline audit` lists them) or set it to drop or report"
            )
        if policy[kind] == "drop":
            dropped |= found
    return dropped


def deal_folds(label: np.ndarray, group: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Return the fold of each photo, int64 (N,), by scikit-learn's StratifiedGroupKFold: no group in two folds.

    Raises `UserError` where a fold would stay empty.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # here, as it takes a second to load

    groups = np.unique(group).size
    dealer = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    dealt = [rows for _, rows in dealer.split(label, label, group)] if groups >= folds else []
    if not dealt or min(rows.size for rows in dealt) == 0:
        raise UserError(f"{groups} different train photos do not fill {folds} folds; lower prepare's split.folds")
    fold = np.empty(label.size, dtype=np.int64)
    for number, rows in enumerate(dealt):
        fold[rows] = number
    return fold


def _check_train(
    label: np.ndarray, split: np.ndarray, group: np.ndarray, names: Sequence[str], params: PrepareParams
) -> None:
    folds, minimum = params.split.folds, params.min_per_class
    for c, name in enumerate(names):
        own = (split == "train") & (label == c)
        count, copies = own.sum(), ((split == "dropped") & (label == c)).sum()
        if count < max(folds, minimum):
            limit = f"folds ({folds})" if count < folds else f"min_per_class ({minimum})"
            left = f" ({copies} more are dropped as copies)" if copies else ""
            remedy = "add photos or lower it" if count > 1 else "add photos"
            raise UserError(f"class '{name}': {count} train photos{left}, fewer than {limit}; {remedy}")
        if np.unique(group[own]).size < 2:
            raise UserError(f"class '{name}': all {count} train photos are copies of one another; add others")


def some(texts: Sequence[str], limit: int = 5) -> str:
    """Return the first few of them in a row, and how many more there are."""
    return ", ".join(texts[:limit]) + (f" and {len(texts) - limit} more" if len(texts) > limit else "")
