"""What of a task differs from the last commit: its metrics and its parameters, key by key."""

import json
from collections.abc import Iterator
from typing import Any

from sortline._core.errors import UserError
from sortline._core.files import parse_yaml, read_json, read_yaml
from sortline.cli._shared import paths
from sortline.cli._shared.git import git, has_git

STAGES = ("data", "train", "evaluate", "diagnose", "export")


def since_commit(task: str) -> list[tuple[str, str, str]] | None:
    """Return (what, before, now) of what changed; "" where there was or is nothing. None without a commit."""
    if not has_git() or git("rev-parse", "--verify", "--quiet", "HEAD") is None:
        return None
    found = []
    for stage in STAGES:
        path = paths.metrics(task, stage)
        before = _committed(path.as_posix())
        old = json.loads(before) if before else {}
        found += _differences(path.as_posix(), old, read_json(path) if path.is_file() else {})
    before = _committed(paths.PARAMS.as_posix())
    try:
        old = (parse_yaml(before) or {}).get(task, {}) if before else {}
    except Exception as error:
        raise UserError(f"{paths.PARAMS} of the last commit is no YAML ({str(error).splitlines()[0]})") from None
    return found + _differences(f"{paths.PARAMS}: {task}", old, read_yaml(paths.PARAMS).get(task, {}))


def last_commit() -> str:
    """Return what the last commit is called, for people."""
    said = git("log", "-1", "--format=commit %h") if has_git() else None
    return said.decode().strip() if said else "not in Git"


def _committed(path: str) -> str | None:
    content = git("cat-file", "blob", f"HEAD:./{path}")
    return content.decode() if content is not None else None


def _differences(where: str, old: Any, new: Any) -> list[tuple[str, str, str]]:
    before, now = (dict(_flat(one)) for one in (old, new))
    keys = [key for key in [*before, *(key for key in now if key not in before)] if before.get(key) != now.get(key)]
    return [(f"{where}: {key}", before.get(key, ""), now.get(key, "")) for key in keys]


def _flat(content: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _flat(value, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, json.dumps(content, ensure_ascii=False)
