"""The line run again with a person's corrections, and what that changed."""

from pathlib import Path
from typing import Any

from sortline._core.errors import UserError
from sortline._core.files import read_json
from sortline.cli._shared import dvc, paths
from sortline.data import corrections, inbox
from sortline.data.added import labelled
from sortline.evaluation.comparison import read_predictions
from sortline.review import before_after
from sortline.review.before_after import Rows

PARTS = {"held out": Path("evaluate/predictions.csv"), "folds": Path("train/predictions.csv")}


def apply(task: str) -> list[str]:
    """Run the line of a task again; return lines for people. Raises `UserError` where a stage failed."""
    corrections.create(paths.corrections(task))
    before = _tables(task)
    inbox_said, changed = from_inbox(task)
    if changed and (code := dvc.repro(f"fetch@{task}", "--single-item", "--force")):
        raise UserError(f"dvc repro -s -f fetch@{task} ended with exit code {code}; the lines above it say why")
    if code := dvc.repro(f"export@{task}"):
        raise UserError(f"dvc repro export@{task} ended with exit code {code}; its lines in the terminal say why")
    after = _tables(task)
    found = inbox_said + told(read_json(paths.metrics(task, "data")).get("corrections"))
    for part in PARTS:
        if part in before and part in after:
            found += before_after.lines(part, before_after.before_and_after(before[part], after[part]))
    return found


def from_inbox(task: str) -> tuple[list[str], bool]:
    """Return lines on the photos of the inbox, and whether fetch would take in others than the task has, or under other
    classes. Where it would lose some that are no longer in the inbox, nothing is fetched."""
    found = labelled(paths.corrections(task), paths.inbox(task))
    source = paths.source(task)
    if found.about == (read_json(source).get("added") if source.is_file() else None):
        return [], False
    there = inbox.taken_in(paths.prepared(task) / "images.csv")
    new = sum(one.sha256 not in there for one, _ in found.photos)
    if lost := len(found.missing & there):
        where = paths.inbox(task).as_posix()
        said = f"{new} newly labelled photos not taken in: fetch would lose {lost} others, which {where} lacks"
        return [said] if new else [], False
    return [f"{new} newly labelled photos taken in" if new else "labelled photos taken in anew: labels changed"], True


def told(counts: dict[str, Any] | None) -> list[str]:
    """Return what data.json says of corrections, for people: above all which folds they changed."""
    if not counts:
        return ["no decision holds: the line is that of the labels as they came"]
    words = ("relabelled", "dropped", "confirmed", "unsure", "gone", "not_taken_in")
    kinds = ", ".join(f"{counts[word]} {word.replace('_', ' ')}" for word in words)
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
