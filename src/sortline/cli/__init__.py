"""The `sortline` command. What a subcommand takes is in `sortline.cli.arguments`, its work in `sortline.cli`,
loaded when it is called."""

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from sortline import __version__
from sortline._core.errors import UserError, run
from sortline.cli import arguments


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
    for name in arguments.names():
        about = importlib.import_module(f"sortline.cli.arguments.{name}")
        description = about.SUMMARY[0].upper() + about.SUMMARY[1:] + "."
        about.add(commands.add_parser(name, help=about.SUMMARY, description=description, epilog=about.EPILOG))
    return top


def main(argv: Sequence[str]) -> int:
    """Run one command; return its exit code (see each command's help). Raises `UserError` on wrong usage."""
    command = parser()
    options = command.parse_args(argv)
    if options.command is None:
        command.print_help(sys.stderr)
        return 2
    try:
        code = importlib.import_module(f"sortline.cli.{options.command}").main(options)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (`| head`) has gone; Python would complain again when it flushes stdout at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code


def entry() -> None:
    run(main)
