"""`sortline compare A B`: two sets of predictions on the same photos, and whether their difference may be chance."""

import argparse
from pathlib import Path

from sortline._core.errors import UserError
from sortline._core.text import json_text, printable
from sortline.cli._shared import paths
from sortline.cli._shared.git import git

SUMMARY = "say whether one set of predictions is better than another, or whether that may be chance"
EPILOG = """examples:
  sortline compare HEAD:garbage garbage
  sortline compare HEAD:garbage garbage --folds
  sortline compare HEAD~1:plots/garbage/evaluate/predictions.csv plots/garbage/evaluate/predictions.csv
  sortline compare run_a/predictions.csv run_b/predictions.csv --json

A and B: predictions.csv as evaluate writes it, a folder with one, a task, or REVISION: and one of these, out of Git
(for a `dvc exp run`, the revision is what `dvc exp list --sha-only` shows). Only photos in both count; those of
one scene are one piece of evidence."""

HELD_OUT, FOLDS = Path("evaluate/predictions.csv"), Path("train/predictions.csv")


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("a", metavar="A", help="the first predictions")
    command.add_argument("b", metavar="B", help="the second")
    command.add_argument("--folds", action="store_true", help="of a task, a head's predictions out of fold, not val's")
    command.add_argument("--json", action="store_true", help="print everything as JSON, all photos that changed sides")


def main(options: argparse.Namespace) -> int:
    from sortline.evaluation.comparison import compare, pair, read_predictions, verdict
    from sortline.report.comparison_text import changed, describe

    inside = FOLDS if options.folds else HELD_OUT
    (name_a, content_a), (name_b, content_b) = (_read(argument, inside) for argument in (options.a, options.b))
    pairs = pair(read_predictions(content_a, name_a), read_predictions(content_b, name_b))
    both = pairs.correct_a, pairs.correct_b, pairs.scenes
    result = compare(*both)
    kept = None if pairs.duplicated is None else ~pairs.duplicated
    reduced = compare(*(one[kept] for one in both)) if kept is not None and kept.any() and not kept.all() else None
    if options.json:
        content = {
            "a": name_a,
            "b": name_b,
            "only_in_a": pairs.only_a,
            "only_in_b": pairs.only_b,
            "all": result,
            "deduplicated": reduced,
            "changed": changed(pairs),
            "verdict": verdict(pairs, result),
        }
        print(json_text(content))
    else:
        print("\n".join([printable(f"A  {name_a}"), printable(f"B  {name_b}"), *describe(pairs, result, reduced)]))
    return 0


def _read(argument: str, inside: Path) -> tuple[str, bytes]:
    """Return the name and content of the predictions that a file, folder, task, or `REVISION:` of one stands for."""
    for path in _candidates(argument, inside):
        if path.is_file():
            return path.as_posix(), path.read_bytes()
    revision, colon, place = argument.partition(":")
    if not colon:
        what = "a predictions.csv, its folder, a task" if inside == HELD_OUT else "a task with a head, its file"
        raise UserError(f"{argument}: no predictions there; name {what}, or REVISION:PATH")
    if git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}") is None:
        raise UserError(f"{argument}: no such file, and '{revision}' is no git revision; see: git log --oneline")
    for path in _candidates(place.replace("\\", "/"), inside):
        content = git("cat-file", "blob", f"{revision}:./{path.as_posix()}")
        if content is not None:
            return f"{revision}:{path.as_posix()}", content
    raise UserError(
        f"{argument}: no predictions at '{place}' in revision {revision}; was its {inside.parent} committed there?"
    )


def _candidates(argument: str, inside: Path) -> list[Path]:
    path = Path(argument)
    any_folder = [path / inside.name] if inside == HELD_OUT else []
    return [path, *any_folder, path / inside, paths.plots(argument) / inside]
