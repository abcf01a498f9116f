"""Which exported model a command uses."""

import sys
from pathlib import Path

from sortline._core.errors import UserError
from sortline.cli._shared import paths
from sortline.cli._shared.tasks import check_task, listed_tasks


def is_exported(task: str) -> bool:
    return (paths.export(task) / "model.onnx").is_file()


def model_folder(model: str | None, task: str | None) -> Path:
    """Return the export folder to use: `model`, else the task's, else that of the first listed task that has one."""
    if model:
        if not Path(model).is_dir():
            raise UserError(f"{model}: no such folder; --model takes a folder with model.onnx and labels.json")
        return Path(model)
    if task:
        if not is_exported(task):
            check_task(task)
            raise UserError(f"no model at {paths.export(task).as_posix()}; make it: dvc repro export@{task}")
        return paths.export(task)
    if not paths.PARAMS.exists():
        raise UserError("no model here: run in sortline's project folder, or name a model's folder with --model")
    for listed in listed_tasks():
        if is_exported(listed):
            print(f"model: {paths.export(listed).as_posix()} (task {listed})", file=sys.stderr)
            return paths.export(listed)
    raise UserError("no model yet; make one: make run (or: dvc repro export@garbage)")
