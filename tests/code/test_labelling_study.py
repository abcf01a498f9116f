"""What studies/labelling says is what its committed results say."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from study import between, report_of

from sortline.training.results import TrainingSet

STUDY = Path(__file__).parents[2] / "studies" / "labelling"


@pytest.fixture(scope="module")
def report():
    with report_of(STUDY) as found:
        yield found


def test_the_table_of_the_readme_is_made_of_the_results(report):
    metrics = json.loads((STUDY / "metrics.json").read_text(encoding="utf-8"))
    made = "\n".join(report["table"](metrics)) + "\n"
    assert made == (STUDY / "table.md").read_text(encoding="utf-8") == between(STUDY / "README.md", "table")
    for way in report["PARAMS"]["ways"]:
        rows = metrics[way]["curve"]
        assert all(row["low"] < row["accuracy"] < row["high"] for row in rows)
        assert metrics[way]["enough_low"] <= metrics[way]["enough_high"]
    # All ways begin with the same photos and end with all of them.
    assert len({json.dumps(metrics[way]["curve"][place]["accuracy"]) for way in metrics if way in report["NAMES"]
                for place in (0,)}) == 1  # fmt: skip


def test_enough_is_where_the_accuracy_stays_within_a_point_of_all(report):
    counts = [10, 20, 40, 80]
    for accuracy, wanted in ([(0.5, 0.9, 0.7, 0.9), 80], [(0.5, 0.895, 0.893, 0.9), 20], [(0.9, 0.9, 0.9, 0.9), 10]):
        assert report["enough"](np.array(accuracy), counts) == wanted


def test_a_way_is_measured_by_the_mean_of_its_seeds(report):
    scenes = np.arange(200)
    right = np.zeros((2, len(report["PARAMS"]["labelled"]) + 1, 200), bool)
    right[0, :, :100] = right[1, :, :150] = True
    right[:, -1, :160] = True
    found = report["measured"]({"random": right, "ranked": right}, scenes, 1700.0)
    row = found["ranked"]["curve"][1]
    assert row["accuracy"] == pytest.approx(0.625) and row["seeds_std"] == pytest.approx(np.std([0.5, 0.75], ddof=1))
    assert row["difference"] == 0 and "difference" not in found["ranked"]["curve"][-1]


@pytest.fixture(scope="module")
def weak():
    return runpy.run_path(str(STUDY / "weak_report.py"))


def test_the_table_of_photos_without_labels_is_made_of_its_results(weak):
    metrics = json.loads((STUDY / "weak.json").read_text(encoding="utf-8"))
    made = "\n".join(weak["table"](metrics)) + "\n"
    assert made == (STUDY / "weak.md").read_text(encoding="utf-8") == between(STUDY / "README.md", "weak")
    plan = weak["PARAMS"]["weak"]
    assert set(metrics["ways"]) == set(plan["ways"]) and metrics["seeds"] == len(plan["seeds"])
    for rows in metrics["ways"].values():
        assert [row["a_class"] for row in rows] == plan["labelled"]
        assert all(row["low"] < row["accuracy"] < row["high"] < metrics["all"]["high"] for row in rows)


def test_a_way_is_compared_with_labels_alone_photo_by_photo(weak):
    plan, scenes = weak["PARAMS"]["weak"], np.arange(100) // 2
    numbers, seeds = len(plan["labelled"]), len(plan["seeds"])
    right = np.zeros((3, numbers, seeds, 100), bool)
    right[0, ..., :50] = right[1, ..., :80] = True
    given, fine = np.zeros((2, 3, numbers, seeds), int)
    given[1], fine[1] = 160, 40  # of (100 - 20) photos, each asked of four of five heads: 320
    answers = {"right": right, "all": np.ones((seeds, 100), bool), "photos": np.full((numbers, seeds), 20),
               "given": given, "fine": fine}  # fmt: skip
    found = weak["measured"](answers, scenes, folds=5)["ways"]
    row = found["pseudo"][0]
    assert (row["accuracy"], row["difference"], row["given"], row["given_right"]) == (
        0.8,
        pytest.approx(0.3),
        0.5,
        0.25,
    )
    assert row["p_holm"] < 1e-4 and "p" not in found["alone"][0]
    assert found["fixmatch"][0]["difference"] == pytest.approx(-0.5) and found["fixmatch"][0]["given"] == 0


def test_whole_scenes_keep_their_labels_and_more_than_one_fold_has_them(weak):
    drawn = runpy.run_path(str(STUDY / "weak.py"))["draw"]
    random = np.random.default_rng(0)
    scenes = np.sort(random.integers(0, 120, 400))
    of_scene = random.integers(0, 4, 120), random.integers(0, 5, 120)
    data = TrainingSet(np.zeros((400, 1, 2, 1)), of_scene[0][scenes], of_scene[1][scenes], 4, scenes)
    order, before = random.permutation(np.unique(scenes)), np.zeros(400, bool)
    for count in (5, 10, 20):
        kept = drawn(data, order, count)
        assert not set(scenes[kept]) & set(scenes[~kept]) and (kept | before == kept).all()
        for label in range(4):
            own = kept & (data.labels == label)
            assert own.sum() >= count and len(set(data.folds[own])) > 1
        before = kept
