"""What a class may be called: nothing that looks like another one's name, steers a terminal, or is a formula."""

import unicodedata
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from sortline._core.errors import UserError
from sortline._core.text import is_formula, is_printable, printable
from sortline.data.corrections import DROP, UNSURE
from sortline.data.layout import SPLIT_FOLDERS
from sortline.data.listing import is_hidden


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


def check_new_class(name: str, names: Iterable[str], where: Path | str) -> None:
    """Raise `UserError` where a reviewer cannot add the class `name` to the classes `names`: what `check_class_names`
    refuses, a decision's word, and what is no folder of its own beside other classes' folders.
    """
    check_class_names([name, *names], where)
    check_words([name], where)
    if not look(name) or is_hidden(PurePosixPath(name)) or set(name) & set("/\\:"):
        raise UserError(f"{where}: '{name}' cannot be a class's name: no folder can be called so; choose another")
    if look(name) in SPLIT_FOLDERS:
        raise UserError(f"{where}: '{name}' cannot be a class's name: a split's folder is called so; choose another")


def check_words(names: Iterable[str], where: Path | str) -> None:
    """Raise `UserError` for a class that is called as a decision of a review is."""
    if taken := [name for name in names if look(name) in (DROP, UNSURE)]:
        raise UserError(f"{where}: the class '{taken[0]}' cannot be told from the decision; call it something else")


def look(name: str) -> str:
    """Return what names that look the same share: however an accent is written, whatever the case, without spaces and
    dots at the end, which Windows drops, and without signs that have no width."""
    shown = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", shown).casefold()).strip().rstrip(". ")
