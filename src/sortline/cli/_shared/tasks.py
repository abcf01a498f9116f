"""The tasks that params.yaml lists, and what a task may be called."""

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

from sortline._core.errors import UserError
from sortline._core.files import read_yaml
from sortline.cli._shared.paths import PARAMS
from sortline.config.tasks import check_listed, listed, task_sections

HOME = "garbage"
SAMPLE = "sample"
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
# Words that YAML or DVC take for something else, and names that Windows keeps for devices.
RESERVED = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "item", "key", "con", "prn", "aux", "nul"}
RESERVED |= {f"{device}{number}" for device in ("com", "lpt") for number in range(10)}


def listed_tasks() -> list[str]:
    """Return `tasks:` of params.yaml; raise `UserError` where there is no such list."""
    tasks = listed(read_yaml(PARAMS))
    if not tasks:
        raise UserError(f"{PARAMS}: 'tasks' must be a list of task names, or a mapping whose keys they are")
    return tasks


def check_task(task: str) -> str:
    """Return `task` if params.yaml lists it; raise `UserError` naming the tasks there are."""
    tasks, content = listed_tasks(), read_yaml(PARAMS)
    if task not in tasks and task not in task_sections(content):
        raise UserError(f"{PARAMS}: no task '{task}'; the tasks there are: {', '.join(tasks)}")
    check_listed(task, content)
    return task


def check_name(task: str) -> None:
    """Raise `UserError` for a name that cannot be a key, a folder and part of a stage's name on every system."""
    if not NAME.fullmatch(task):
        raise UserError(
            f"'{task}' cannot be a task's name; allowed are 1 to 40 letters (a-z, A-Z), digits, - and _, a letter first"
        )
    if task.casefold() in RESERVED:
        raise UserError(f"'{task}' cannot be a task's name: DVC, YAML or Windows reads it as something else")


def is_built_in(section: dict[str, Any]) -> bool:
    """Whether a task's photos are a known data set or need none: not a folder of one's own, as `sortline new` adds."""
    fetch = section.get("fetch") or {}
    sources = fetch.get("sources") or []
    paths = [source.get("path") or "" for source in sources]
    own = any(PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute() for path in paths)
    return bool(fetch.get("dataset") or sources) and not own
