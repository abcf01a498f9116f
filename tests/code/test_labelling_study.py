"""What studies/labelling says is what its committed results say."""

import json
from pathlib import Path

import numpy as np
import pytest
from study import between, report_of

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
