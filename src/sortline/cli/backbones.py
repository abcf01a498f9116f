"""`sortline backbones TASK`: which backbone suits a task's photos, measured on its folds, and what each costs."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sortline._core import files
from sortline._core.errors import UserError
from sortline.cli._shared import choosing, dvc, params_file, params_text, paths, repair, tasks
from sortline.config.tasks import task_sections

if TYPE_CHECKING:
    from sortline.evaluation.choice import Choice

SUMMARY = "compare the backbones on this machine, and each two joined, on a task's photos"
EPILOG = """examples:
  sortline backbones garbage
  sortline backbones garbage --use

For each backbone whose weights are on this machine, and each two: one view of every train photo, a linear head by
L-BFGS, scored out of fold on folds that part no scene. Recommended is the smallest in 8 bits that these folds cannot
tell from the best (p >= 0.05 after Holm's correction). Features are kept in data/backbones/ for the next time."""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("task", metavar="TASK", help="a task whose head is trained on a backbone's features")
    command.add_argument("--use", action="store_true", help="write the recommended one into params.yaml")


def main(options: argparse.Namespace) -> int:
    """Compare, write metrics/<task>/backbones.json and plots/<task>/backbones.png, show the table; return 0."""
    from sortline.data import prepared
    from sortline.report.figures.choice import accuracy_against_size
    from sortline.training import heads, probe

    repair.mend()
    task = tasks.check_task(options.task)
    if "train_head" not in task_sections(files.read_yaml(paths.PARAMS)).get(task, {}):
        raise UserError(f"params.yaml: '{task}' has no head on a backbone (train_head), so there is none to choose")
    if options.use:
        # Can one be written there? Said before minutes of work.
        used(params_text.read_text(paths.PARAMS), task, ("mobilenet_v2",))
    if code := dvc.repro(f"prepare@{task}"):
        raise UserError(f"dvc repro prepare@{task} ended with exit code {code}; the lines above say what went wrong")
    tables = paths.prepared(task)
    photos = prepared.read_photos(tables / "images.csv", paths.raw(task))
    split, classes = files.read_csv(tables / "split.csv"), prepared.read_classes(tables / "classes.json")

    def training_set(features: Path) -> heads.TrainingSet:
        return heads.read(split, classes, features, probe.HEAD)

    choice = choosing.compared(choosing.in_reach(), photos, training_set, paths.backbones(task))
    data = prepared.fingerprint({photo.name: photo.sha256 for photo in photos})
    files.write_metrics(paths.metrics(task, "backbones"), content(choice, data))
    accuracy_against_size(choice, paths.plots(task) / "backbones.png")
    show(choice)
    if options.use:
        with params_file.editing() as text:
            params_file.write(used(text, task, tuple(choice.recommended.split("+"))), task)
        print(f"params.yaml: {task}.weights.backbone is {choice.recommended} now; next: sortline run --task {task}")
    return 0


def content(choice: Choice, dataset: str) -> dict[str, Any]:
    """Return backbones.json: nothing that depends on the machine's speed."""
    rows = {}
    for name, row in choice.rows.items():
        cost = choice.costs[name]
        rows[name] = row | {"fp32_mb": cost.fp32 / 1e6, "int8_mb": cost.int8 / 1e6}
    return {
        "split": "out of fold; no scene is in two folds of train",
        "head": "linear, on the mean of one view, L-BFGS, C 1",
        "dataset": dataset,
        "best": choice.best,
        "recommended": choice.recommended,
        "backbones": rows,
    }


def show(choice: Choice) -> None:
    """Print the table, and what follows from it."""
    from rich.console import Console
    from rich.table import Table

    from sortline.evaluation.comparison import show_p

    table = Table(box=None, pad_edge=False)
    table.add_column("backbone")
    for title in ("new scenes, %", "from best", "p", "ms", "MB", "int8"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, row in choice.rows.items():
        cost, apart = choice.costs[name], ["", ""]
        if name != choice.best:
            apart = [f"{100 * row['difference']:+.1f}", show_p(row["p_holm"])]
        accuracy = f"{100 * row['accuracy']:.1f} ({100 * row['low']:.1f} to {100 * row['high']:.1f})"
        costs = [f"{cost.milliseconds:.1f}", f"{cost.fp32 / 1e6:.1f}", f"{cost.int8 / 1e6:.1f}"]
        style = "bold" if name == choice.recommended else None
        table.add_row(name.replace("+", " + "), accuracy, *apart, *costs, style=style)
    console = Console()
    console.print(table)
    best = choice.rows[choice.best]
    said = f"n = {best['n']:,} photos of {best['scenes']:,} scenes, out of fold, with 95 % intervals; p after Holm's "
    said += f"correction for {len(choice.rows) - 1}; ms a photo on one core of this machine"
    console.print(f"\n{said}\n{sentence(choice)}", highlight=False)


def sentence(choice: Choice) -> str:
    """Say which one is recommended, and why."""
    if choice.recommended == choice.best:
        return f"recommended: {choice.best}, the best; the folds tell all smaller ones from it"
    return f"recommended: {choice.recommended}, the smallest in 8 bits that the folds cannot tell from {choice.best}"


def used(text: str, task: str, names: tuple[str, ...]) -> str:
    """Return `text`, that of params.yaml, with the backbones `names`, each at its own size, as the task's."""
    section = files.read_yaml(paths.PARAMS)[task]
    weights = tasks.mapping(section.get("weights"))
    bound = [key for key in ("release", "width", "path", "url", "member", "sha256") if weights.get(key) is not None]
    if bound:
        raise UserError(f"params.yaml: {task}.weights.{bound[0]} belongs to its backbone; take it out first")
    text = params_text.set_value(text, (task, "weights", "backbone"), list(names) if len(names) > 1 else names[0])
    if tasks.mapping(section.get("extract")).get("image_size") is not None:
        text = params_text.set_value(text, (task, "extract", "image_size"), None)
    return text
