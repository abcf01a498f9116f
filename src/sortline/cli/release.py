"""`sortline release TASK`: the exported 8-bit model into release/, which Git keeps, so that it is there at clone."""

import argparse
import shutil
from pathlib import Path
from typing import Any

from sortline._core.errors import UserError
from sortline._core.files import MAX_LOCK, read_json, read_yaml, replacing, write_json
from sortline.cli._shared import dvc, outputs, paths
from sortline.cli._shared.git import git
from sortline.cli._shared.tasks import check_task
from sortline.export import sums

SUMMARY = "put a task's exported 8-bit model into release/, for Git: with its labels, card and where it comes from"
EPILOG = """examples:
  sortline release garbage

The model must be that of the committed run: params.yaml, dvc.lock and the task's metrics as in the last commit, and
`dvc status` with nothing to do. sortline predict and make web use it where the line has not made a model."""

MODEL = "model_int8.onnx"
FILES = (MODEL, "labels.json", "MODEL_CARD.md")
MAX_MB = 8


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("task", metavar="TASK", help="a task that was run up to export")


def main(options: argparse.Namespace) -> int:
    task = check_task(options.task)
    made, out = paths.export(task), paths.release(task)
    check(task)
    sums.check_all(made)
    with replacing(out) as folder:
        folder.mkdir()
        for name in FILES:
            shutil.copyfile(made / name, folder / name)
        write_json(folder / "release.json", fingerprint(task))
        sums.write(folder)
    print(f"{out.as_posix()}: {(out / MODEL).stat().st_size / 1e6:.1f} MB; commit it")
    return 0


def check(task: str) -> None:
    """Raise `UserError` unless the exported model is small enough and that of the committed run."""
    model = paths.export(task) / MODEL
    if not model.is_file():
        raise UserError(f"no model at {model.as_posix()}; make it: dvc repro export@{task}")
    if model.stat().st_size > MAX_MB * 1e6:
        raise UserError(f"{model.as_posix()}: over {MAX_MB} MB, too large to keep in Git")
    committed = [paths.PARAMS, outputs.LOCK, paths.metrics(task, "export").parent]
    changed = git("status", "--porcelain", "--", *(path.as_posix() for path in committed))
    if changed is None or changed.strip():
        names = ", ".join(line[3:] for line in (changed or b"").decode(errors="replace").splitlines())
        raise UserError(f"not as in the last commit: {names}; commit the run that made the model first")
    if not dvc.is_up_to_date(f"export@{task}"):
        raise UserError(
            f"{model.parent.as_posix()}: not what today's code and params give; run: dvc repro export@{task}"
        )


def fingerprint(task: str) -> dict[str, Any]:
    """Return what says which run made the model: the task, its data, and what dvc.lock has of the exported folder."""
    stage = read_yaml(outputs.LOCK, MAX_LOCK)["stages"][f"export@{task}"]
    md5 = next(out["md5"] for out in stage["outs"] if Path(out["path"]) == paths.export(task))
    exported = read_json(paths.metrics(task, "export"))
    return {"task": task, "dataset": exported["dataset"], "export_md5": md5}
