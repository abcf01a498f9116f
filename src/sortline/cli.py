"""The `sortline` command: its arguments. Each subcommand's work is in `sortline.commands`, loaded when called."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from sortline import __version__
from sortline.errors import UserError, run


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are one line, as all errors of sortline are."""

    def __init__(self, **options):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see: {self.prog} --help")


def parser() -> Parser:
    top = Parser(
        prog="sortline",
        description="From folders of labelled photos to a measured, exported classifier.",
        epilog="--debug after any command shows the full traceback of an error.\n"
        "'sortline COMMAND --help' explains one command, with examples.",
    )
    top.add_argument("--version", action="version", version=f"sortline {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for add in (_predict, _audit, _new, _remove, _doctor, _run, _summary, _compare, _curves, _export, _serve):
        add(commands)
    return top


def _command(commands, name: str, summary: str, epilog: str) -> Parser:
    return commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".", epilog=epilog)


def _predict(commands) -> None:
    command = _command(
        commands,
        "predict",
        "say what is on photos and which bin it goes in",
        """examples:
  sortline predict photo.jpg
  sortline predict photos/ --top 1
  sortline predict photos/ --json > predictions.json
  sortline predict photo.jpg --model some/folder/export

A bad file is named on stderr and the rest go on.
exit code: 0 all done, 1 some files failed, 2 nothing could be done""",
    )
    command.add_argument("photos", nargs="+", metavar="PHOTO|FOLDER", help="photos, or folders to walk through")
    model = command.add_mutually_exclusive_group()
    model.add_argument("--task", help="use the model of this task (default: the first task that has one)")
    model.add_argument("--model", metavar="FOLDER", help="use the model in this folder (model.onnx, labels.json)")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON list, for programs")
    form.add_argument("--csv", action="store_true", help="print CSV with a header, for spreadsheets")
    command.add_argument("--top", type=_count, default=5, metavar="N", help="guesses for each photo (default 5)")


def _audit(commands) -> None:
    command = _command(
        commands,
        "audit",
        "look for broken, odd and duplicate photos in a folder of photos",
        """examples:
  sortline audit data/raw/garbage
  sortline audit my_photos --json > audit.json

FOLDER holds a folder for each class, or train/ and val/ that do.
exit code: 0 all files could be read, 1 some could not, 2 not such a folder""",
    )
    command.add_argument("folder", metavar="FOLDER", help="the folder of photos; nothing in it is changed")
    command.add_argument("--json", action="store_true", help="print the full report as JSON")


def _new(commands) -> None:
    command = _command(
        commands,
        "new",
        "make a folder of your own photos a task of the line, by a section in params.yaml",
        """examples:
  sortline new cups ~/Pictures/cups
  sortline new parts D:/scans/parts --threshold 30

FOLDER holds a folder for each class, named by it in any script, or train/ and val/ that do. Nothing in it is changed;
dvc repro copies the photos. After they have changed: dvc repro -s -f fetch@NAME
exit code: 0 added, 2 not possible (params.yaml is as it was)""",
    )
    command.add_argument("name", metavar="NAME", help="letters, digits, - and _, a letter first")
    command.add_argument("folder", metavar="FOLDER", help="the folder of photos")
    command.add_argument(
        "--threshold", type=_bits, metavar="N",
        help="most of 256 bits of the hash in which two nearly alike photos differ (default 76); lower where photos "
        "of different things look alike to it",
    )  # fmt: skip


def _remove(commands) -> None:
    command = _command(
        commands,
        "remove",
        "take a task of your own out of params.yaml and dvc.lock again",
        """examples:
  sortline remove cups
  sortline remove cups --files

Your own folder of photos is never touched.""",
    )
    command.add_argument("name", metavar="NAME", help="a task; not one that is built in")
    command.add_argument("--files", action="store_true", help="also delete what the line made of it in this project")


def _doctor(commands) -> None:
    command = _command(
        commands,
        "doctor",
        "check this machine: versions, processor, data, weights, models, and a short test run",
        """examples:
  sortline doctor
  sortline doctor --json

exit code: 0 usable (warnings say what could be better), 1 something must be mended""",
    )
    command.add_argument("--json", action="store_true", help="print the checks as a JSON list")


def _run(commands) -> None:
    command = _command(
        commands,
        "run",
        "run the whole line for one task, then show its summary ('make run')",
        """examples:
  sortline run
  sortline run --task sample

Without --task: garbage where its photos and weights are there or can be downloaded, otherwise the built-in sample.""",
    )
    command.add_argument("--task", help="a task that params.yaml lists")


def _summary(commands) -> None:
    command = _command(
        commands,
        "summary",
        "show a task's accuracy, worst confusions, and where model and pictures are",
        """examples:
  sortline summary
  sortline summary --task sample""",
    )
    command.add_argument("--task", help="a task that params.yaml lists (default: the first that was measured)")


def _compare(commands) -> None:
    command = _command(
        commands,
        "compare",
        "say whether one set of predictions is better than another, or whether that may be chance",
        """examples:
  sortline compare HEAD:garbage garbage
  sortline compare HEAD~1:plots/garbage/evaluate/predictions.csv plots/garbage/evaluate/predictions.csv
  sortline compare run_a/predictions.csv run_b/predictions.csv --json

A and B: predictions.csv as evaluate writes it, a folder with one, a task, or REVISION: and one of these, out of Git
(for a `dvc exp run`, the revision is what `dvc exp list --sha-only` shows). Only photos in both count.""",
    )
    command.add_argument("a", metavar="A", help="the first predictions")
    command.add_argument("b", metavar="B", help="the second")
    command.add_argument("--json", action="store_true", help="print everything as JSON, all photos that changed sides")


def _curves(commands) -> None:
    command = _command(
        commands,
        "curves",
        "draw loss and time per epoch out of the logs of MindSpore's LossMonitor and TimeMonitor",
        """examples:
  sortline curves train.log
  sortline curves train.log --smoothing 0.1 --classes 26 --out curves.png --csv curves.csv
  sortline curves first.log second.log --task garbage

exit code: 0 drawn, 1 some logs had nothing in them, 2 none had anything""",
    )
    command.add_argument("logs", nargs="+", metavar="LOGFILE", help="text in UTF-8, GBK or UTF-16")
    command.add_argument("--out", metavar="FILE.png", help="the picture (default: LOGFILE-curves.png in this folder)")
    command.add_argument("--csv", metavar="FILE", help="also write the numbers, a row an epoch")
    command.add_argument("--smoothing", type=_share, metavar="X", help="the run's label smoothing: draws its floor")
    command.add_argument("--classes", type=_classes, metavar="N", help="number of classes, with --smoothing")
    command.add_argument("--task", help="take smoothing, classes and number of photos from this task")


def _export(commands) -> None:
    command = _command(
        commands,
        "export",
        "convert an exported model for MindSpore Lite, where its converter_lite is on the PATH",
        """examples:
  sortline export --ms
  sortline export --ms --task garbage --out lite

`dvc repro export@TASK` makes the model itself.""",
    )
    command.add_argument("--ms", action="store_true", required=True, help="to MindSpore Lite's format: model.ms")
    model = command.add_mutually_exclusive_group()
    model.add_argument("--task", help="convert the model of this task (default: the first task that has one)")
    model.add_argument("--model", metavar="FOLDER", help="convert the model in this folder (model.mindir)")
    command.add_argument("--out", metavar="FOLDER", help="where to (default: models/TASK/lite)")


def _serve(commands) -> None:
    command = _command(
        commands,
        "serve",
        "serve the web app that `make web` built, on this machine",
        """examples:
  sortline serve
  sortline serve --port 9000""",
    )
    command.add_argument("--folder", default="web/dist", help="the built app (default web/dist)")
    command.add_argument("--host", default="localhost", help="the address to listen on (default localhost)")
    command.add_argument("--port", type=int, default=8000, metavar="N", help="0 takes a free one (default 8000)")


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 or more")
    return int(text)


def _bits(text: str) -> int:
    if not text.isdecimal() or int(text) >= 128:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 to 127")
    return int(text)


def _classes(text: str) -> int:
    if _count(text) < 2:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 2 or more")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 to below 1")
    return value


def main(argv: Sequence[str]) -> int:
    """Run one command; return its exit code (see each command's help). Raises `UserError` on wrong usage."""
    command = parser()
    options = command.parse_args(argv)
    if options.command is None:
        command.print_help(sys.stderr)
        return 2
    try:
        code = importlib.import_module(f"sortline.commands.{options.command}").main(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`| head`) has gone; Python would complain again when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def entry() -> None:
    run(main)


if __name__ == "__main__":
    entry()
