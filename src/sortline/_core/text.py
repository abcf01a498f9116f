"""Text from outside, as names of files and classes are, made safe to show: in a terminal, a line, Markdown."""

import json
import re
from typing import Any

# What steers a terminal, breaks a line, turns its direction, or is half a character.
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# What would be a tag, an entity, a link, code, emphasis or the end of a table's cell. An `_` inside a word is itself.
_MARKUP = re.compile(r"([\\`*\[\]<|~]|&(?=#?\w+;)|\b_|_\b)")

# What makes a spreadsheet compute a cell, or start a program by it: a sign in front, a call or a link further on. "+1",
# "-5 °C" and "=" are as harmless there as they look.
_FORMULA = re.compile(r"\s*[=+\-@＝＋－＠].*[(|!]", re.DOTALL)


def printable(text: str) -> str:
    r"""Return `text` in one line that does nothing but show: control characters and the like as escapes, `\x1b`."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def is_printable(text: str) -> bool:
    """Whether `printable` leaves it as it is."""
    return _STEERING.search(text) is None


def is_formula(text: str) -> bool:
    """Whether a spreadsheet that opens a CSV file with this cell would compute it."""
    return _FORMULA.match(text) is not None


def path_cell(path: str) -> str:
    """Return a file's path for a cell of a CSV file: "./=x.jpg" is the same file, and no formula."""
    return f"./{path}" if is_formula(path) else path


def json_text(content: Any) -> str:
    """Return JSON for a program that reads what a terminal may show too: what `printable` escapes is `\\u001b` here."""
    text = json.dumps(content, ensure_ascii=False, indent=2, allow_nan=False)
    return re.sub(rf"(?!\n){_STEERING.pattern}", lambda found: f"\\u{ord(found[0]):04x}", text)


def markdown(text: str) -> str:
    """Return `text` as Markdown that shows it, with no HTML, link or code of its own."""
    return _MARKUP.sub(r"\\\1", printable(text))
