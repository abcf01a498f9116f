"""The line run again with a person's corrections, and what that changed."""

from pathlib import Path
from typing import Any

from sortline._core.errors import UserError
from sortline._core.files import read_json
from sortline.cli._shared import dvc, paths
from sortline.data import corrections, inbox
from sortline.evaluation.comparison import read_predictions
from sortline.review import before_after
from sortline.review.before_after import Rows

PARTS = {"held out": Path("evaluate/predictions.csv"), "folds": Path("train/predictions.csv")}


def apply(task: str) -> list[str]:
    """Run the line of a task again; return lines for people. Raises `UserError` where a stage failed."""
    corrections.create(paths.corrections(task))
    before = _tables(task)
    taken_in = new_photos(task)
    if taken_in and (code := dvc.repro(f"fetch@{task}", "--single-item", "--force")):
        raise UserError(f"dvc repro -s -f fetch@{task} ended with exit code {code}; the lines above it say why")
    if code := dvc.repro(f"export@{task}"):
        raise UserError(f"dvc repro export@{task} ended with exit code {code}; its lines in the terminal say why")
    after = _tables(task)
    found = [f"{taken_in} newly labelled photos taken in"] if taken_in else []
    found += told(read_json(paths.metrics(task, "data")).get("corrections"))
    for part in PARTS:
        if part in before and part in after:
            found += before_after.lines(part, before_after.before_and_after(before[part], after[part]))
    return found


def new_photos(task: str) -> int:
    """Return how many photos of the inbox have a class by now and are not among the task's photos."""
    held = corrections.current(corrections.read(paths.corrections(task)))
    labelled = {decision.sha256 for decision in held.values() if decision.is_label and not decision.old}
    there = {one.sha256 for one in inbox.read(paths.inbox(task))}
    return len(labelled & there - inbox.taken_in(paths.prepared(task) / "images.csv"))


def told(counts: dict[str, Any] | None) -> list[str]:
    """Return what data.json says of corrections, for people: above all which folds they changed."""
    if not counts:
        return ["no decision holds: the line is that of the labels as they came"]
    kinds = ", ".join(f"{counts[kind]} {kind}" for kind in ("relabelled", "dropped", "confirmed", "unsure", "gone"))
    folds = ", ".join(f"fold {fold}: {count}" for fold, count in counts["changed_folds"].items())
    parts = ", ".join(f"{part}: {count}" for part, count in counts["changed"].items())
    return [f"decisions: {kinds}", f"labels changed in {parts or 'no part'}{f' ({folds})' if folds else ''}"]


def _tables(task: str) -> dict[str, Rows]:
    found = {}
    for part, inside in PARTS.items():
        path = paths.plots(task) / inside
        if path.is_file():
            found[part] = before_after.by_image(read_predictions(path.read_bytes(), path.as_posix()))
    return found
