"""report: the table of runs, the table of verdicts, a figure a report. Usage: report.py --results FOLDER --table FILE
--verdicts FILE --figures FOLDER"""

import argparse
from pathlib import Path
from typing import Any

from sortline._core import files
from sortline._core.errors import run
from sortline.config.base import read_yaml
from sortline.config.replay import read_report
from sortline.evaluation.claims import CHECKS
from sortline.report import replayed

HERE = Path(__file__).parent
PARAMS = read_yaml(HERE / "params.yaml")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--results", "--table", "--verdicts", "--figures"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    results = {name: files.read_json(args.results / f"{name}.json") for name in PARAMS["names"]}
    files.write_text(args.table, "\n".join(table(results)) + "\n")
    files.write_text(args.verdicts, "\n".join(verdicts(results)) + "\n")
    with files.replacing(args.figures) as figures:
        figures.mkdir()
        for name, result in results.items():
            replayed.draw(read_report(HERE / f"{name}.yaml"), result["runs"], figures / f"{name}.png")


def table(results: dict[str, Any]) -> list[str]:
    """Return a row a run."""
    lines = ["| report | " + " | ".join(replayed.COLUMNS) + " |", "|" + " --- |" * (len(replayed.COLUMNS) + 1)]
    for name, result in results.items():
        for row in replayed.rows(read_report(HERE / f"{name}.yaml"), result["runs"]):
            lines.append(f"| `{name}` | `{row[0]}` | " + " | ".join(row[1:]) + " |")
    return lines


def verdicts(results: dict[str, Any]) -> list[str]:
    """Return a row a check, a column a report."""
    lines = ["| check | " + " | ".join(f"`{name}`" for name in results) + " |", "|" + " --- |" * (len(results) + 1)]
    for check in CHECKS:
        lines.append(f"| {check} | " + " | ".join(one["findings"][check]["found"] for one in results.values()) + " |")
    return lines


if __name__ == "__main__":
    run(main)
