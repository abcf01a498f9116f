"""Class names in English and Chinese and their bins, from one table; folder names are matched to it."""

import csv
import difflib
import io
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from sortline.errors import UserError

TABLES = ("garbage",)


@dataclass(frozen=True)
class ClassTable:
    """Classes in label order, each {"code", "en", "zh", "bin"}, and their bins, each {"id", "en", "zh", "colour"}."""

    name: str
    classes: tuple[dict[str, str], ...]
    bins: tuple[dict[str, str], ...]

    def label(self, folder: str) -> int:
        """Return the class index that a folder name stands for: its code, or its English or Chinese name.

        Case, spaces, hyphens and underscores do not count. Raises `UserError` naming the folder and the nearest names
        where nothing matches.
        """
        rows = list(enumerate(self.classes))
        codes = {_plain(row["code"]): label for label, row in rows}
        names = {_plain(row[language]): label for language in ("en", "zh") for label, row in rows}
        plain = _plain(folder)
        if plain in codes or plain in names:
            return (codes | names)[plain]
        near = [names[name] for name in difflib.get_close_matches(plain, names, cutoff=0.6)]
        hint = "did you mean " + " or ".join(map(self._named, near)) if near else "use a class's code or name"
        raise UserError(f"folder '{folder}': no such class in the table '{self.name}'; {hint}, or no table (null)")

    def _named(self, label: int) -> str:
        return f"'{self.classes[label]['en']}' ({self.classes[label]['code']})"


def load_table(name: str) -> ClassTable:
    """Read the built-in table `name`; raise `UserError` where there is none of that name."""
    if name not in TABLES:
        raise UserError(f"class table '{name}': no such table; there is: {', '.join(TABLES)}, or none at all (null)")
    return ClassTable(name, _rows(f"{name}_classes.csv"), _rows(f"{name}_bins.csv"))


def describe(folders: Sequence[str], table: str | None) -> dict[str, Any]:
    """Return the content of classes.json for the class folders of a data set, in label order.

    With a table: its classes in its order, each with exactly one folder. Without: the folder names, sorted; no bins.
    Raises `UserError` for a folder the table does not know, a class without a folder, and two folders of one class.
    """
    if table is None:
        rows = [{"code": folder, "en": folder, "zh": "", "bin": ""} for folder in sorted(folders)]
        return {"classes": rows, "bins": [], "table": None}
    known = load_table(table)
    found: dict[int, str] = {}
    for folder in sorted(folders):
        label = known.label(folder)
        if label in found:
            raise UserError(f"folders '{found[label]}' and '{folder}' are one class, {known._named(label)}; merge them")
        found[label] = folder
    missing = [known._named(label) for label in range(len(known.classes)) if label not in found]
    if missing:
        raise UserError(f"no folder for the class{'es' * (len(missing) > 1)} {', '.join(missing)}; add one with photos")
    return {"classes": [dict(row) for row in known.classes], "bins": [dict(row) for row in known.bins], "table": table}


def labels_of(folders: Sequence[str], table: str | None) -> dict[str, int]:
    """Return the label (index into `describe(...)["classes"]`) of every class folder; raises what `describe` raises."""
    classes = describe(folders, table)["classes"]
    if table is None:
        return {row["code"]: label for label, row in enumerate(classes)}
    known = load_table(table)
    return {folder: known.label(folder) for folder in sorted(folders)}


def _rows(file: str) -> tuple[dict[str, str], ...]:
    text = resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
    return tuple(csv.DictReader(io.StringIO(text)))


def _plain(name: str) -> str:
    """Reduce a name to its lower-case letters and digits, so that "Plastic_Bottle" and "plastic bottle" are one."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())
