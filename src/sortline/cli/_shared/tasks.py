"""The tasks that params.yaml lists, what a task may be called, and whose exported model a command uses."""

import re
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from sortline._core.errors import UserError
from sortline._core.files import read_yaml
from sortline.cli._shared import paths
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
    folders = source_paths(section)
    own = any(PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute() for path in folders)
    return bool(mapping(section.get("fetch")).get("dataset") or folders) and not own


def source_paths(section: Any) -> list[str]:
    """Return the path of each source of a task's section, "" where it has none; what is no mapping is no source."""
    sources = mapping(mapping(section).get("fetch")).get("sources")
    found = [one for one in sources if isinstance(one, dict)] if isinstance(sources, list) else []
    return [str(source.get("path") or "") for source in found]


def mapping(value: Any) -> dict[str, Any]:
    """Return `value` where it is a mapping, else an empty one: a section may hold anything before it is checked."""
    return value if isinstance(value, dict) else {}


def model_of(task: str) -> Path | None:
    """Return the folder of the task's model: what the line exported, else what was released; None without either."""
    if (paths.export(task) / "model.onnx").is_file():
        return paths.export(task)
    return paths.release(task) if (paths.release(task) / "labels.json").is_file() else None


def model_folder(model: str | None, task: str | None) -> Path:
    """Return the folder of the model to use: `model`, else the task's, else the first listed task's that has one."""
    if model:
        if not Path(model).is_dir():
            what = "a folder with labels.json and a model: model.onnx, say"
            raise UserError(f"{model}: no such folder; --model takes {what}")
        return Path(model)
    if task:
        if found := model_of(task):
            return found
        check_task(task)
        raise UserError(f"no model at {paths.export(task).as_posix()}; make it: dvc repro export@{task}")
    if not PARAMS.exists():
        raise UserError("no model here: run in sortline's project folder, or name a model's folder with --model")
    for one in listed_tasks():
        if found := model_of(one):
            print(f"model: {found.as_posix()} (task {one})", file=sys.stderr)
            return found
    raise UserError("no model yet; make one: make run (or: dvc repro export@garbage)")
