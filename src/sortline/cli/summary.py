"""`sortline summary`: what a task's last run came to, read from metrics/<task>/; `sortline run` ends with it."""

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from sortline._core.errors import UserError
from sortline._core.files import read_json
from sortline.cli._shared import paths
from sortline.cli._shared.models import is_exported
from sortline.cli._shared.tasks import check_task, listed_tasks

SUMMARY = "show a task's accuracy, worst confusions, and where model and pictures are"
EPILOG = """examples:
  sortline summary
  sortline summary --task sample"""

PAIRS = 3  # confusions shown


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--task", help="a task that params.yaml lists (default: the first that was measured)")


def main(options: argparse.Namespace) -> int:
    if options.task:
        task = check_task(options.task)
    else:
        measured = [task for task in listed_tasks() if paths.metrics(task, "evaluate").is_file()]
        if not measured:
            raise UserError("nothing measured yet: no metrics/<task>/evaluate.json; run: sortline run")
        task = measured[0]
    print(summary(task))
    return 0


def summary(task: str) -> str:
    """Return the summary's lines; raise `UserError` if the task was not measured."""
    evaluated = _metrics(task, "evaluate")
    if not evaluated:
        path = paths.metrics(task, "evaluate").as_posix()
        raise UserError(f"{path}: no such file; '{task}' was not measured yet, run: sortline run --task {task}")
    data = _metrics(task, "data")
    note = data.get("note") or evaluated.get("note")
    lines = [f"{task}: {_counts(data, evaluated)}"]
    if note:
        lines.append(f"  NOTE: {note}")
    lines += [f"  {name:<17} {value}" for name, value in _rows(task, evaluated)]
    return "\n".join(["", *lines, "", "try next:", *[f"  {line}" for line in _next_steps(task)]])


def _metrics(task: str, stage: str) -> dict[str, Any]:
    path = paths.metrics(task, stage)
    return read_json(path) if path.is_file() else {}


def _counts(data: dict[str, Any], evaluated: dict[str, Any]) -> str:
    held_out = f"{evaluated['n']:,} photos held out"
    return f"{data['train']:,} photos in train, {held_out}" if "train" in data else held_out


def _rows(task: str, evaluated: dict[str, Any]) -> list[tuple[str, str]]:
    trained = _metrics(task, "train")
    rows = [
        ("accuracy", _accuracy(evaluated, "accuracy", evaluated["n"])),
        ("  de-duplicated", _accuracy(evaluated, "accuracy_deduplicated", evaluated["n_deduplicated"])),
        ("  right bin", _accuracy(evaluated, "bin_accuracy", evaluated["n"])),
        ("cross-validated", _cross_validated(trained)),
        ("validated", _accuracy(trained, "val_accuracy", trained.get("val_n", 0))),
        ("  chosen on it", ", ".join(trained.get("selected_on_folds", trained.get("selected_on_val", [])))),
    ]
    rows += [("confused most" if rank == 0 else "", text) for rank, text in enumerate(_confusions(evaluated))]
    rows += [
        ("model", _there(paths.export(task) / "model.onnx")),
        ("model card", _there(paths.export(task) / "MODEL_CARD.md")),
        ("pictures", _there(paths.plots(task))),
    ]
    return [(name, value) for name, value in rows if value]


def _accuracy(metrics: dict[str, Any], key: str, n: int) -> str:
    """Return "95.4 %  (95 % interval 90.3 to 97.9, n = 130)"; empty where there is no such accuracy."""
    if metrics.get(key) is None:
        return ""
    from sortline.evaluation.metrics import percentages

    value, low, high = percentages(metrics, key, n)
    return f"{value:.1f} %  (95 % interval {low:.1f} to {high:.1f}, n = {n:,})"


def _cross_validated(trained: dict[str, Any]) -> str:
    value = _accuracy(trained, "cv_accuracy", trained.get("cv_n", 0))
    return f"{value[:-1]}, {trained['folds']} folds of train)" if value else ""


def _confusions(evaluated: dict[str, Any]) -> list[str]:
    pairs = evaluated.get("confused_pairs", [])[:PAIRS]
    return [f"{pair['truth']} taken for {pair['predicted']} ({pair['count']})" for pair in pairs]


def _there(path: Path) -> str:
    return path.as_posix() if path.exists() else ""


def _next_steps(task: str) -> list[str]:
    if not is_exported(task):
        return [f"sortline run --task {task}   (there is no exported model here)"]
    return [
        *_activation(),
        f"sortline predict PHOTO --task {task}",
        f"change one number in params.yaml, under {task}: {'train' if _is_net(task) else 'train_head'}, then:",
        f"  dvc repro evaluate@{task}",
        "  dvc params diff",
        "  dvc metrics diff",
    ]


def _is_net(task: str) -> bool:
    return "net" in _metrics(task, "train")


def _activation() -> list[str]:
    """Return the command that puts `sortline`, `dvc` and `python` on the PATH; nothing where that is done."""
    prefix = Path(sys.prefix)
    if sys.prefix == sys.base_prefix or os.environ.get("VIRTUAL_ENV") == sys.prefix:
        return []
    folder = prefix.relative_to(Path.cwd()) if prefix.is_relative_to(Path.cwd()) else prefix
    script = str(folder / ("Scripts" if os.name == "nt" else "bin") / "activate")
    return [script if os.name == "nt" else f"source {shlex.quote(script)}"]
