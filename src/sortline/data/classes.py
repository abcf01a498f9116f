"""Class names in English and Chinese and their bins, from one table; folder names are matched to it."""

import difflib
import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from sortline._core.errors import UserError
from sortline._core.files import csv_rows
from sortline.data.names import check_class_names

BUILT_IN = ("garbage", "toy")
NAMES = ("code", "en", "zh", "bin")
WARNING = "warning"  # the column of a card that is said once, last


@dataclass(frozen=True)
class ClassTable:
    """Classes in label order, each {"code", "en", "zh", "bin"}, and their bins, each {"id", "en", "zh", "colour"}.

    A class with a card has it as "card": lines [name, text], in the order of the table's columns.
    """

    name: str
    classes: tuple[dict[str, Any], ...]
    bins: tuple[dict[str, str], ...]

    def label(self, folder: str) -> int:
        """Return the label of a folder's name: a class's code, or its English or Chinese name, as `_plain` reads them.

        Raises `UserError` naming the folder and the nearest names where nothing matches.
        """
        rows, plain = list(enumerate(self.classes)), _plain(folder)
        codes = {_plain(row["code"]): label for label, row in rows}
        names = {_plain(row[key]): label for key in ("en", "zh") for label, row in rows if row[key]}
        if plain in codes | names:
            return (codes | names)[plain]
        near = [names[name] for name in difflib.get_close_matches(plain, names, cutoff=0.6)]
        hint = "did you mean " + " or ".join(map(self.named, near)) if near else "use a class's code or name"
        raise UserError(f"folder '{folder}': no such class in the table '{self.name}'; {hint}, or no table (null)")

    def named(self, label: int) -> str:
        return f"'{self.classes[label]['en']}' ({self.classes[label]['code']})"


def list_tables(tables: Path | None) -> list[str]:
    """Return the names of the tables there are, the built-in ones first."""
    own = sorted(path.stem for path in tables.glob("*.csv")) if tables else []
    return [*BUILT_IN, *(name for name in own if not name.endswith("_bins"))]


def load_table(name: str, tables: Path | None = None) -> ClassTable:
    """Read the table `name`: a built-in one, or `<name>.csv` in the folder `tables` (tables/README.md has the columns).

    Raises `UserError` where there is none of that name, and where it is not such a table.
    """
    if name in BUILT_IN:
        package = resources.files(__package__)
        return ClassTable(name, *(_rows(package.joinpath(f"{name}_{part}.csv")) for part in ("classes", "bins")))
    known = list_tables(tables)
    if name not in known:
        raise UserError(f"class table '{name}': no such table; there is: {', '.join(known)}, or none at all (null)")
    assert tables is not None  # a name that is known and not built in stands in this folder
    path, bins = tables / f"{name}.csv", tables / f"{name}_bins.csv"
    table = ClassTable(name, _own_classes(path), _rows(bins) if bins.is_file() else ())
    ids = {row.get("id") for row in table.bins}
    for row in table.classes:
        if (table.bins or row["bin"]) and row["bin"] not in ids:
            raise UserError(f"{path}: '{row['en']}' has the bin '{row['bin']}', which {bins.name} does not list")
    return table


def _own_classes(path: Path) -> tuple[dict[str, Any], ...]:
    rows = _rows(path)
    if not rows or "en" not in rows[0] or not all(row["en"] for row in rows):
        raise UserError(f"{path}: a class table needs a column en, filled in each row (see tables/README.md)")
    classes: list[dict[str, Any]] = []
    for row in rows:
        names = {name: row.get(name) or "" for name in NAMES} | {"code": row.get("code") or row["en"]}
        card = [[column, text] for column, text in row.items() if column not in NAMES and text]
        classes.append(names | ({"card": card} if card else {}))
    plain = [{_plain(row[name]) for name in ("code", "en", "zh")} - {""} for row in classes]
    for first, second in itertools.combinations(range(len(plain)), 2):
        if plain[first] & plain[second]:
            one, other = classes[first]["en"], classes[second]["en"]
            raise UserError(f"{path}: '{one}' and '{other}' would be one class: a name or code is in both rows")
    for column in ("code", "en", "zh"):
        check_class_names((row[column] for row in classes), path)
    return tuple(classes)


def describe(folders: Sequence[str], table: str | None, tables: Path | None = None) -> dict[str, Any]:
    """Return the content of classes.json for the class folders of a data set, in label order; raises as `labels_of`.

    With a table: its classes and bins. Without: the folder names, sorted; no bins.
    """
    labels = labels_of(folders, table, tables)
    if table is None:
        rows = [{"code": folder, "en": folder, "zh": "", "bin": ""} for folder in labels]
        return {"classes": rows, "bins": [], "table": None}
    known = load_table(table, tables)
    return {"classes": [dict(row) for row in known.classes], "bins": [dict(row) for row in known.bins], "table": table}


def labels_of(folders: Sequence[str], table: str | None, tables: Path | None = None) -> dict[str, int]:
    """Return the label (index into `describe(...)["classes"]`) of every class folder, sorted by folder.

    `table` and `tables` as in `load_table`, no table for None. Raises `UserError` for a folder that the table does not
    know, a class without a folder, and two folders of one class.
    """
    if table is None:
        return {folder: label for label, folder in enumerate(sorted(folders))}
    known = load_table(table, tables)
    found: dict[int, str] = {}
    for folder in sorted(folders):
        label = known.label(folder)
        if label in found:
            raise UserError(f"folders '{found[label]}' and '{folder}' are one class, {known.named(label)}; merge them")
        found[label] = folder
    missing = [known.named(label) for label in range(len(known.classes)) if label not in found]
    if missing:
        raise UserError(f"no folder for the class{'es' * (len(missing) > 1)} {', '.join(missing)}; add one with photos")
    return {folder: label for label, folder in found.items()}


def _rows(file: Traversable) -> tuple[dict[str, str], ...]:
    try:
        text = file.read_text(encoding="utf-8-sig")  # spreadsheets put a mark in front
    except UnicodeDecodeError:
        raise UserError(f"{file}: not UTF-8; save it as CSV UTF-8") from None
    return tuple(csv_rows(text, file, "mend the table"))


def _plain(name: str) -> str:
    """Reduce a name to its lower-case letters and digits, so that "Plastic_Bottle" and "plastic bottle" are one."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())
