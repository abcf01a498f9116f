"""The album of a review, from what `prepare` wrote: which photos, with which labels, by which predictions."""

from pathlib import Path

import numpy as np
import pytest
from own_photos import photo

from sortline._core.errors import UserError
from sortline._core.files import sha256_file, write_csv, write_json
from sortline.data import prepared
from sortline.data.inbox import Waiting
from sortline.data.layout import UNLABELLED
from sortline.data.split import GIVEN_COLUMNS, SPLIT_COLUMNS
from sortline.predictor import Predictor, Unseen
from sortline.review.album import open_album

# Image, label, split, fold, photo_fold, scene, flags, then what it came with.
ROWS = [
    ("train/a/1.png", 1, "train", 0, 0, 0, 0, 0, 0, "train"),
    ("train/a/2.png", 0, "dropped", 0, 0, 1, 0, 0, 0, "train"),
    ("train/b/3.png", 1, "train", 1, 1, 2, 0, 0, 1, "train"),
    ("val/a/4.png", 0, "val", "", "", 3, 0, 0, 0, "val"),
]
BARE = ("unlabelled/5.png", -1, UNLABELLED, "", "", 4, 0, 0, -1, UNLABELLED)  # no label to be doubted


class Stub(Predictor):
    """Says of each photo the number of its row, so that a mix-up shows."""

    def __init__(self, split: Path, classes: int = 2) -> None:
        self.size, self.framed, self.classes = 8, "squeeze", classes
        train = prepared.read_part(split, "train")
        self.found = Unseen(train, self._of(train.rows), self.features(train))

    def _of(self, rows: np.ndarray) -> np.ndarray:
        return np.stack([1 - rows / 10, rows / 10, *[0 * rows] * (self.classes - 2)], 1)

    def unseen(self, split: Path) -> Unseen:
        return self.found

    def probabilities(self, part, dataset=None) -> np.ndarray:
        return self._of(part.rows)

    def features(self, part) -> np.ndarray:
        return np.stack([part.rows, part.rows + 1], 1).astype(np.float32)

    def logits(self, pictures: np.ndarray, fold: int | None = None) -> np.ndarray:
        return np.log(np.array([[0.3, 0.7]])).repeat(len(pictures), 0)

    def evidence(self, picture: np.ndarray, label: int) -> None:
        return None

    def seen(self, pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise AssertionError("an album asks for no familiarity")

    def features_of(self, pictures: np.ndarray) -> np.ndarray:
        return np.zeros((len(pictures), 2), np.float32)


@pytest.fixture
def folder(tmp_path) -> Path:
    for number, row in enumerate([*ROWS, BARE]):
        path = tmp_path / "raw" / row[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        photo(number).save(path)
    write_csv(tmp_path / "split.csv", (*SPLIT_COLUMNS, *GIVEN_COLUMNS), [*ROWS, BARE])
    hashes = [(row[0], sha256_file(tmp_path / "raw" / row[0])) for row in [*ROWS, BARE]]
    write_csv(tmp_path / "images.csv", ("path", "sha256"), hashes)
    classes = [{"code": name, "en": name, "zh": "", "bin": ""} for name in "ab"]
    write_json(tmp_path / "classes.json", {"classes": classes, "bins": [], "table": None})
    return tmp_path


def test_each_photo_has_its_own_label_predictions_and_content(folder):
    new = folder / "new.png"
    photo(99).save(new)
    waiting = [Waiting(sha256_file(new), new, "new.png", "the phone: a 30%")]
    album = open_album(Stub(folder / "split.csv"), folder, folder / "raw", waiting)
    order = {one.name: number for number, one in enumerate(album.photos)}
    assert set(order) == {row[0] for row in ROWS} | {"new.png"}
    for number, row in enumerate(ROWS):
        place = order[row[0]]
        shown = album.photos[place]
        # The label that it came with is what a decision names, whatever it is now.
        assert (shown.given, shown.part) == ("ab"[row[8]], row[2])
        assert shown.sha256 == sha256_file(shown.file) and shown.file == folder / "raw" / row[0]
        assert album.labels[place] == row[1] and album.scenes[place] == row[5]
        assert album.probabilities[place] == pytest.approx([1 - number / 10, number / 10])
    place = order["new.png"]
    assert (album.photos[place].given, album.photos[place].part, album.labels[place]) == ("", UNLABELLED, -1)
    assert album.guesses(place) == [(1, pytest.approx(0.7)), (0, pytest.approx(0.3))]
    assert album.scenes[place] not in album.scenes[:place]
    near = [album.photos[other].name for other, _ in album.nearest(order["val/a/4.png"])]
    assert set(near) == {"train/a/1.png", "train/b/3.png"}  # of train alone, nothing dropped


def test_a_model_of_other_classes_or_photos_is_one_line(folder):
    with pytest.raises(UserError, match="review .* --apply"):
        open_album(Stub(folder / "split.csv", classes=3), folder, folder / "raw")
