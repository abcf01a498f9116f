"""corrections/<task>.csv: what a person decided about photos, one line a decision, in the order they were made in.

Lines are only ever appended, so that Git shows who decided what and a decision is taken back by another line.
"""

import os
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from io import StringIO
from pathlib import Path

from sortline._core.errors import UserError
from sortline._core.files import CsvWriter, csv_rows, write_csv
from sortline._core.text import is_formula, path_cell, printable

COLUMNS = ("sha256", "photo", "old", "new", "why")
DROP, UNSURE, UNDONE = "drop", "unsure", ""
MAX_WHY = 500  # characters


@dataclass(frozen=True)
class Decision:
    """A line: the photo by the sha256 of its file, and for people its path; the class that it came with ("": none).

    `new` is a class, `old` again where the label is right, DROP, UNSURE, or UNDONE: as if nothing had been decided.
    """

    sha256: str
    photo: str
    old: str
    new: str
    why: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """What a later line about the same photo shares: exact copies in two classes are two photos."""
        return self.sha256, self.old

    @property
    def is_label(self) -> bool:
        return self.new not in (DROP, UNSURE, UNDONE)


def create(path: Path) -> None:
    """Make a file without decisions, which `prepare` depends on, where there is none."""
    if not path.exists():
        write_csv(path, COLUMNS, [])


def is_empty(path: Path) -> bool:
    """Whether the file is as `create` made it."""
    return path.read_bytes() == f"{','.join(COLUMNS)}\n".encode()


def read(path: Path) -> list[Decision]:
    """Return all lines; raise `UserError` naming a row that is no decision. No file is none."""
    remedy = f"mend it, or take it from Git: git checkout {path.as_posix()}"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return []
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error}); {remedy}") from None
    rows = csv_rows(text, path, remedy)
    for number, row in enumerate(rows, start=2):
        digest = row.get("sha256", "")
        if tuple(row) != COLUMNS or len(digest) != 64 or set(digest) - set("0123456789abcdef"):
            raise UserError(f"{path}: row {number} is no decision, {','.join(COLUMNS)}; {remedy}")
    return [Decision(**row) for row in rows]


def append(path: Path, decision: Decision) -> None:
    """Add one line and have it on the disk when this returns; other processes may append at the same time."""
    line = StringIO()
    why = printable(decision.why.strip())[:MAX_WHY]
    safe = replace(decision, photo=path_cell(decision.photo), why=f"'{why}" if is_formula(why) else why)
    CsvWriter(line).row(astuple(safe))
    create(path)
    # One write of a file that is opened to append is whole, wherever others have written to in the meantime.
    place = os.open(path, os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0))
    try:
        size = os.fstat(place).st_size
        os.lseek(place, max(0, size - 1), os.SEEK_SET)
        whole = size == 0 or os.read(place, 1) == b"\n"  # an editor may have left the last line without its end
        os.write(place, (line.getvalue() if whole else f"\n{line.getvalue()}").encode())
        os.fsync(place)
    finally:
        os.close(place)


def current(decisions: Iterable[Decision]) -> dict[tuple[str, str], Decision]:
    """Return what holds now, by `Decision.key`: of several lines about a photo the last, and none that is undone."""
    last = {decision.key: decision for decision in decisions}
    return {key: decision for key, decision in last.items() if decision.new != UNDONE}
