"""The lines of `sortline doctor`."""

from collections.abc import Sequence
from dataclasses import dataclass

COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@dataclass(frozen=True)
class Check:
    """One line: `status` ok, warn or fail; what was looked at; what was found; what to do about it (or empty)."""

    status: str
    name: str
    found: str
    advice: str = ""


def show(checks: Sequence[Check]) -> None:
    """Print the checks on stdout as aligned lines, each advice below its finding, and the counts."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, show_header=False, pad_edge=False)
    for _ in range(2):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for check in checks:
        found = Text(check.found)
        if check.advice:
            found.append(f"\n-> {check.advice}", "bold")
        table.add_row(Text(check.status, COLOURS[check.status]), check.name, found)
    console = Console()
    console.print(table)
    counts = {status: sum(check.status == status for check in checks) for status in COLOURS}
    console.print(f"\n{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} failed", highlight=False)
