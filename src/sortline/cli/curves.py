"""`sortline curves LOGFILE...`: loss, accuracy, time and throughput per epoch out of training logs."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sortline._core.errors import UserError
from sortline._core.files import read_json, write_csv
from sortline._core.text import printable
from sortline.cli._shared import own_files, paths
from sortline.cli._shared.numbers import share, whole
from sortline.cli._shared.tasks import check_task

if TYPE_CHECKING:
    from sortline.report.training_log import Epoch, TrainingLog

SUMMARY = "draw loss, accuracy, time and throughput per epoch out of MindSpore's training logs, or sortline's own"
EPILOG = """examples:
  sortline curves train.log
  sortline curves train.log --smoothing 0.1 --classes 26 --out curves.png --csv curves.csv
  sortline curves first.log second.log --task garbage
  sortline curves build/logs/garbage/train_head.log

exit code: 0 drawn, 1 some logs had nothing in them, 2 none had anything"""

HEADER = ["log", "part", "epoch", "losses", "last_step", "loss_mean", "loss_last", "not_finite", "seconds", "step_ms",
          "samples_per_second", "train_accuracy", "held_accuracy"]  # fmt: skip


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("logs", nargs="+", metavar="LOGFILE", help="text in UTF-8, GBK or UTF-16")
    command.add_argument("--out", metavar="FILE.png", help="the picture (default: LOGFILE-curves.png in this folder)")
    command.add_argument("--csv", metavar="FILE", help="also write the numbers, a row an epoch")
    command.add_argument(
        "--smoothing", type=share, metavar="X", help="the run's label smoothing: draws its minimum loss"
    )
    command.add_argument("--classes", type=whole(2), metavar="N", help="number of classes, with --smoothing")
    command.add_argument(
        "--batch-size",
        type=whole(1),
        metavar="N",
        help="samples a step: the speed of a log that says times alone",
    )
    command.add_argument("--task", help="take smoothing, classes and number of photos from this task")


def main(options: argparse.Namespace) -> int:
    """Return 0 if every log had something in it, 1 if some had; raise `UserError` if none had."""
    from sortline.report.log_report import describe
    from sortline.report.training_log import read_log

    smoothing, classes, photos = _targets(options)
    files = list(dict.fromkeys(Path(name) for name in options.logs))
    outputs = [Path(options.out or f"{files[0].stem}-curves.png"), *([Path(options.csv)] if options.csv else [])]
    _check_outputs(outputs)
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
        print(printable(f"error: {one}"), file=sys.stderr)
    for path, log in logs.items():
        print("\n".join([*map(printable, describe(str(path), log, smoothing, classes, photos)), ""]))
    batch = options.batch_size or 0
    _draw(logs, outputs[0], smoothing, classes, batch)
    if options.csv:
        write_csv(outputs[1], HEADER, _rows(logs, batch))
    print("wrote", *outputs)
    return 1 if errors else 0


def _targets(options: argparse.Namespace) -> tuple[float, int, int]:
    """Return label smoothing (0: none, or not known), classes, and the task's train photos (0: not known)."""
    if (options.smoothing is None) != (options.classes is None):
        raise UserError("--smoothing and --classes go together, for example: --smoothing 0.1 --classes 26")
    given = options.smoothing or 0.0, options.classes or 0
    if not options.task:
        return *given, 0
    check_task(options.task)
    path = paths.metrics(options.task, "data")
    if not path.is_file():
        raise UserError(f"{path.as_posix()}: no such file; make it: dvc repro prepare@{options.task}")
    data = read_json(path)
    if options.smoothing is not None:
        return *given, data["train"]
    from sortline.config.base import load
    from sortline.config.training import TrainHeadParams

    return load(options.task, "train_head", TrainHeadParams).label_smoothing, data["classes"], data["train"]


def _check_outputs(outputs: list[Path]) -> None:
    if outputs[0].suffix.lower() != ".png":
        raise UserError(f"{outputs[0]}: --out must end in .png")
    if len({path.resolve() for path in outputs}) < len(outputs):
        raise UserError(f"{outputs[0]}: --out and --csv name the same file")
    for path, header in zip(outputs, (None, HEADER), strict=False):
        own_files.check(path, header)


def _draw(logs: dict[Path, TrainingLog], out: Path, smoothing: float, classes: int, batch: int) -> None:
    from sortline.report.figures.logs import LogLine, training_logs
    from sortline.report.log_report import kind
    from sortline.training.targets import smoothing_minimum

    lines = []
    for i, (path, log) in enumerate(logs.items()):
        name = path.name
        if not name.isascii():  # the font has no Chinese
            name = f"log {i + 1}"
            print(printable(f"{name} in the figure is {path}"))
        for k, part in enumerate(log.parts, start=1):
            label = f"{name}, part {k}" if len(log.parts) > 1 else name if len(logs) > 1 else ""
            numbers = sorted(part.epochs)
            epochs = [part.epochs[number] for number in numbers]
            bad = [number for number in numbers if part.epochs[number].bad_line]
            columns = {
                "losses": [epoch.mean for epoch in epochs],
                "seconds": _with_gaps(epoch.seconds for epoch in epochs),
                "samples": _with_gaps(_samples(epoch, batch) for epoch in epochs),
                "train": _with_gaps(epoch.train_accuracy for epoch in epochs),
                "held": _with_gaps(epoch.held_accuracy for epoch in epochs),
            }
            lines.append(LogLine(label, i, k < len(log.parts), numbers, not_finite=bad, **columns))
    minimum = (f"minimum for smoothing {smoothing:g}", smoothing_minimum(classes, smoothing)) if smoothing else None
    with own_files.own_png(out) as temporary:
        training_logs(lines, temporary, loss_title=f"Loss: {kind(list(logs.values()))}", minimum=minimum)


def _with_gaps(values: Iterable[float | None]) -> list[float]:
    return [math.nan if value is None else value for value in values]


def _samples(epoch: Epoch, batch: int) -> float | None:
    """Return samples a second: as the log says, else what `batch` (0: not known) and the time of a step come to."""
    if epoch.samples is not None or not (batch and epoch.step_ms):
        return epoch.samples
    return 1000 * batch / epoch.step_ms


def _rows(logs: dict[Path, TrainingLog], batch: int) -> list[list[Any]]:
    """Return the rows of --csv; what a log does not say is left empty."""

    def text(value: float | None) -> str:
        return "" if value is None else f"{value:.6g}"

    rows = []
    for path, log in logs.items():
        for k, part in enumerate(log.parts, start=1):
            for number, epoch in sorted(part.epochs.items()):
                losses, finite = epoch.losses, epoch.finite.size
                mean, last = text(epoch.mean if finite else None), text(losses[-1] if losses else None)
                row = [path.name, k, number, len(losses), epoch.last_step, mean, last, len(losses) - finite]
                speed = epoch.seconds, epoch.step_ms, _samples(epoch, batch)
                rows.append([*row, *map(text, (*speed, epoch.train_accuracy, epoch.held_accuracy))])
    return rows
