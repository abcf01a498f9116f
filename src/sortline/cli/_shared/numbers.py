"""Numbers on the command line, checked by argparse."""

import argparse
import math
from collections.abc import Callable


def whole(minimum: int, maximum: float = math.inf) -> Callable[[str], int]:
    """Return a type for argparse that takes whole numbers from `minimum` to `maximum`."""
    allowed = f"of {minimum} or more" if maximum == math.inf else f"from {minimum} to {maximum}"

    def number(text: str) -> int:
        if not text.isdecimal() or not minimum <= int(text) <= maximum:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number {allowed}")
        return int(text)

    return number


def share(text: str) -> float:
    """Take a number from 0 to below 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 to below 1")
    return value
