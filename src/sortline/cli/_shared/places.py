"""Where the project keeps things, relative to its root folder (the current one), for the command line."""

from pathlib import Path

from sortline._core.errors import UserError
from sortline.config.base import check_listed, read_yaml

PARAMS = Path("params.yaml")
TABLES = Path("tables")  # class tables, see tables/README.md
HOME_TASK = "garbage"
SAMPLE_TASK = "sample"


def raw(task: str) -> Path:
    return Path("data/raw") / task


def weights(task: str) -> Path:
    return Path("data/weights") / task


def export(task: str) -> Path:
    return Path("models") / task / "export"


def metrics(task: str, stage: str) -> Path:
    return Path("metrics") / task / f"{stage}.json"


def plots(task: str) -> Path:
    return Path("plots") / task


def is_exported(task: str) -> bool:
    return (export(task) / "model.onnx").is_file()


def listed_tasks() -> list[str]:
    """Return `tasks:` of params.yaml; raise `UserError` where there is no such list."""
    tasks = read_yaml(PARAMS).get("tasks")
    if not isinstance(tasks, list) or not tasks or not all(isinstance(task, str) for task in tasks):
        raise UserError(f"{PARAMS}: 'tasks' must be a list of task names, for example: tasks: [garbage, sample]")
    return tasks


def check_task(task: str) -> str:
    """Return `task` if params.yaml lists it; raise `UserError` naming the tasks there are."""
    tasks, content = listed_tasks(), read_yaml(PARAMS)
    section = content.get(task)
    if task not in tasks and not isinstance(section, dict):
        raise UserError(f"{PARAMS}: no task '{task}'; the tasks there are: {', '.join(tasks)}")
    check_listed(task, content)
    return task
