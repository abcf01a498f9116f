"""`sortline curves LOGFILE...`: loss and time per epoch out of the logs of MindSpore's callbacks."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sortline._core.errors import UserError
from sortline._core.files import read_json, write_csv
from sortline.cli._shared import paths
from sortline.cli._shared.numbers import share, whole
from sortline.cli._shared.tasks import check_task

if TYPE_CHECKING:
    from sortline.report.figures.logs import LogLine
    from sortline.report.training_log import Part, TrainingLog

SUMMARY = "draw loss and time per epoch out of the logs of MindSpore's LossMonitor and TimeMonitor"
EPILOG = """examples:
  sortline curves train.log
  sortline curves train.log --smoothing 0.1 --classes 26 --out curves.png --csv curves.csv
  sortline curves first.log second.log --task garbage

exit code: 0 drawn, 1 some logs had nothing in them, 2 none had anything"""

HEADER = ["log", "part", "epoch", "losses", "last_step", "loss_mean", "loss_last", "not_finite", "seconds", "step_ms"]


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("logs", nargs="+", metavar="LOGFILE", help="text in UTF-8, GBK or UTF-16")
    command.add_argument("--out", metavar="FILE.png", help="the picture (default: LOGFILE-curves.png in this folder)")
    command.add_argument("--csv", metavar="FILE", help="also write the numbers, a row an epoch")
    command.add_argument(
        "--smoothing", type=share, metavar="X", help="label smoothing of the run: draws its minimum loss"
    )
    command.add_argument("--classes", type=whole(2), metavar="N", help="number of classes, with --smoothing")
    command.add_argument("--task", help="take smoothing, classes and number of photos from this task")


def main(options: argparse.Namespace) -> int:
    """Return 0 if every log had something in it, 1 if some had; raise `UserError` if none had."""
    from sortline.report.log_report import describe
    from sortline.report.training_log import read_log

    smoothing, classes, photos = _targets(options)
    files = list(dict.fromkeys(Path(name) for name in options.logs))
    out = Path(options.out or f"{files[0].stem}-curves.png")
    _check_outputs(out, options.csv, files)
    logs: dict[Path, TrainingLog] = {}
    errors = []
    for path in files:
        try:
            logs[path] = read_log(path)
        except UserError as error:
            errors.append(error)
    if not logs:
        raise errors[0]
    for one in errors:
        print(f"error: {one}", file=sys.stderr)
    for path, log in logs.items():
        print("\n".join([*describe(str(path), log, smoothing, classes, photos), ""]))
    _draw(logs, out, (smoothing, classes))
    if options.csv:
        write_csv(Path(options.csv), HEADER, _rows(logs))
    print("wrote", *[out, *([options.csv] if options.csv else [])])
    return 1 if errors else 0


def _targets(options: argparse.Namespace) -> tuple[float, int, int]:
    """Return label smoothing (0: none, or not known), classes, and the task's train photos (0: not known)."""
    if (options.smoothing is None) != (options.classes is None):
        raise UserError("--smoothing and --classes go together, for example: --smoothing 0.1 --classes 26")
    photos = 0
    smoothing, classes = options.smoothing or 0.0, options.classes or 0
    if options.task:
        check_task(options.task)
        path = paths.metrics(options.task, "data")
        if not path.is_file():
            raise UserError(f"{path.as_posix()}: no such file; make it: dvc repro prepare@{options.task}")
        data = read_json(path)
        photos = data["train"]
        if options.smoothing is None:
            from sortline.config.base import load
            from sortline.config.training import TrainHeadParams

            smoothing = load(options.task, "train_head", TrainHeadParams).label_smoothing
            classes = data["classes"]
    return smoothing, classes, photos


def _check_outputs(out: Path, table: str | None, logs: list[Path]) -> None:
    if out.suffix.lower() != ".png":
        raise UserError(f"{out}: --out must end in .png")
    outputs = [out, *([Path(table)] if table else [])]
    if len(outputs) > 1 and outputs[0].resolve() == outputs[1].resolve():
        raise UserError(f"{out}: --out and --csv name the same file")
    for path in outputs:
        if path.is_dir():
            raise UserError(f"{path}: is a folder; name a file to write")
        if path.resolve() in [log.resolve() for log in logs]:
            raise UserError(f"{path}: is one of the logs; name another file to write")


def _draw(logs: dict[Path, TrainingLog], out: Path, targets: tuple[float, int]) -> None:
    from sortline.report.figures.logs import training_logs
    from sortline.report.log_report import kind
    from sortline.training.targets import smoothing_minimum

    lines = []
    for i, (path, log) in enumerate(logs.items()):
        # The font has no Chinese.
        name = path.name if path.name.isascii() else f"log {i + 1}"
        if name != path.name:
            print(f"{name} in the figure is {path}")
        for k, part in enumerate(log.parts):
            label = f"{name}, part {k + 1}" if len(log.parts) > 1 else name if len(logs) > 1 else ""
            lines.append(_line(part, label, i, k < len(log.parts) - 1))
    smoothing, classes = targets
    minimum = (f"minimum for smoothing {smoothing:g}", smoothing_minimum(classes, smoothing)) if smoothing else None
    training_logs(lines, out, loss_title=f"Loss: {kind(list(logs.values()))}", minimum=minimum)


def _line(part: Part, label: str, colour: int, past: bool) -> LogLine:
    from sortline.report.figures.logs import LogLine

    numbers = sorted(part.epochs)
    epochs = [part.epochs[number] for number in numbers]
    seconds = [math.nan if epoch.seconds is None else epoch.seconds for epoch in epochs]
    bad = [number for number, epoch in zip(numbers, epochs, strict=True) if epoch.bad_line]
    return LogLine(label, colour, past, numbers, [epoch.mean for epoch in epochs], seconds, bad)


def _rows(logs: dict[Path, TrainingLog]) -> list[list[Any]]:
    """Return the rows of --csv; what a log does not say is left empty."""
    rows = []
    for path, log in logs.items():
        for k, part in enumerate(log.parts, start=1):
            for number, epoch in sorted(part.epochs.items()):
                finite = epoch.finite
                last = f"{epoch.losses[-1]:.6g}" if epoch.losses else ""
                mean = f"{epoch.mean:.6g}" if finite.size else ""
                seconds = "" if epoch.seconds is None else f"{epoch.seconds:.6g}"
                step = "" if epoch.step_ms is None else f"{epoch.step_ms:.6g}"
                bad = len(epoch.losses) - finite.size
                rows.append([path.name, k, number, len(epoch.losses), epoch.last_step, mean, last, bad, seconds, step])
    return rows
