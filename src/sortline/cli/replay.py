"""`sortline replay FILE`: a report of a training, checked, and run again as it was and as it should be."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sortline._core.errors import UserError
from sortline._core.files import read_yaml
from sortline._core.text import printable
from sortline.cli._shared import own_files, paths

if TYPE_CHECKING:
    from sortline.config.replay import Report

SUMMARY = "check what a report of a training claims, and run it again as it was and as it should be"
EPILOG = """examples:
  sortline replay studies/reports/finetuning.yaml --checks
  sortline replay studies/reports/first_tuning.yaml --picture replayed.png
  sortline replay train.log

FILE is a report's settings in YAML (studies/reports has five, and says how to write one), or any training log. What it
does not say is unknown. The runs need the photos of the task that it names: dvc repro extract@TASK."""

LOGS = "a training log"


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", help="a report in YAML (.yaml, .yml), else a training log")
    command.add_argument("--checks", action="store_true", help="check alone; run nothing")
    command.add_argument("--json", action="store_true", help="print what was found as JSON, for programs")
    command.add_argument("--picture", metavar="FILE.png", help="also draw each run's accuracy by epoch")


def main(options: argparse.Namespace) -> int:
    from sortline.config.replay import Report, read_report
    from sortline.report import replayed
    from sortline.report.training_log import read_log

    path = Path(options.file)
    if options.picture:
        own_files.check(Path(options.picture))
    runs: dict[str, Any] = {}
    if path.suffix not in (".yaml", ".yml"):
        report = Report(title=path.name, claims=LOGS)
        found = replayed.findings(report, runs, None, read_log(path))
    else:
        report = read_report(path)
        split = _split(report)
        if report.runs and not options.checks:
            runs = _replayed(report, path.parent)
        found = replayed.findings(report, runs, split)
    if options.json:
        print(json.dumps(replayed.as_json(report, found, runs), ensure_ascii=False, indent=2))
    else:
        print("\n".join(map(printable, replayed.describe(report, found, runs))))
    if options.picture and runs:
        with own_files.own_png(Path(options.picture)) as temporary:
            replayed.draw(report, runs, temporary)
    return 0


def _split(report: "Report") -> Path | None:
    """Return the split.csv of the report's task, if it is there."""
    path = None if report.task is None else paths.prepared(report.task) / "split.csv"
    return path if path is not None and path.is_file() else None


def _replayed(report: "Report", beside: Path) -> dict[str, Any]:
    if report.task is None:
        raise UserError("the report names no task to run on; add task: NAME, or use --checks")
    if report.task not in read_yaml(paths.PARAMS):
        raise UserError(f"{paths.PARAMS}: no task '{report.task}', which the report names")
    if _split(report) is None:
        raise UserError(f"{paths.prepared(report.task).as_posix()}: not there; run: dvc repro extract@{report.task}")
    from sortline.library import replay

    place = replay.Place(paths.prepared(report.task), paths.features(report.task), paths.weights(report.task), beside)
    return replay.replay(report, place)
