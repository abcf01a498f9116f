"""Which commit, parameters and weights a task's exported model is of."""

import hashlib
import json
from typing import Any

from sortline._core.files import MAX_LOCK, read_json, read_yaml, sha256_file
from sortline.cli._shared import outputs, paths
from sortline.cli._shared.git import git, has_git


def origin(task: str) -> dict[str, Any]:
    """Return task, dataset, `commit` (None without Git; ends in -dirty where files that Git knows are not as in it),
    `params` (sha256 of what dvc.lock has of the task's), `model_sha256` (of model.onnx), backbone and version."""
    import onnx  # here, as every command loads this module

    model = paths.export(task) / "model.onnx"
    stages = read_yaml(outputs.LOCK, MAX_LOCK)["stages"]
    params = {name: one.get("params") for name, one in stages.items() if name.endswith(f"@{task}")}
    digest = hashlib.sha256(json.dumps(params, sort_keys=True).encode()).hexdigest()
    inside = {one.key: one.value for one in onnx.load_model_from_string(model.read_bytes()).metadata_props}
    return {
        "task": task,
        "dataset": read_json(paths.metrics(task, "export"))["dataset"],
        "commit": commit(),
        "params": digest,
        "model_sha256": sha256_file(model),
        "backbone": json.loads(inside.get("backbone", "null")),
        "sortline_version": inside.get("sortline_version"),
    }


def commit() -> str | None:
    """Return the last commit, with -dirty behind it where the project is not as in it; None where there is none."""
    head = git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") if has_git() else None
    return head.decode().strip() if head else None
