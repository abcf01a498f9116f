"""What studies/reports says is what its committed results say."""

import json
import re
from pathlib import Path

import pytest
from study import between, report_of

from sortline.config.replay import read_report
from sortline.evaluation.claims import CHECKS

STUDY = Path(__file__).parents[2] / "studies" / "reports"


@pytest.fixture(scope="module")
def script():
    with report_of(STUDY) as found:
        yield found


def results(script):
    return {name: json.loads((STUDY / "results" / f"{name}.json").read_text("utf-8")) for name in script["NAMES"]}


def test_the_tables_of_the_readme_are_those_of_the_results(script):
    reports = {name: read_report(STUDY / f"{name}.yaml") for name in script["NAMES"]}
    made = "\n".join(script["table"](reports, results(script))) + "\n"
    assert made == (STUDY / "table.md").read_text("utf-8") == between(STUDY / "README.md", "table")
    assert (STUDY / "verdicts.md").read_text("utf-8") == between(STUDY / "README.md", "verdicts")


def test_every_report_was_run_whole_and_every_check_is_answered(script):
    found = results(script)
    for name in script["NAMES"]:
        runs = read_report(STUDY / f"{name}.yaml").runs
        assert found[name].keys() == runs.keys()
        rows = [
            line for line in between(STUDY / "README.md", "verdicts").splitlines() if line.startswith(f"| `{name}` |")
        ]
        assert all(sum(check in row for row in rows) == 1 for check in CHECKS)


def test_every_figure_of_the_text_is_in_the_results(script):
    """A share in per cent with its interval, as the table shows it."""
    told = re.findall(r"\d+\.\d % \[\d+\.\d, \d+\.\d\]", " ".join(between(STUDY / "README.md", "claims").split()))
    table = (STUDY / "table.md").read_text("utf-8")
    assert told and all(figure in table for figure in told)
