"""In which order a person looks at an album's photos: those first whose label or prediction is doubtful."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sortline._core.doubt import sure
from sortline.config.diagnose import DiagnoseParams
from sortline.data.layout import UNLABELLED
from sortline.evaluation import suspects
from sortline.review.album import Album


@dataclass(frozen=True)
class Queue:
    """Photos to look at, by their number in the album; `about` says what they have in common."""

    name: str
    title: str
    about: str
    photos: Sequence[int]


def queues(album: Album, params: DiagnoseParams) -> list[Queue]:
    """Return the queues of an album, those that `diagnose` finds by `params`; empty ones too."""
    found = suspects.find(
        album.unseen.part.labels, album.unseen.probabilities, album.unseen.features, album.unseen.part.scenes,
        params.neighbours, params.outliers,
    )  # fmt: skip
    rows, parts = album.unseen_rows, np.array([photo.part for photo in album.photos])
    labelled, top = (album.labels >= 0) & (parts != "dropped"), album.probabilities.max(1)
    wrong = labelled & (album.probabilities.argmax(1) != album.labels)
    doubtful = labelled & ~sure(top, album.model.about["threshold"])
    unlabelled = np.flatnonzero(parts == UNLABELLED).tolist()
    return [
        Queue("suspects", "Suspected labels", "out of fold, the least likely label first", rows[found.labels].tolist()),
        Queue("wrong", "Wrong answers", "held out and out of fold, the surest first", _by(wrong, -top)),
        Queue("scenes", "Copies, other label", "photos of one scene under two labels", two_labels(album, labelled)),
        Queue("outliers", "Outliers", "least like any other scene, the oddest first", rows[found.outliers].tolist()),
        Queue("unsure", "Not sure", "the model says so, the least sure first", _by(doubtful, top)),
        Queue("new", "Without a label", "from `sortline next` or the phone", unlabelled),
    ]


def cells(album: Album) -> dict[tuple[int, int], list[int]]:
    """Return the photos of each cell of the confusion matrix, (label, predicted) where these differ, the fullest cell
    first; in a cell the surest first."""
    predicted, top = album.probabilities.argmax(1), album.probabilities.max(1)
    found: dict[tuple[int, int], list[int]] = {}
    for number in np.argsort(-top, kind="stable").tolist():
        label = int(album.labels[number])
        if label >= 0 and album.photos[number].part != "dropped" and label != predicted[number]:
            found.setdefault((label, int(predicted[number])), []).append(number)
    return dict(sorted(found.items(), key=lambda one: (-len(one[1]), one[0])))


def two_labels(album: Album, labelled: np.ndarray) -> list[int]:
    """Return the photos of scenes that have two labels or more, scene by scene."""
    found = []
    for scene in np.unique(album.scenes[labelled]):
        own = np.flatnonzero(labelled & (album.scenes == scene))
        if np.unique(album.labels[own]).size > 1:
            found += own.tolist()
    return found


def _by(mask: np.ndarray, order: np.ndarray) -> list[int]:
    chosen = np.flatnonzero(mask)
    return chosen[np.argsort(order[chosen], kind="stable")].tolist()
