"""What `prepare` wrote, read back by the stages after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from sortline._core.errors import UserError
from sortline._core.files import content_sha256, read_csv, read_json
from sortline.config.augment import ViewParams
from sortline.data.layout import UNLABELLED


@dataclass(frozen=True)
class Photo:
    """A photo of images.csv: its path there, its file, and the file's sha256, from which its views are drawn."""

    name: str
    path: Path
    sha256: str


@dataclass(frozen=True)
class Part:
    """The photos of a part of the split, in split.csv's order (sorted by path). Arrays of length n."""

    images: list[str]
    labels: np.ndarray  # int
    given: np.ndarray  # int, the labels that they came with, before a person's corrections
    exact: np.ndarray  # bool, has an exact duplicate in raw train
    near: np.ndarray  # bool, has a near-duplicate in raw train
    rows: np.ndarray  # int, where they stand in split.csv, and so in the features
    scenes: np.ndarray  # int, photos of a number show one scene
    total: int  # rows of split.csv
    split: str = "val"  # which part

    def some(self, inside: np.ndarray) -> "Part":
        """Return the photos `inside`, bool (n,)."""
        arrays = {name: value[inside] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return replace(self, images=[image for image, kept in zip(self.images, inside, strict=True) if kept], **arrays)


@dataclass(frozen=True)
class Unlabelled:
    """Photos without a label that may be learnt from: `rows` int (u,) of split.csv, and so of the features; `folds` int
    (u,): the fold of the train photos of the same scene, which no model of that fold must learn from; -1 where train
    does not show the scene."""

    rows: np.ndarray
    folds: np.ndarray

    def without(self, fold: int) -> "Unlabelled":
        kept = self.folds != fold
        return Unlabelled(self.rows[kept], self.folds[kept])


NONE = Unlabelled(np.empty(0, int), np.empty(0, int))


@dataclass(frozen=True)
class Classes:
    """Names by label (English, or the folder's where there is none), bin ids, and each class's index among these."""

    names: list[str]
    bins: list[dict[str, str]]  # {id, en, zh, colour}; empty for a task without bins
    bin_of: np.ndarray | None  # int (classes,), None for a task without bins


def fingerprint(hashes: Mapping[str, str]) -> str:
    """Return what names a data set: 16 hex digits of all its photos' paths and sha256, {path: sha256}."""
    return content_sha256(dict(hashes))[:16]


def read_photos(images: Path, raw: Path) -> list[Photo]:
    """Return the photos of images.csv, which lie in the folder `raw`, in its order."""
    return [Photo(row["path"], raw / row["path"], row["sha256"]) for row in read_csv(images)]


def read_views(path: Path) -> ViewParams:
    """Return the plan of views in views.json."""
    return ViewParams(**read_json(path))


def read_part(split: Path, name: str | None = None, as_given: bool = False) -> Part:
    """Read a part of split.csv; None: the one to be scored on; `as_given`: photos and labels as without corrections.

    That is "val", but "test" where there is one and train has no folds: then the epoch was chosen on val. Raises
    `UserError` where it is empty.
    """
    every = read_csv(split)
    if name is None:
        chosen_on_val = not any(row["fold"] for row in every)
        name = "test" if chosen_on_val and any(row["split"] == "test" for row in every) else "val"
    if as_given and every and "given_label" in every[0]:
        every = [row | {"label": row["given_label"], "split": row["given_split"]} for row in every]
    numbers = np.flatnonzero([row["split"] == name for row in every])
    rows = [every[number] for number in numbers]
    if not rows:
        raise UserError(f"{split}: no photo in {name}, nothing to evaluate; check the split in params.yaml (prepare)")
    exact, near = (np.array([row[key] == "1" for row in rows]) for key in ("in_train_exact", "in_train_near"))
    labels, scenes = (np.array([int(row[key]) for row in rows]) for key in ("label", "scene"))
    images, before = [row["image"] for row in rows], [int(row.get("given_label", row["label"])) for row in rows]
    return Part(
        images, labels, np.array(before), exact, near, rows=numbers, scenes=scenes, total=len(every), split=name
    )


def is_corrected(split: Path) -> bool:
    """Whether a person's corrections have changed a label in split.csv, or dropped a photo."""
    return "given_label" in next(iter(read_csv(split)), {})


def unlabelled(split: Sequence[Mapping[str, str]]) -> Unlabelled:
    """Return the photos without a label in split.csv, but those that show a scene of a photo held out or dropped."""
    fold_of, others = {}, set()
    for row in split:
        if row["split"] == "train":
            fold_of[row["scene"]] = int(row["fold"] or -1)
        elif row["split"] != UNLABELLED:
            others.add(row["scene"])
    rows = [i for i, row in enumerate(split) if row["split"] == UNLABELLED and row["scene"] not in others]
    return Unlabelled(np.array(rows, int), np.array([fold_of.get(split[i]["scene"], -1) for i in rows], int))


def read_folds(split: Path, column: str = "fold") -> np.ndarray:
    """Return the fold of each train photo in split.csv, int (n,): of `fold` or `photo_fold`."""
    return np.array([int(row[column]) for row in read_csv(split) if row["split"] == "train"])


def read_splits(split: Path) -> list[str]:
    """Return the parts that split.csv has, sorted."""
    return sorted({row["split"] for row in read_csv(split)})


def read_images(split: Path, part: str | None = None) -> list[str]:
    """Return the photos of split.csv, or of a part of it ("train", "val", "dropped"), in its order."""
    return [row["image"] for row in read_csv(split) if part in (None, row["split"])]


def read_classes(path: Path) -> Classes:
    """Read classes.json."""
    content = read_json(path)
    names = [row["en"] or row["code"] for row in content["classes"]]
    ids = [row["id"] for row in content["bins"]]
    bin_of = np.array([ids.index(row["bin"]) for row in content["classes"]]) if ids else None
    return Classes(names, content["bins"], bin_of)
