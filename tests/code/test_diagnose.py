"""What diagnose is made of: answers to corrupted photos, label errors and outliers that were put there."""

import numpy as np
import pytest
from PIL import Image

from sortline.data.images import open_rgb, resize
from sortline.evaluation import diagnosis, suspects


class BrightnessPredictor:
    """Class 1 is what is brighter than the middle."""

    def open(self, photo):
        return resize(open_rgb(photo), 32)

    def logits(self, pictures):
        brightness = pictures.mean((1, 2, 3)) / 255
        return np.stack((0.5 - brightness, brightness - 0.5), 1)


def test_accuracy_is_counted_on_the_corrupted_photos(tmp_path):
    """Bright photos are of class 1, dark ones of class 0: darkening turns the bright ones over."""
    labels = np.array([0, 1, 1, 1])
    photos = [tmp_path / f"{i}.png" for i in range(4)]
    for path, label in zip(photos, labels, strict=True):
        Image.new("RGB", (40, 30), (200, 200, 200) if label else (60, 60, 60)).save(path)
    scores = diagnosis.corrupted_accuracy(photos, labels, BrightnessPredictor(), [1, 3])
    assert scores["none", 0]["accuracy"] == 1 and scores["none", 0]["n"] == 4
    assert scores["darkness", 1]["accuracy"] == 1  # 140 is still bright
    assert scores["darkness", 3]["accuracy"] == 0.25 and scores["swapped channels", 1]["accuracy"] == 1


def planted():
    """Return 4 well parted classes, five photos under a wrong label, and one that is like nothing else."""
    random = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), 40)
    features = 6 * np.eye(8)[truth] + 2 + random.normal(scale=0.4, size=(160, 8))
    labels = truth.copy()
    wrong = np.array([3, 50, 77, 101, 150])
    labels[wrong] = (labels[wrong] + 1) % 4
    features[20] = [0, 0, 0, 0, 0, 9, -9, 9]
    logits = -((features[:, None, :4] - 6 * np.eye(4) - 2) ** 2).sum(2) / 8
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    return labels, wrong, features.astype(np.float32), probabilities / probabilities.sum(1, keepdims=True)


def test_planted_label_errors_and_the_outlier_are_found():
    labels, wrong, features, probabilities = planted()
    found = suspects.find(labels, probabilities, features, np.arange(len(labels)), 10, 5)
    assert set(found.labels[:5]) == set(wrong) and len(found.labels) <= 7
    assert list(found.quality[found.labels]) == sorted(found.quality[found.labels])
    assert found.outliers[0] == 20 and len(found.outliers) == 5
    assert found.neighbours.shape == (160, 10) and not (found.neighbours == np.arange(160)[:, None]).any()
    agree = suspects.agreement(found, labels)
    assert agree[wrong].max() < 0.3 and np.median(agree) > 0.9


def test_copies_of_a_photo_do_not_speak_for_it():
    labels, _, features, probabilities = planted()
    copied, scenes = np.append(np.arange(160), [20] * 9), np.arange(169)
    scenes[160:] = 20  # nine copies of the photo that is like nothing else
    found = suspects.find(labels[copied], probabilities[copied], features[copied], scenes, 10, 5)
    assert found.outliers[0] == 20 and not np.isin(found.outliers[1:], range(160, 169)).any()
    assert not (scenes[found.neighbours] == scenes[:, None]).any()
    alone = suspects.find(labels, probabilities, features, np.arange(160), 10, 5)
    assert found.typicality[20] == pytest.approx(alone.typicality[20], abs=1e-6)


def test_the_table_of_suspects():
    labels, wrong, features, probabilities = planted()
    found = suspects.find(labels, probabilities, features, np.arange(len(labels)), 10, 5)
    rows = suspects.rows(found, [f"{i}.jpg" for i in range(160)], labels, probabilities, list("abcd"))
    assert all(len(row) == len(suspects.COLUMNS) for row in rows)
    first = found.labels[0]
    assert rows[0][:3] == [f"{first}.jpg", "abcd"[labels[first]], "abcd"[(labels[first] - 1) % 4]]
