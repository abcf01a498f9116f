"""What the studies say is what their committed results say."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from study import between, report_of

from sortline.config.base import load
from sortline.config.training import TrainHeadParams
from sortline.evaluation.comparison import holm

STUDY = Path(__file__).parents[2] / "studies" / "tuning"


@pytest.fixture
def report():
    with report_of(STUDY) as found:
        yield found


def test_the_table_is_made_of_the_results(report, tmp_path):
    report["main"](["--results", str(STUDY / "results"), "--figures", str(tmp_path / "figures"), "--table",
                    str(tmp_path / "table.md")])  # fmt: skip
    made = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert made == (STUDY / "table.md").read_text(encoding="utf-8")
    assert made == between(STUDY / "README.md", "table")
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {
        path.name for path in (STUDY / "figures").iterdir()
    }


def test_every_setting_of_the_study_is_a_valid_one_and_one_of_each_knob_is_the_default(report):
    params = report["PARAMS"]
    for knob in params["knobs"]:
        values = params[knob].values()
        assert sum(not changes for changes in values) == 1
        for changes in values:
            changed = {key: value for key, value in changes.items() if key != "features"}
            TrainHeadParams(**params["base"] | changed)


def test_intervals_hold_their_accuracy_and_seeds_are_as_many_as_said(report):
    for knob in report["PARAMS"]["knobs"]:
        for row in json.loads((STUDY / f"results/{knob}.json").read_text(encoding="utf-8"))["values"].values():
            assert row["accuracy_low"] < row["accuracy"] < row["accuracy_high"]
            assert row["n"] > row["accuracy_scenes"] > 0
            assert len(row["by_seed"]) == len(report["PARAMS"]["seeds"])
            assert row["accuracy"] == pytest.approx(sum(row["by_seed"]) / len(row["by_seed"]), abs=1e-4)


def test_the_table_of_the_search_for_copies_is_made_of_its_results(tmp_path):
    study = STUDY.with_name("copies")
    runpy.run_path(str(study / "report.py"))["main"](
        [
            "--results",
            str(study / "results"),
            "--judged",
            str(study / "judged.csv"),
            "--table",
            str(tmp_path / "table.md"),
        ]
    )
    made = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert made == (study / "table.md").read_text(encoding="utf-8") == between(study / "README.md", "table")


def test_p_values_are_corrected_for_all_values_tried(report):
    results = [json.loads((STUDY / f"results/{knob}.json").read_text("utf-8")) for knob in report["PARAMS"]["knobs"]]
    rows = [row for result in results for value, row in result["values"].items() if value != result["default"]]
    assert {result["tried"] for result in results} == {len(rows)}
    # Rounded to 4 decimals there: the correction's error is that of one p, so many times over.
    for row, p in zip(rows, holm([row["p"] for row in rows]), strict=True):
        assert row["p_holm"] == pytest.approx(p, abs=1e-4 * len(rows))


def test_what_choosing_flatters_is_the_best_setting_less_one_chosen_on_the_other_folds(report):
    nested = runpy.run_path(str(STUDY / "scores.py"))["nested"]
    folds, scenes = np.array([[0, 0, 1, 1]]), np.arange(4)
    # Each setting is right on one fold alone: chosen on the other, it is wrong.
    right = np.array([[[True, True, False, False]], [[False, False, True, True]]])
    found = nested(right, folds, scenes)
    assert (found["accuracy"], found["best_accuracy"], found["flattered"]) == (0.0, 0.5, 0.5)
    shown = json.loads((STUDY / "results/nested.json").read_text(encoding="utf-8"))
    assert shown["flattered"] == pytest.approx(shown["best_accuracy"] - shown["accuracy"], abs=2e-4)
    tried = sum(bool(changes) for knob in report["PARAMS"]["knobs"] for changes in report["PARAMS"][knob].values())
    assert shown["settings"] == tried + 1
    assert f"{100 * shown['flattered']:.1f} points" in (STUDY / "README.md").read_text(encoding="utf-8")


def test_the_base_of_the_study_is_the_task_s_head(report):
    line = load("garbage", "train_head", TrainHeadParams, STUDY.parents[1] / "params.yaml")
    assert all(getattr(line, key) == value for key, value in report["PARAMS"]["base"].items())
