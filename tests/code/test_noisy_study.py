"""What studies/robustness says of wrong labels and of costs is what its committed results say."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from sortline.evaluation.comparison import holm

STUDY = Path(__file__).parents[2] / "studies" / "robustness"


def script(name):
    """Return what a script of the study defines, whose modules another study has, too."""
    sys.path.insert(0, str(STUDY))
    sys.modules.pop("common", None)
    try:
        return runpy.run_path(str(STUDY / f"{name}.py"))
    finally:
        sys.path.remove(str(STUDY))
        sys.modules.pop("common", None)
        sys.modules.pop("way", None)


def read(name):
    return json.loads((STUDY / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def noisy():
    return script("noisy")


def test_labels_are_wrong_by_whole_scenes_and_no_more_than_was_asked(noisy):
    random = np.random.default_rng(0)
    scenes = random.integers(0, 400, 1000)
    labels = scenes % 26
    for share in (0.1, 0.2):
        found = noisy["flipped"](labels, scenes, share, 26, 1)
        wrong = found != labels
        assert share - 0.01 < wrong.mean() <= share
        assert found.min() >= 0 and found.max() < 26 and len(np.unique(found[wrong] - labels[wrong])) > 20
        for scene in np.unique(scenes):
            assert len(np.unique(found[scenes == scene])) == 1
        assert np.array_equal(found, noisy["flipped"](labels, scenes, share, 26, 1))
        assert not np.array_equal(found, noisy["flipped"](labels, scenes, share, 26, 2))
    assert np.array_equal(noisy["flipped"](labels, scenes, 0, 26, 1), labels)


def test_the_tables_of_wrong_labels_and_costs_are_made_of_the_results(noisy):
    assert "\n".join(noisy["table"](read("noisy.json")["losses"])) + "\n" == (STUDY / "noisy.md").read_text("utf-8")
    decisions = script("decisions")
    assert "\n".join(decisions["table"](read("decisions.json")["hazardous"])) + "\n" == (
        STUDY / "decisions.md"
    ).read_text("utf-8")


def test_losses_are_compared_at_the_same_wrong_labels_and_p_is_corrected_for_all(noisy):
    params, rows = noisy["PARAMS"], read("noisy.json")["losses"]
    assert set(rows) == set(params["losses"]) and read("noisy.json")["tried"] == len(rows) - 1
    others = []
    for name, some in rows.items():
        assert set(some) == {f"{share:g}" for share in params["flipped"]}
        for share, row in some.items():
            assert len(row["accuracy_seeds"]) == len(params["seeds"])
            assert row["low"] <= row["accuracy"] <= row["high"]
            if name != noisy["BASE"]:
                others.append(row["against"])
                expected = row["accuracy"] - rows[noisy["BASE"]][share]["accuracy"]
                assert row["against"]["difference"] == pytest.approx(expected, abs=2e-4)
    for row, p in zip(others, holm([row["p"] for row in others]), strict=True):
        assert row["p_holm"] == pytest.approx(p, abs=1e-4 * len(others))


def test_with_no_label_wrong_it_is_the_line_s_head(noisy):
    line = json.loads((STUDY.parents[1] / "metrics/garbage/train.json").read_text(encoding="utf-8"))
    row = read("noisy.json")["losses"][noisy["BASE"]]["0"]
    assert row["accuracy_seeds"][noisy["PARAMS"]["seeds"].index(1)] == line["cv_accuracy"]
    for found in read("decisions.json")["hazardous"].values():
        assert found["most_probable"]["accuracy"] == line["cv_accuracy"]
