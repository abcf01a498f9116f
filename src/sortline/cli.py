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
    for add in (_predict, _audit, _doctor, _run, _summary):
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


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 or more")
    return int(text)


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
