"""`sortline release TASK`: the exported 8-bit model into release/, which Git keeps, so that it is there at clone."""

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from sortline._core.errors import UserError
from sortline._core.files import MAX_LOCK, read_json, read_yaml, replacing, write_json
from sortline.cli._shared import dvc, origin, outputs, paths
from sortline.cli._shared.git import git
from sortline.cli._shared.tasks import check_task
from sortline.export import sums

SUMMARY = "put a task's exported 8-bit model into release/, for Git: with its labels, card and where it comes from"
EPILOG = """examples:
  sortline release garbage
  sortline release garbage --tag v1.0.0

The model must be that of the committed run: params.yaml, dvc.lock and the task's metrics as in the last commit, and
`dvc status` with nothing to do. sortline predict and make web use it where the line has not made a model. With --tag
the committed release gets a Git tag, garbage@v1.0.0, by which DVC's model registry knows it: `dvc artifacts get`."""

MODEL = "model_int8.onnx"
FILES = (MODEL, "labels.json", "MODEL_CARD.md")
MAX_MB = 8


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("task", metavar="TASK", help="a task that was run up to export")
    command.add_argument("--tag", metavar="VERSION", help="tag the committed release as this version, such as v1.0.0")


def main(options: argparse.Namespace) -> int:
    task = check_task(options.task)
    made, out = paths.export(task), paths.release(task)
    check(task)
    sums.check_all(made)
    if options.tag:
        print(f"{tag(task, options.tag)}: a tag of this commit; to share it: git push origin {task}@{options.tag}")
        return 0
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
    """Return what says which run made the model: the task, its data, the last commit, a hash of the params, and what
    dvc.lock has of the exported folder."""
    stage = read_yaml(outputs.LOCK, MAX_LOCK)["stages"][f"export@{task}"]
    md5 = next(out["md5"] for out in stage["outs"] if Path(out["path"]) == paths.export(task))
    exported = read_json(paths.metrics(task, "export"))
    made = {"task": task, "dataset": exported["dataset"], "export_md5": md5}
    return made | {"commit": origin.commit(), "params": origin.params(task)}


def tag(task: str, version: str) -> str:
    """Tag the last commit as `version` of the task's model, the way DVC's registry (GTO) does; return the tag.

    Raises `UserError` where the release in that commit is not the exported model, dvc.yaml's artifacts lack the task,
    or GTO refuses the version.
    """
    import gto
    from gto.exceptions import GTOException

    folder = paths.release(task)
    committed = git("show", f"HEAD:./{(folder / 'release.json').as_posix()}")
    changed = git("status", "--porcelain", "--", folder.as_posix())
    now = {key: one for key, one in fingerprint(task).items() if key != "commit"}
    if not committed or changed is None or changed.strip() or not now.items() <= json.loads(committed).items():
        raise UserError(
            f"{folder.as_posix()}: not the exported model, or not committed; sortline release {task}, commit"
        )
    known = read_yaml(outputs.STAGES).get("artifacts") or {}
    if task not in known:
        example = f"{task}: {{path: {paths.export(task).as_posix()}, type: model}}"
        raise UserError(f"{outputs.STAGES}: no artifact '{task}'; add below artifacts: {example}")
    try:
        gto.api.register(".", task, "HEAD", version)
    except (GTOException, ValueError, OSError) as error:
        raise UserError(f"no tag {task}@{version}: {' '.join(str(error).split())}") from None
    return f"{task}@{version}"
