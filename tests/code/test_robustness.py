"""sortline.evaluation.robustness: who is asked what, by whom, and what is said of the answers."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from sortline._core.errors import UserError
from sortline.config.augment import DistortionParams, ViewParams
from sortline.config.diagnose import DiagnoseParams, RobustnessParams
from sortline.config.training import TrainHeadParams, TrainParams
from sortline.data.images import open_rgb, resize
from sortline.data.prepared import Part
from sortline.evaluation import robustness
from sortline.evaluation.corruptions import KINDS, grid
from sortline.features.answers import HeldOut
from sortline.report import figures

LABELS = np.repeat([0, 1, 2], (40, 50, 30))


@pytest.mark.parametrize(("count", "each"), [(52, 4), (7, 7), (10, 1)])
def test_every_cell_gets_as_many_photos_also_of_each_class_and_no_photo_one_twice(count, each):
    found = robustness.dealt(LABELS, count, each)
    assert found.shape == (len(LABELS), each) and all(len(set(row)) == each for row in found.tolist())
    for inside in (LABELS >= 0, *(label == LABELS for label in range(3))):
        often = np.bincount(found[inside].ravel(), minlength=count)
        assert np.ptp(often) <= 1
    assert np.array_equal(found, robustness.dealt(LABELS, count, each))


class Folds:
    """The head of fold f says that a picture is of class f, with 90 %; its photo's own colour is the photo's number."""

    def __init__(self):
        self.asked = []

    def open(self, photo):
        return resize(open_rgb(photo), 24)

    def logits(self, pictures, fold):
        self.asked.append((fold, len(pictures)))
        return np.log(np.where(np.arange(3) == fold, 0.9, 0.05))[None].repeat(len(pictures), 0).astype(np.float32)


def held_out(raw: Path, labels, folds, near=None):
    count, nothing = len(labels), np.zeros(len(labels), bool)
    images = [f"{i}.png" for i in range(count)]
    for image in images:
        Image.new("RGB", (30, 20), (200, 90, 40)).save(raw / image)
    rows = np.arange(count)
    labels = np.array(labels)
    part = Part(images, labels, labels, nothing, nothing, rows, rows // 2, count, "train")
    clean = np.where(np.arange(3) == labels[:, None], 0.8, 0.1)
    return HeldOut(part, folds, clean, near)


def measured(raw, labels, folds, near=None, **settings):
    predictor = Folds()
    params = DiagnoseParams(severities=[1, 3], robustness=RobustnessParams(**settings))
    return predictor, robustness.measure(predictor, held_out(raw, labels, folds, near), raw, params)


def test_each_photo_is_asked_of_its_own_fold_in_as_many_ways_as_wanted(tmp_path):
    predictor, found = measured(tmp_path, [0, 1, 2, 2], [0, 1, 2, 0], each=3)
    assert sorted(predictor.asked) == [(0, 3), (0, 3), (1, 3), (2, 3)]
    assert found.photo.tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3 and len(found.corrupted) == 12
    assert found.corrupted.argmax(1).tolist() == [0] * 3 + [1] * 3 + [2] * 3 + [0] * 3
    assert found.corrupted.max(1) == pytest.approx(np.full(12, 0.9))
    whole = measured(tmp_path, [0, 1], [0, 1], each=None)[1]
    assert len(whole.photo) == 2 * len(grid([1, 3], tuple(KINDS)))


def test_the_scores_are_counted_by_family_and_for_the_least_familiar_fifth(tmp_path):
    """The last two of ten photos, which are the least familiar, are answered wrongly when corrupted."""
    labels, near = [0, 1, 2, 0, 1, 2, 0, 1, 2, 0], np.array([0.9] * 8 + [0.2, 0.3])
    folds = [*labels[:8], 0, 1]
    found = measured(tmp_path, labels, folds, near, each=None)[1]
    result = robustness.summary(found, 0.85, {"rotation"})
    ways = len(grid([1, 3], tuple(KINDS)))
    assert result["clean"]["accuracy"] == 1 and result["clean"]["ece"] == pytest.approx(0.2)
    assert result["clean"]["answered"] == 0 and result["clean"]["answered_accuracy"] is None  # 0.8 is not sure
    mean = result["corrupted"]
    assert mean["accuracy"] == pytest.approx(0.8) and mean["n"] == 10 * ways and mean["scenes"] == 5
    assert mean["answered"] == 1 and mean["answered_accuracy"] == pytest.approx(0.8)
    assert mean["ece"] == pytest.approx(0.1) and mean["low"] < 0.7 and mean["high"] == 1  # of 5 scenes one is wrong
    far = result["least_familiar_fifth"]
    assert far["corrupted"]["accuracy"] == 0 and far["corrupted"]["n"] == 2 * ways and far["clean"]["accuracy"] == 1
    assert {name for name, one in result["corruptions"].items() if one["trained_with"]} == {"rotation"}
    assert sum(one["n"] for one in result["families"].values()) == mean["n"]
    assert sum(one["n"] for one in result["corruptions"].values()) == mean["n"]
    header, rows = robustness.table(found, 0.85)
    assert len(rows) == ways + 1 and all(len(row) == len(header) for row in rows)
    assert rows[0][:4] == ["", "none", 0, "1.0000"] and rows[1][:3] == ["noise", "Gaussian noise", 1]


def test_of_few_photos_only_what_they_were_tried_in_is_scored(tmp_path):
    found = measured(tmp_path, [0], [0])[1]
    tried = {found.cells[cell] for cell in found.cell}
    result, rows = robustness.summary(found, None, set()), robustness.table(found, None)[1]
    assert len(tried) == len(found.cell) == RobustnessParams().each
    assert {(row[1], row[2]) for row in rows[1:]} == tried and rows[0][1] == "none"
    assert {*result["families"]} == {KINDS[name].family for name, _ in tried}
    assert result["split"] == "train, scenes not seen"
    assert sum(one["n"] for one in result["families"].values()) == result["corrupted"]["n"] == len(found.cell)


def test_the_worst_family_is_named_and_the_chart_is_drawn(tmp_path):
    found = measured(tmp_path, [0, 1, 2] * 4, [0, 1, 2] * 4, each=None)[1]
    wrong = np.array([KINDS[found.cells[cell][0]].family == "blur" for cell in found.cell])
    found.corrupted[wrong] = np.roll(found.corrupted[wrong], 1, axis=1)
    result = robustness.summary(found, None, set())
    assert result["worst_family"] == "blur" and result["families"]["blur"]["accuracy"] == 0
    assert result["families"]["noise"]["accuracy"] == 1 and "least_familiar_fifth" not in result
    figures.robustness(result, tmp_path / "chart.png", title="t")
    assert Image.open(tmp_path / "chart.png").height > 400


def scores(mean, worst):
    def score(value):
        return {"accuracy": value, "low": value - 0.03, "high": value + 0.03, "n": 800}

    return {"corrupted": score(mean), "worst_family": "blur", "families": {"blur": score(worst), "light": score(0.9)}}


def test_the_gate_fails_where_the_interval_lies_under_the_minimum_and_says_what():
    robustness.check(scores(0.7, 0.5), RobustnessParams())
    robustness.check(scores(0.7, 0.5), RobustnessParams(min_mean=0.72, min_worst=0.52))  # the interval reaches it
    with pytest.raises(UserError, match=r"70.0% \[67.0%, 73.0%\].*n = 800.*robustness.min_mean 74.0%"):
        robustness.check(scores(0.7, 0.5), RobustnessParams(min_mean=0.74))
    with pytest.raises(UserError, match=r"blur.*50.0%.*robustness.min_worst 54.0%"):
        robustness.check(scores(0.7, 0.5), RobustnessParams(min_worst=0.54))


HEAD, NET = {"checkpoint": "last"}, {"net": "any"}
DIGITS = TrainParams(augment={"rotation": 10, "shift": 1})


@pytest.mark.parametrize(
    ("about", "kept", "blocks", "head", "train", "wanted"),
    [
        (HEAD, 4, None, {}, DIGITS, {"blur"}),
        (HEAD, 4, None, {"views": 2}, DIGITS, {"blur"}),
        (HEAD, 4, None, {"views": 1}, DIGITS, set()),
        (HEAD, 4, None, {"pooling": "attention"}, DIGITS, {"blur"}),
        (HEAD, 4, None, {"pooling": "attention", "views": 1}, DIGITS, set()),
        (HEAD, 1, None, {}, DIGITS, set()),
        (NET, 4, 2, {"views": 1}, DIGITS, {"blur"}),
        (NET, 1, 2, {}, DIGITS, set()),
        (NET, 1, None, {}, DIGITS, {"rotation", "shift"}),
        (NET, 1, None, {}, TrainParams(net="resnet18", checkpoint="last", augment={"rotation": 10}), {"crop_scale"}),
        (NET, 1, None, {}, TrainParams(net="resnet18", checkpoint="last", crops={"scale": [1, 1]}), set()),
    ],
)
def test_what_training_does_is_what_the_model_was_trained_with(about, kept, blocks, head, train, wanted):
    model = SimpleNamespace(about=about, store=SimpleNamespace(about={"views": kept}, blocks=blocks))
    views = ViewParams(crop_scale=[1, 1], blur=2.0, brightness=0.0)
    used = robustness.trained_with(model, views, TrainHeadParams(**head), train)
    assert used & {"crop_scale", "blur", "brightness", "rotation", "shift", "scale"} == wanted
    known = {*ViewParams.model_fields, *DistortionParams.model_fields}
    assert all(known >= {*kind.like} for kind in KINDS.values())


@pytest.mark.parametrize(
    ("chain", "wanted"),
    [
        (None, set()),
        ({"method": "augmix"}, {"darkness", "brightness", "contrast", "rotation", "cut off"}),
        (
            {"method": "randaugment"},
            {"darkness", "brightness", "contrast", "rotation", "cut off", "Gaussian blur", "defocus"},
        ),
    ],
)
def test_a_corruption_like_an_operation_of_a_chain_is_marked(chain, wanted):
    still = {"crop_scale": [1, 1], "crop_ratio": [1, 1], "flip": 0, "brightness": 0, "contrast": 0, "saturation": 0}
    done = robustness.done_by(ViewParams(**still, chain=chain))
    assert {name for name, kind in KINDS.items() if done.intersection(kind.like)} == wanted
    assert done <= {*ViewParams.model_fields, *DistortionParams.model_fields}
