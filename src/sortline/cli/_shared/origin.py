"""Which commit, parameters and weights a task's exported model is of."""

import hashlib
import json
from typing import Any

from sortline._core.files import MAX_LOCK, read_json, read_yaml, sha256_file
from sortline.cli._shared import outputs, paths
from sortline.cli._shared.git import git, has_git


def of(task: str) -> dict[str, Any]:
    """Return task, dataset, `commit`, `params`, `model_sha256` (of model.onnx), backbone and version."""
    import onnx  # here, as every command loads this module

    model = paths.export(task) / "model.onnx"
    inside = {one.key: one.value for one in onnx.load_model_from_string(model.read_bytes()).metadata_props}
    return {
        "task": task,
        "dataset": read_json(paths.metrics(task, "export"))["dataset"],
        "commit": commit(),
        "params": params(task),
        "model_sha256": sha256_file(model),
        "backbone": json.loads(inside.get("backbone", "null")),
        "sortline_version": inside.get("sortline_version"),
    }


def commit() -> str | None:
    """Return the last commit, with -dirty behind it where files that Git knows are not as in it; None without any."""
    head = git("describe", "--always", "--dirty", "--abbrev=40", "--exclude=*") if has_git() else None
    return head.decode().strip() if head else None


def params(task: str) -> str:
    """Return the sha256 of what dvc.lock has of the params of the task's stages."""
    stages = read_yaml(outputs.LOCK, MAX_LOCK)["stages"]
    found = {name: one.get("params") for name, one in stages.items() if name.endswith(f"@{task}")}
    return hashlib.sha256(json.dumps(found, sort_keys=True).encode()).hexdigest()
