"""What a class may be called: nothing that looks like another one's name, steers a terminal, or is a formula."""

import unicodedata
from collections.abc import Iterable
from pathlib import Path

from sortline._core.errors import UserError
from sortline._core.text import is_formula, is_printable, printable


def check_class_names(names: Iterable[str], where: Path | str) -> None:
    """Raise `UserError` naming what cannot be a class, or two names that look the same or that a disk takes for one.

    `where` they stand: the folder that holds the class folders, or the table or file that names them.
    """
    seen: dict[str, str] = {}
    for name in sorted(set(names)):
        wrong = f"{where}: '{printable(name)}' cannot be a class's name"
        if not is_printable(name):
            raise UserError(f"{wrong}: a control character is in it; rename it")
        if is_formula(name):
            raise UserError(f"{wrong}: spreadsheets take it for a formula; rename it")
        other = seen.setdefault(look(name), name)
        if other != name:
            plain = all(one.isascii() for one in (other, name))
            one, two = ((f"'{word}'" if plain else ascii(word)) for word in (other, name))
            raise UserError(
                f"{where}: {one} and {two} are one name to a reader or to another system's disk; merge the two, or "
                "rename one"
            )


def look(name: str) -> str:
    """Return what names that look the same share: however an accent is written, whatever the case, without spaces and
    dots at the end, which Windows drops, and without signs that have no width."""
    shown = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", shown).casefold()).strip().rstrip(". ")
