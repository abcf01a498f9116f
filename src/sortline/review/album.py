"""A task's photos as the page shows them: with the label they came with, a model's guesses, and what is near them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from sortline._core.errors import UserError
from sortline._core.files import read_csv
from sortline.data import prepared
from sortline.data.inbox import Waiting
from sortline.data.layout import UNLABELLED
from sortline.data.prepared import Classes, Part
from sortline.features.answers import Unseen
from sortline.features.heads import softmax
from sortline.predictor import Predictor


@dataclass(frozen=True)
class Shown:
    """A photo: the sha256 and the path of its file, what it is called, the class it came with ("": none), the part of
    the split that it is in; a note of where it is from."""

    sha256: str
    file: Path
    name: str
    given: str
    part: str
    note: str = ""


@dataclass(frozen=True)
class Album:
    """N photos. `probabilities` float (N, classes), by a model that was not trained on the photo; `labels` int (N,),
    what the line takes it for, -1 for none; `scenes` int (N,); `features` float32 (N, D), by which they are compared;
    `unseen`: those of them whose labels can be doubted, with `unseen_rows` int, where they stand among the N."""

    photos: Sequence[Shown]
    classes: Classes
    probabilities: np.ndarray
    labels: np.ndarray
    scenes: np.ndarray
    features: np.ndarray
    unseen: Unseen
    unseen_rows: np.ndarray
    model: Predictor

    @property
    def names(self) -> list[str]:
        return self.classes.names

    def guesses(self, number: int, count: int = 5) -> list[tuple[int, float]]:
        """Return the most probable classes of a photo with their probabilities, the most probable first."""
        own = self.probabilities[number]
        return [(int(label), float(own[label])) for label in np.argsort(-own, kind="stable")[:count]]

    @cached_property
    def _directions(self) -> np.ndarray:
        length = np.linalg.norm(self.features, axis=1, keepdims=True)
        return self.features / np.maximum(length, np.float32(1e-6))

    @cached_property
    def _train(self) -> np.ndarray:
        parts = {photo.part for photo in self.photos}
        return np.array([photo.part == ("train" if "train" in parts else "val") for photo in self.photos])

    def nearest(self, number: int, count: int = 5) -> list[tuple[int, float]]:
        """Return the train photos of other scenes that are most like a photo, with their cosine; of a net that was not
        trained out of fold, the val photos."""
        similar = self._directions @ self._directions[number]
        similar[~self._train | (self.scenes == self.scenes[number])] = -2
        order = np.argsort(-similar, kind="stable")[:count]
        return [(int(one), float(similar[one])) for one in order if similar[one] > -2]

    def evidence(self, number: int, label: int) -> np.ndarray | None:
        """Return where the model looked for a class, see `Predictor.evidence`."""
        return self.model.evidence(self.model.open(self.photos[number].file), label)


def open_album(model: Predictor, folder: Path, raw: Path, waiting: Sequence[Waiting] = ()) -> Album:
    """Return the album of a task: of what `prepare` wrote into `folder`, of `model`, and of the photos `waiting`.

    Photos that the model was trained on without being scored out of fold are left out: it knows them by heart. Raises
    `UserError` where the model is of other photos or classes.
    """
    classes, split = prepared.read_classes(folder / "classes.json"), folder / "split.csv"
    unseen = model.unseen(split)
    if unseen.probabilities.shape != (len(unseen.part.images), len(classes.names)):
        first = f"first: sortline review {folder.name} --apply"
        raise UserError(f"{folder}: labels have changed since the model was trained; {first}")
    parts = [unseen.part]
    for name in prepared.read_splits(split):
        if name not in (unseen.part.split, "train", UNLABELLED):
            parts.append(prepared.read_part(split, name))
    probabilities = [unseen.probabilities, *(model.probabilities(part) for part in parts[1:])]
    features = [unseen.features, *(model.features(part) for part in parts[1:])]
    hashes = [row["sha256"] for row in read_csv(folder / "images.csv")]
    photos = [one for part in parts for one in _of_part(part, hashes, classes.names, raw)]
    labels, scenes = [part.labels for part in parts], [part.scenes for part in parts]
    if waiting:
        pictures = np.stack([model.open(one.file) for one in waiting])
        probabilities.append(softmax(model.logits(pictures)))
        features.append(model.features_of(pictures))
        photos += [Shown(one.sha256, one.file, one.name, "", UNLABELLED, one.note) for one in waiting]
        labels.append(np.full(len(waiting), -1))
        scenes.append(max(int(one.max()) for one in scenes) + 1 + np.arange(len(waiting)))
    joined: dict[str, Any] = {"probabilities": np.concatenate(probabilities), "features": np.concatenate(features)}
    joined |= {"labels": np.concatenate(labels), "scenes": np.concatenate(scenes)}
    rows = np.arange(len(unseen.part.images))
    return Album(photos, classes, unseen=unseen, unseen_rows=rows, model=model, **joined)


def _of_part(part: Part, hashes: Sequence[str], names: Sequence[str], raw: Path) -> list[Shown]:
    given = [names[label] for label in part.given.tolist()]
    rows = zip(part.rows.tolist(), part.images, given, strict=True)
    return [Shown(hashes[row], raw / image, image, label, part.split) for row, image, label in rows]
