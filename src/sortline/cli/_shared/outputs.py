"""What DVC knows of a task: in dvc.yaml the sections of params.yaml that its stages read and the paths they write, in
dvc.lock its stages, and in its cache the runs that it would restore.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from sortline._core import unfinished
from sortline._core.errors import UserError
from sortline._core.files import read_yaml, write_text
from sortline.cli._shared import lock_file, params_text, paths
from sortline.config.tasks import LISTS
from sortline.training import progress

STAGES = Path("dvc.yaml")
LOCK = Path("dvc.lock")
TASK = "${item.task}"
DOWNLOADS = PurePosixPath("data/downloads")


def sections() -> list[str]:
    """Return the keys that the section of a task with a head must have, in stage order: DVC refuses a missing one."""
    params = [param for about in _stages(LISTS[:2]) for param in about.get("params", []) if isinstance(param, str)]
    return list(dict.fromkeys(param.split(".")[2] for param in params if param.startswith(f"{TASK}.")))


def files(task: str) -> list[Path]:
    """Return the files and folders that are the task's alone, such as data/raw/<task> and data/raw/<task>.json."""
    beside = (
        paths.backbones(task), unfinished.FOLDER / task, progress.FOLDER / task, paths.corrections(task),
        paths.inbox(task),
    )  # fmt: skip
    return [*(Path(path.as_posix().replace(TASK, task)) for path in _outputs()), *beside]


def roots() -> list[PurePosixPath]:
    """Return the folders that the line writes into, such as data/raw and metrics."""
    kept = PurePosixPath(paths.backbones("").as_posix())
    return sorted({DOWNLOADS, kept, *(path.parent for path in _outputs())})


def locks() -> list[Path]:
    """Return the lock files of the line and of the studies."""
    return [LOCK, *sorted(Path("studies").glob("*/dvc.lock"))]


def _stages(lists: Sequence[str] = LISTS) -> list[dict[str, Any]]:
    stages = read_yaml(STAGES).get("stages")
    if not isinstance(stages, dict):
        raise UserError(f"{STAGES}: no stages in it; run the command in the project's root folder")
    wanted = [{"task": f"${{{name}}}"} for name in lists]
    return [about for about in stages.values() if about.get("matrix") in wanted]


def _outputs() -> list[PurePosixPath]:
    """Return each output path up to the part that names the task."""
    found = set()
    for about in _stages():
        for out in [*about.get("outs", []), *about.get("metrics", []), *about.get("plots", [])]:
            parts = PurePosixPath(next(iter(out)) if isinstance(out, dict) else out).parts
            end = next((i for i, part in enumerate(parts) if TASK in part), None)
            if end is not None:
                found.add(PurePosixPath(*parts[: end + 1]))
    return sorted(found)


def forget_stages(task: str) -> int:
    """Take the task's stages out of dvc.lock; return how many there were.

    Left in, they do no harm to other tasks; a new task of that name would be taken for the old one, up to date.
    """
    if not LOCK.is_file():
        return 0
    text, count = lock_file.without_task(params_text.read_text(LOCK), task)
    if count and text:
        write_text(LOCK, text)
    elif count:
        LOCK.unlink()  # DVC refuses a lock without stages
    return count


def forget_fetched(task: str) -> None:
    """Remove the runs of the task's stages without deps from DVC's run-cache.

    Their key is the command and the params alone, so for the same folder with other photos in it the old photos
    would come back.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from ruamel.yaml import YAML

    try:
        with Repo() as repo:
            runs = Path(repo.stage_cache.cache_dir)
    except DvcException:  # no DVC project, or not in Git: DVC says so itself as soon as it runs
        return
    commands = {about["cmd"].replace(TASK, task) for about in _stages() if "deps" not in about}
    for key in runs.glob("*/*"):
        texts = [path.read_text(encoding="utf-8") for path in key.iterdir()]
        if any(f" {task} " in text and YAML(typ="safe").load(text)["cmd"] in commands for text in texts):
            shutil.rmtree(key)  # with its folder, which DVC expects to hold something
