"""report: what the checks find, each run as it was and as it should be, a figure a report.

Usage: report.py --results FOLDER --table FILE --verdicts FILE --figures FOLDER
"""

import argparse
from pathlib import Path
from typing import Any

from sortline._core import files
from sortline._core.errors import run
from sortline.config.base import read_yaml
from sortline.config.replay import Report, read_report
from sortline.evaluation.claims import CHECKS, Finding
from sortline.report import replayed

HERE = Path(__file__).parent
PREPARED = HERE.parents[1] / "data" / "prepared"
NAMES = read_yaml(HERE / "params.yaml")["names"]


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--results", "--table", "--verdicts", "--figures"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    results = {name: files.read_json(args.results / f"{name}.json") for name in NAMES}
    reports = {name: read_report(HERE / f"{name}.yaml") for name in NAMES}
    found = {
        name: {
            one.check: one
            for one in replayed.findings(reports[name], results[name], PREPARED / str(reports[name].task) / "split.csv")
        }
        for name in NAMES
    }
    files.write_text(args.table, "\n".join(table(reports, results)) + "\n")
    files.write_text(args.verdicts, "\n".join(verdicts(found)) + "\n")
    with files.replacing(args.figures) as figures:
        figures.mkdir()
        for name in NAMES:
            replayed.draw(reports[name], results[name], figures / f"{name}.png")


def table(reports: dict[str, Report], results: dict[str, Any]) -> list[str]:
    """Return a row a run."""
    lines = ["| report | " + " | ".join(replayed.COLUMNS) + " |", "|" + " --- |" * (len(replayed.COLUMNS) + 1)]
    for name, runs in results.items():
        for row in replayed.rows(reports[name], runs):
            lines.append(f"| `{name}` | `{row[0]}` | " + " | ".join(row[1:]) + " |")
    return lines


def verdicts(found: dict[str, dict[str, Finding]]) -> list[str]:
    """Return a row a check and report of which something is known, then those that are unknown, in a row a report."""
    lines = ["| report | check | found | what it rests on |", "| --- | --- | --- | --- |"]
    for name, findings in found.items():
        for check in CHECKS:
            if findings[check].found != "unknown":
                lines.append(f"| `{name}` | {check} | {findings[check].found} | {findings[check].why} |")
        unknown = ", ".join(check for check in CHECKS if findings[check].found == "unknown")
        lines += [f"| `{name}` | {unknown} | unknown | |"] if unknown else []
    return lines


if __name__ == "__main__":
    run(main)
