"""The `sortline` command: one module a verb in this folder, with SUMMARY, EPILOG, `add(command)` and `main(options)`.

A new verb is a new file: there is no list to edit. All of them are loaded whenever `sortline` starts, so none imports
anything heavy before its `main` runs.
"""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, NoReturn

from sortline import __version__
from sortline._core import errors
from sortline._core.errors import UserError

# In the help the verbs stand in the order in which a project needs them; others follow by alphabet.
ORDER = (
    "doctor",
    "run",
    "summary",
    "predict",
    "new",
    "backbones",
    "remove",
    "audit",
    "compare",
    "curves",
    "review",
    "next",
    "report",
    "export",
    "release",
    "serve",
)


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes are one line, as all errors of sortline are."""

    def __init__(self, **options: Any):
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see: {self.prog} --help")


def verbs() -> dict[str, ModuleType]:
    """Return the module of each verb by its name, in the order of the help."""
    found = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    names = [name for name in ORDER if name in found] + sorted(set(found) - set(ORDER))
    return {name: importlib.import_module(f"{__name__}.{name}") for name in names}


def parser() -> Parser:
    top = Parser(
        prog="sortline",
        description="From folders of labelled photos to a measured, exported classifier.",
        epilog="--debug after any command shows the full traceback of an error.\n"
        "'sortline COMMAND --help' explains one command, with examples.",
    )
    top.add_argument("--version", action="version", version=f"sortline {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", parser_class=Parser)
    for name, verb in verbs().items():
        description = f"{verb.SUMMARY[0].upper()}{verb.SUMMARY[1:]}."
        command = commands.add_parser(name, help=verb.SUMMARY, description=description, epilog=verb.EPILOG)
        verb.add(command)
        command.set_defaults(main=verb.main)
    return top


def main(argv: Sequence[str]) -> int:
    """Run one command; return its exit code (see each command's help). Raises `UserError` on wrong usage."""
    command = parser()
    options = command.parse_args(argv)
    if options.command is None:
        command.print_help(sys.stderr)
        return 2
    return options.main(options)


def entry() -> None:
    errors.run(main)
