"""`sortline summary`: what a task's last run came to, read from metrics/<task>/; `sortline run` ends with it."""

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import Any

from sortline._core.doubt import NEVER
from sortline._core.errors import UserError
from sortline._core.files import read_json
from sortline._core.text import printable
from sortline.cli._shared import paths
from sortline.cli._shared.tasks import check_task, listed_tasks, model_of
from sortline.data.layout import APART

SUMMARY = "show a task's accuracy, worst confusions, and where model and pictures are"
EPILOG = """examples:
  sortline summary
  sortline summary --task sample"""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--task", help="a task that params.yaml lists (default: the first that was measured)")


def main(options: argparse.Namespace) -> int:
    if options.task:
        task: str | None = check_task(options.task)
    else:
        task = next((task for task in listed_tasks() if paths.metrics(task, "evaluate").is_file()), None)
    if task is None:
        raise UserError("nothing measured yet: no metrics/<task>/evaluate.json; run: sortline run")
    print(summary(task))
    return 0


def summary(task: str) -> str:
    """Return the summary's lines; raise `UserError` if the task was not measured."""
    data, trained, evaluated = [_metrics(task, stage) for stage in ("data", "train", "evaluate")]
    if not evaluated:
        path = paths.metrics(task, "evaluate").as_posix()
        raise UserError(f"{path}: no such file; '{task}' was not measured yet, run: sortline run --task {task}")
    counts = [f"{data['train']:,} photos in train"] if "train" in data else []
    note = data.get("note") or evaluated.get("note")
    counts.append(f"{evaluated['n']:,} photos held out")
    lines = [f"{task}: {', '.join(counts)}"]
    lines += [f"  NOTE: {note}"] if note else []
    lines += [f"  {name:<19} {printable(value)}" for name, value in _rows(task, trained, evaluated) if value]
    return "\n".join(["", *lines, "", "try next:", *[f"  {line}" for line in _next_steps(task, "net" in trained)]])


def _metrics(task: str, stage: str) -> dict[str, Any]:
    path = paths.metrics(task, stage)
    return read_json(path) if path.is_file() else {}


def _rows(task: str, trained: dict[str, Any], evaluated: dict[str, Any]) -> list[tuple[str, str]]:
    """Return (name, text) of each line; the text is empty where there is nothing to say."""
    new_scenes = _accuracy(trained, "cv_accuracy", trained.get("cv_n", 0))
    if new_scenes:
        new_scenes = f"{new_scenes[:-1]}, {trained['folds']} folds of train)"
    pairs = [
        f"{pair['truth']} taken for {pair['predicted']} ({pair['count']})"
        for pair in evaluated.get("confused_pairs", [])
    ]
    export = paths.export(task)
    files = {"model": export / "model.onnx", "model card": export / "MODEL_CARD.md", "pictures": paths.plots(task)}
    return [
        ("new scenes", new_scenes),
        ("  labels as given", _accuracy(trained, "cv_given_accuracy", trained.get("cv_given_n", 0))),
        ("validated", _accuracy(trained, "val_accuracy", trained.get("val_n", 0))),
        ("  chosen on it", ", ".join(trained.get("selected_on_folds", trained.get("selected_on_val", [])))),
        ("not sure", "of any photo: no probability was right often enough" * (trained.get("threshold") == NEVER)),
        ("held out", _accuracy(evaluated, "accuracy", evaluated["n"])),
        ("  labels as given", _accuracy(evaluated, "given_accuracy", evaluated.get("given_n", 0))),
        ("  its new scenes", _accuracy(evaluated, "accuracy_deduplicated", evaluated["n_deduplicated"])),
        ("  correct bin", _accuracy(evaluated, "bin_accuracy", evaluated["n"])),
        *((part, _accuracy(evaluated[part], "accuracy", evaluated[part]["n"])) for part in APART if part in evaluated),
        *_balance(evaluated),
        *zip(["confused most", "", ""], pairs, strict=False),
        *((name, path.as_posix()) for name, path in files.items() if path.exists()),
    ]


def _balance(evaluated: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the lines on what accuracy hides where some classes have more photos than others."""
    if "macro_recall" not in evaluated:
        return []
    share, largest = evaluated["majority_share"], evaluated["majority_class"]
    return [
        ("  macro recall", f"{100 * evaluated['macro_recall']:.1f} %  (the mean of each class's own accuracy)"),
        ("  largest class", f"{100 * share:.1f} % are '{largest}': so often one answer for all would be correct"),
        ("  never answered", ", ".join(evaluated["never_predicted"])),
    ]


def _accuracy(metrics: dict[str, Any], key: str, n: int) -> str:
    """Return "95.4 %  (95 % interval 90.3 to 97.9, n = 130)"; empty where there is no such accuracy."""
    if metrics.get(key) is None:
        return ""
    from sortline.evaluation.metrics import percentages

    value, low, high = percentages(metrics, key, n)
    return f"{value:.1f} %  (95 % interval {low:.1f} to {high:.1f}, n = {n:,})"


def _next_steps(task: str, is_net: bool) -> list[str]:
    if not model_of(task):
        return [f"sortline run --task {task}   (there is no exported model here)"]
    return [
        *_activation(),
        f"sortline predict PHOTO --task {task}",
        f"change one number in params.yaml, under {task}: {'train' if is_net else 'train_head'}, then:",
        f"  dvc repro evaluate@{task}",
        "  dvc params diff",
        "  dvc metrics diff",
    ]


def _activation() -> list[str]:
    """Return the command that puts `sortline`, `dvc` and `python` on the PATH; nothing where that is done."""
    if sys.prefix == sys.base_prefix or os.environ.get("VIRTUAL_ENV") == sys.prefix:
        return []
    prefix = Path(sys.prefix)
    folder = prefix.relative_to(Path.cwd()) if prefix.is_relative_to(Path.cwd()) else prefix
    if os.name == "nt":
        return [str(folder / "Scripts/activate")]
    return [f"source {shlex.quote(str(folder / 'bin/activate'))}"]
