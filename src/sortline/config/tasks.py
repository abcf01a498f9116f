"""The lists of tasks in params.yaml: all of them, those with a head on a backbone, those with a whole net.

Each is a mapping whose keys are the tasks (`tasks` merges the two others, so that a task is named once), or a list.
"""

from typing import Any

from sortline._core.errors import UserError

LISTS = ("tasks", "head_tasks", "net_tasks")


def listed(content: dict[str, Any], name: str = "tasks") -> list[str]:
    """Return the tasks of one list of params.yaml's `content`; none where it is missing or no list of names.

    A mapping's order is nobody's choice (a merge has one of its own): tasks with a head come first, then those with
    a net, then others.
    """
    found = content.get(name)
    if not isinstance(found, list | dict) or not all(isinstance(task, str) for task in found):
        return []
    if isinstance(found, dict) and name == "tasks":
        first = [task for other in LISTS[1:] for task in listed(content, other) if task in found]
        return list(dict.fromkeys([*first, *found]))
    return list(found)


def task_sections(content: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the section of each task that params.yaml's `content` describes, listed or not."""
    named = {name: value for name, value in content.items() if isinstance(name, str) and name not in LISTS}
    return {name: value for name, value in named.items() if isinstance(value, dict)}


def check_listed(task: str, content: dict[str, Any]) -> None:
    """Raise `UserError` where the lists of params.yaml do not name the task, so that DVC lacks some of its stages."""
    trained = "net_tasks" if "train" in task_sections(content).get(task, {}) else "head_tasks"
    # A params.yaml of one's own may do without the second.
    missing = [name for name in ("tasks", trained) if name in content and task not in listed(content, name)]
    if len(missing) > 1 and isinstance(content["tasks"], dict):
        missing = missing[1:]  # `tasks` merges the other list: naming the task there is enough
    if missing:
        raise UserError(f"params.yaml: '{task}' is ready but not listed; add it to {' and '.join(missing)}")
