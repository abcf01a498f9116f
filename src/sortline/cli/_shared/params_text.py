"""A task put into, or taken out of, the text of params.yaml; every other byte of it stays as it is.

ruamel.yaml finds the places and writes the section. It does not write the whole file anew: that would move comments,
fold long lines, and change line ends.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sortline._core.errors import UserError
from sortline._core.files import parse_yaml
from sortline.config.tasks import LISTS

if TYPE_CHECKING:
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.nodes import MappingNode, SequenceNode

BY_HAND = "params.yaml: written in a way that sortline does not edit; {} by hand"
ONLY_ONE = "params.yaml: '{}' is the only one of {}: list another one there first"


def read_text(path: Path) -> str:
    """Return the text of a UTF-8 file with its line ends as they are."""
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text; bring back the last commit's: git checkout HEAD -- {path}") from None


def add_task(text: str, task: str, comment: str, section: CommentedMap) -> str:
    """Return the text of params.yaml with `task` last in `head_tasks:`, in `tasks:` too where that does not merge it,
    and at its end a blank line, `comment`, `section`.

    `comment` is one line without its `#`. Raises `UserError` where the file is written in a way that this cannot edit.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    by_hand = f"add {task} to tasks: and head_tasks:, and a section {task}:"
    before = parse_yaml(text)
    added, after = text, dict(before)
    for name in [name for name in ("head_tasks", "tasks") if name in before]:
        if not isinstance(before[name], list | dict):
            raise UserError(BY_HAND.format(by_hand))
        if task not in parse_yaml(added)[name]:
            added = _with_item(added, _pair(added, name)[1], task, newline)
        after[name] = before[name] | {task: None} if isinstance(before[name], dict) else [*before[name], task]
    lines = ["", f"# {comment}", *_dump({task: section}).rstrip("\n").split("\n")]
    # What ended without a line end still does: taking the task out again gives back the same bytes.
    added += newline.join(lines) + newline if added.endswith("\n") else newline + newline.join(lines)
    after |= {task: parse_yaml(_dump({task: section}))[task]}
    return _checked(added, after, by_hand)


def remove_task(text: str, task: str) -> str:
    """Return the text of params.yaml without `task` in its lists, its section, and the comment right above that."""
    before = parse_yaml(text)
    after = {key: value for key, value in before.items() if key != task}
    by_hand = f"take {task} out of tasks: and its section out"
    removed = text
    for name in [name for name in LISTS if task in (before.get(name) or [])]:
        left = [other for other in before[name] if other != task]
        after[name] = dict.fromkeys(left) if isinstance(before[name], dict) else left
        if name == "tasks" and not left:
            raise UserError(ONLY_ONE.format(task, name))
        removed = _without_item(removed, _pair(removed, name)[1], name, task, by_hand)
    if task in before:
        removed = _without_section(removed, task)
    return _checked(removed, after, by_hand)


def set_value(text: str, keys: Sequence[str], value: str | list[str] | None) -> str:
    """Return the text of params.yaml with another value at `keys`, a path of keys that are there.

    Raises `UserError` where the file is written in a way that this cannot edit.
    """
    by_hand, node = f"set {'.'.join(keys)}", _compose(text)
    for key in keys:
        found = [below for name, below in node.value if name.value == key] if node.id == "mapping" else []
        if not found:
            raise UserError(BY_HAND.format(by_hand))
        (node,) = found
    written = f"[{', '.join(value)}]" if isinstance(value, list) else value or "null"
    # A list of lines ends with its last item, though ruamel.yaml takes the comments below it along.
    last = node.value[-1] if node.id == "sequence" and not node.flow_style and node.value else node
    changed = text[: node.start_mark.index] + written + text[last.end_mark.index :]
    return _checked(changed, _with(parse_yaml(text), keys, value), by_hand)


def _with(content: dict[str, Any], keys: Sequence[str], value: Any) -> dict[str, Any]:
    """Return `content` with another value at `keys`; where an anchor is used elsewhere, it keeps its own there."""
    return content | {keys[0]: _with(content[keys[0]], keys[1:], value) if len(keys) > 1 else value}


def _dump(section: Any) -> str:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.width = 100_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    stream = io.StringIO()
    yaml.dump(section, stream)
    return stream.getvalue()


def _checked(text: str, content: dict[str, Any], by_hand: str) -> str:
    """Return `text` if it means `content`: an anchor that is used elsewhere, for one, would go with its section."""
    from ruamel.yaml import YAMLError

    with suppress(YAMLError):
        if parse_yaml(text) == content:
            return text
    raise UserError(BY_HAND.format(by_hand))


def _compose(text: str) -> MappingNode:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).compose(text)


def _pair(text: str, name: str) -> tuple[Any, Any]:
    """Return the nodes of a key at the top level and of its value."""
    return next(pair for pair in _compose(text).value if pair[0].value == name)


def _items(tasks: MappingNode | SequenceNode) -> list[tuple[str, int, int]]:
    """Return (task, start, end) of each item that stands there, `<<` too; not what it merges."""
    found = []
    for item in tasks.value:
        key, last = item if isinstance(item, tuple) else (item, item)
        # In a block the end of an empty value may be lines below; the line of the key is what counts.
        end = max(key.end_mark.index, last.end_mark.index) if tasks.flow_style else key.end_mark.index
        found.append((key.value, key.start_mark.index, end))
    return found


def _with_item(text: str, tasks: MappingNode | SequenceNode, task: str, newline: str) -> str:
    mapping, items = tasks.id == "mapping", _items(tasks)
    if tasks.flow_style:
        item = f"{task}: null" if mapping else task
        # An anchor may stand before the bracket.
        at = items[-1][2] if items else text.index("{" if mapping else "[", tasks.start_mark.index) + 1
        # After an empty value (`sample:`) the comma must not touch the colon.
        comma = ("" if text[at - 1] != ":" else " ") + ", " if items else ""
        return text[:at] + comma + item + text[at:]
    _, start, end = items[-1]
    line = text[_line_start(text, start) : start]
    indent = line[: len(line) - len(line.lstrip())]
    at, item = _line_end(text, end), indent + (f"{task}:" if mapping else f"- {task}")
    item = item + newline if text[:at].endswith("\n") else newline + item
    return text[:at] + item + text[at:]


def _without_item(text: str, tasks: MappingNode | SequenceNode, name: str, task: str, by_hand: str) -> str:
    items = _items(tasks)
    place = next((i for i, (other, _, _) in enumerate(items) if other == task), None)
    if place is None:
        return text  # it is there by a merge alone
    _, start, stop = items[place]
    if not tasks.flow_style:
        if len(items) == 1:
            raise UserError(ONLY_ONE.format(task, name))
        start, stop = _line_start(text, start), _line_end(text, stop)
    elif place + 1 < len(items):
        stop = items[place + 1][1]
    elif place:
        start = items[place - 1][2]
    if tasks.flow_style and "#" in text[start:stop]:
        raise UserError(BY_HAND.format(by_hand))
    return _cut(text, start, stop)


def _without_section(text: str, task: str) -> str:
    """Cut the section's lines, the comment lines right above it, and one blank line before or else after these."""
    key, value = _pair(text, task)
    lines = _lines(text)
    # The closing bracket of a section in brackets may stand at the margin.
    last = value.end_mark if value.flow_style else key.start_mark
    start, stop = text.count("\n", 0, key.start_mark.index), text.count("\n", 0, last.index) + 1
    while stop < len(lines) and (not lines[stop].strip() or lines[stop][0] in " \t"):
        stop += 1
    while not lines[stop - 1].strip():
        stop -= 1
    while start and lines[start - 1].startswith("#"):
        start -= 1
    if start and not lines[start - 1].strip():
        start -= 1
    elif stop < len(lines) and not lines[stop].strip():
        stop += 1
    return _cut(text, len("".join(lines[:start])), len("".join(lines[:stop])))


def _cut(text: str, start: int, stop: int) -> str:
    """Return `text` without the part; where it ended without a line end, it still does."""
    if stop == len(text) and not text.endswith("\n"):
        return text[:start].removesuffix("\n").removesuffix("\r")
    return text[:start] + text[stop:]


def _lines(text: str) -> list[str]:
    return list(io.StringIO(text, newline="\n"))  # splitlines() would also split at rarer signs


def _line_start(text: str, index: int) -> int:
    return text.rfind("\n", 0, index) + 1


def _line_end(text: str, index: int) -> int:
    return text.find("\n", index) + 1 or len(text)
