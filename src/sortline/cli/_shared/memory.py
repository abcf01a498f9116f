"""What DVC remembers of a task besides its files: stages in dvc.lock, and runs in its cache that it would restore."""

import shutil
from pathlib import Path

from sortline._core.files import write_text
from sortline.cli._shared import outputs, params_text


def forget_stages(task: str) -> int:
    """Take the task's stages out of dvc.lock; return how many there were.

    Left in, they do no harm to other tasks; a new task of that name would be taken for the old one, up to date.
    """
    if not outputs.LOCK.is_file():
        return 0
    text, count = params_text.remove_stages(params_text.read_text(outputs.LOCK), task)
    if count and text:
        write_text(outputs.LOCK, text)
    elif count:
        outputs.LOCK.unlink()  # DVC refuses a lock without stages
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
    commands = outputs.commands_without_deps(task)
    for key in runs.glob("*/*"):
        texts = [path.read_text(encoding="utf-8") for path in key.iterdir()]
        if any(f" {task} " in text and YAML(typ="safe").load(text)["cmd"] in commands for text in texts):
            shutil.rmtree(key)  # with its folder, which DVC expects to hold something
