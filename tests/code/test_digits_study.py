"""What studies/digits says is what its committed cells say."""

import json
import runpy
from pathlib import Path

import pytest
from study import between

STUDY = Path(__file__).parents[2] / "studies" / "digits"


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A folder with everything that summarise.py makes of the committed cells."""
    monkeypatch.chdir(STUDY)
    runpy.run_path("summarise.py")["main"]([
        "all", "--out", str(tmp_path / "metrics.json"), "--table", str(tmp_path / "ranking.csv"),
        "--figures", str(tmp_path / "figures"), "--report", str(tmp_path / "RESULTS.md"),
    ])  # fmt: skip
    return tmp_path


def test_tables_and_figures_are_made_of_the_cells(made):
    for name in ("metrics.json", "ranking.csv", "RESULTS.md"):
        assert (made / name).read_text("utf-8") == (STUDY / name).read_text("utf-8"), name
    assert {path.name for path in (made / "figures").iterdir()} == {path.name for path in (STUDY / "figures").iterdir()}
    assert between(STUDY / "README.md", "results") == (made / "RESULTS.md").read_text("utf-8")


def test_means_and_spreads_are_those_of_the_seeds():
    for path in (STUDY / "cells").rglob("*.json"):
        cell = json.loads(path.read_text("utf-8"))
        scores = [seed["val_accuracy"] for seed in cell["seeds"]]
        mean = sum(scores) / len(scores)
        assert cell["val_accuracy"] == pytest.approx(mean, abs=1e-4), path
        if len(scores) > 1:
            variance = sum((score - mean) ** 2 for score in scores) / (len(scores) - 1)
            assert cell["val_std"] == pytest.approx(variance**0.5, abs=1.1e-4), path
