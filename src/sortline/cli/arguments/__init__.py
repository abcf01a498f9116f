"""What each subcommand takes: one module each with SUMMARY, EPILOG and `add(command)`; a new one needs no list.

All are loaded whenever `sortline` starts, so none imports anything heavy. The work is in `sortline.cli.<name>`.
"""

import argparse
import pkgutil


def names() -> list[str]:
    """Return the subcommands there are, by alphabet."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 1 or more")
    return int(text)


def bits(text: str) -> int:
    if not text.isdecimal() or int(text) >= 128:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 to 127")
    return int(text)


def classes(text: str) -> int:
    if count(text) < 2:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number of 2 or more")
    return int(text)


def share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 to below 1")
    return value
