"""Small files, written whole or not at all, always with the same bytes for the same content."""

import copy
import csv
import hashlib
import io
import itertools
import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sortline._core.errors import UserError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

MAX_YAML, MAX_LOCK = 3 * 10**5, 10**7  # characters, of what people write and of what DVC does
MAX_DEPTH, MAX_ENTRIES = 50, 10**5  # of YAML: levels, values
csv.field_size_limit(10**8)  # characters of a cell; the built-in limit is 131,072


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` (same suffix); rename it to `path` if the block succeeds.

    The block may create a file or a folder there. On any exception the temporary is removed and
    an existing `path` stays as it was. A killed process leaves at most a `.tmp-…` beside it.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".tmp-{path.stem}{path.suffix}")
    remove(temporary)
    try:
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        remove(temporary)


def expanded(path: str) -> Path:
    """Return the path with `~` as the folder that it stands for; raise `UserError` where there is none."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UserError(f"{path}: there is no such user's home folder; write the path in full") from None


def remove(path: Path) -> None:
    """Remove a file, a folder with all in it, or a link, never what it leads to; what is not there is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with \\n line ends on every system."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, content: Any) -> None:
    """Write JSON, keys sorted, UTF-8."""
    write_text(path, json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON; raise `UserError` where it is damaged, or holds NaN or Infinity, which are no JSON."""

    def refuse(word: str) -> None:
        raise ValueError(f"{word} is no number of JSON")

    try:
        return json.loads(Path(path).read_text(encoding="utf-8"), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: damaged ({str(error)[:200]}); make it again: dvc repro -f STAGE@TASK") from None


def read_yaml(path: Path, limit: int = MAX_YAML) -> dict[str, Any]:
    """Read a YAML mapping, of `limit` characters at most, as YAML 1.2 (`4e-05` is a number there, a string in PyYAML's
    1.1)."""
    from ruamel.yaml import YAMLError

    try:
        text = Path(path).read_text(encoding="utf-8")
        if len(text) > limit:
            raise UserError(f"{path}: more than {limit:,} characters, which no such file has")
        # The parser's time goes with the square of the brackets that are open.
        if max(itertools.accumulate((one in "[{") - (one in "]}") for one in text), default=0) > 10 * MAX_DEPTH:
            raise RecursionError
        content = _parsed(text)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run the command in the project's root folder") from None
    except RecursionError:
        raise UserError(f"{path}: nested more than {MAX_DEPTH} levels deep") from None
    # All but the first two come of numbers, dates and keys that Python cannot make.
    except (YAMLError, UnicodeDecodeError, ValueError, TypeError, OverflowError, AttributeError, LookupError) as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())[:300]}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected `key: value` lines at the top level")
    if _entries(content, path, 0, {}) > MAX_ENTRIES:
        raise UserError(f"{path}: its aliases stand for more than {MAX_ENTRIES:,} values")
    return copy.deepcopy(content)


def parse_yaml(text: str) -> Any:
    """Return what a text of YAML 1.2 holds; raises what ruamel.yaml does."""
    return copy.deepcopy(_parsed(text))


@lru_cache(maxsize=8)  # a command reads params.yaml a dozen times, and the parser takes 20 to 80 ms for it
def _parsed(text: str) -> Any:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).load(text)


def _entries(content: Any, path: Path, depth: int, counted: dict[int, int]) -> int:
    """Return how many values there are in it, those that aliases (`*name`) stand for each time."""
    if depth > MAX_DEPTH:  # so is what holds itself
        raise UserError(f"{path}: nested more than {MAX_DEPTH} levels deep")
    if not isinstance(content, dict | list | set):
        return 1
    if id(content) not in counted:
        inside = [*content, *content.values()] if isinstance(content, dict) else content
        counted[id(content)] = 1 + sum(_entries(one, path, depth + 1, counted) for one in inside)
    return counted[id(content)]


def write_metrics(path: Path, metrics: dict[str, Any]) -> None:
    """Write a metrics file: floats rounded to 4 decimals (below 0.001 to 2 significant digits), keys sorted."""
    write_json(path, _rounded(metrics))


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    if isinstance(value, float):
        return round(value, 4) if abs(value) >= 1e-3 else float(f"{value:.1e}")
    return value


class CsvWriter:
    """Writes rows to a text stream as CSV that `csv_reader` reads back, whatever is in a cell; lines end with \\n."""

    def __init__(self, stream: "SupportsWrite[str]") -> None:
        self.stream = stream
        # Up to Python 3.12 a carriage return is put in quotes only where lines end with one.
        self.row = csv.writer(self, lineterminator="\r\n").writerow

    def write(self, line: str) -> None:
        self.stream.write(line.removesuffix("\r\n") + "\n")


def csv_reader(text: str) -> "csv.DictReader[str]":
    """Return the rows of a CSV table with a header, {column: cell}."""
    return csv.DictReader(io.StringIO(text, newline=""))


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Write UTF-8 CSV with \\n line ends."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = CsvWriter(stream)
        writer.row(header)
        for row in rows:
            writer.row(row)


def csv_rows(text: str, where: object, remedy: str) -> list[dict[str, str]]:
    """Return the rows of a CSV table; raise `UserError` that ends with `remedy` unless all have the header's columns.

    It names a row as spreadsheets do: the header is row 1.
    """
    try:
        rows = list(csv_reader(text))
    except csv.Error as error:
        raise UserError(f"{where}: not CSV ({error}); {remedy}") from None
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise UserError(f"{where}: row {number} has not as many cells as the header; {remedy}")
    return rows


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read what `write_csv` wrote; raise `UserError` where that is damaged."""
    remedy = "the file is damaged, make it again: dvc repro -f STAGE@TASK"
    try:
        return csv_rows(Path(path).read_bytes().decode(), path, remedy)
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: not UTF-8 ({error}); {remedy}") from None


def sha256_file(path: Path) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def checksums(hashes: dict[str, str]) -> str:
    """Return the sorted lines `<sha256>  <posix path inside>\\n` of a folder's files, as sha256sum writes them."""
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(hashes.items()))


def content_sha256(hashes: dict[str, str]) -> str:
    """Hash a folder's content: sha256 over the `checksums` of its files."""
    return hashlib.sha256(checksums(hashes).encode()).hexdigest()
