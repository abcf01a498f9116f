"""What the studies say is what their committed results say."""

import json
import runpy
import sys
from pathlib import Path

import pytest

from sortline.config.training import TrainHeadParams

STUDY = Path(__file__).parents[2] / "studies" / "tuning"


def table_of(readme: str) -> str:
    return readme.split("<!-- table -->\n")[1].split("<!-- end of table -->")[0]


@pytest.fixture
def report(monkeypatch):
    monkeypatch.syspath_prepend(str(STUDY))
    sys.modules.pop("common", None)
    return runpy.run_path(str(STUDY / "report.py"))


def test_the_table_is_made_of_the_results(report, tmp_path):
    report["main"](["--results", str(STUDY / "results"), "--figures", str(tmp_path / "figures"), "--table",
                    str(tmp_path / "table.md")])  # fmt: skip
    made = (tmp_path / "table.md").read_text(encoding="utf-8")
    assert made == (STUDY / "table.md").read_text(encoding="utf-8")
    assert made == table_of((STUDY / "README.md").read_text(encoding="utf-8"))
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
    for path in (STUDY / "results").glob("*.json"):
        content = json.loads(path.read_text(encoding="utf-8"))
        rows = content.get("values", content.get("together")).values()
        for row in rows:
            assert row["accuracy_low"] < row["accuracy"] < row["accuracy_high"]
            assert len(row["by_seed"]) == len(report["PARAMS"]["seeds"])
            assert row["accuracy"] == pytest.approx(sum(row["by_seed"]) / len(row["by_seed"]), abs=1e-4)


def test_the_table_of_the_search_for_copies_is_made_of_its_results(tmp_path):
    study = STUDY.with_name("copies")
    readme = (study / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(readme, encoding="utf-8")
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
    assert made == (study / "table.md").read_text(encoding="utf-8") == table_of(readme)
