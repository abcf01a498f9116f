"""Stage prepare: audit the raw photos, split them, plan their views.

Reads the photos, the JSON file about them and the class tables; params: `<task>.prepare`. Writes into --out images.csv,
views.json, split.csv, classes.json, audit.json; data.json; a chart and sheets of photos. The split and duplicate params
leave images.csv and views.json as they are, so that extract does not rerun.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sortline._core import files
from sortline._core.errors import run
from sortline.config.augment import ViewParams
from sortline.config.base import load
from sortline.config.prepare import PrepareParams
from sortline.data import classes, idx
from sortline.data.audit import Audit, Problem, audit_folder, refuse_problems
from sortline.data.audit_report import audit_report
from sortline.data.digits import audit_digits, digits_metrics, digits_sheet, split_digits
from sortline.data.split import SPLIT_COLUMNS, Split, class_counts, data_metrics, make_split, split_rows
from sortline.report import figures, prepare_sheets


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="prepare", description=__doc__.splitlines()[0])
    parser.add_argument("task")
    for option in ("--raw", "--source", "--tables", "--out", "--metrics", "--plots"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "prepare", PrepareParams)
    copies, source = params.duplicates, files.read_json(args.source)

    digits = idx.is_idx(args.raw)
    audit = audit_digits(args.raw) if digits else audited(args.raw, params)
    folders = audit.class_folders()
    about = classes.describe(folders, params.table, args.tables)
    names = [row["en"] for row in about["classes"]]
    labels = classes.labels_of(folders, params.table, args.tables)
    policy, wanted = copies.policy(), params.split
    if digits:
        split = split_digits(audit, labels, policy=policy, val_fraction=wanted.val_fraction, seed=wanted.seed)
    else:
        split = make_split(
            audit, labels, names, policy=policy, min_per_class=params.min_per_class, **wanted.model_dump()
        )
    # What is trained from pixels is augmented while it trains: no views are planned.
    plan = params.views.model_copy(update={"count": 1} if digits else {})
    metrics = (digits_metrics if digits else data_metrics)(audit, split, policy) | {"source": source["name"]}

    write(args.out, audit, split, about, plan)
    files.write_metrics(args.metrics, metrics | ({"note": source["note"]} if source["note"] else {}))
    draw(args.plots, split, about)
    if digits:
        sheets = {"digits": digits_sheet(args.raw)}
    else:
        sheets = {
            "views": prepare_sheets.views_sheet(audit, split, names, plan),
            "duplicates": prepare_sheets.duplicates_sheet(audit, split, names),
        }
    for name, sheet in sheets.items():
        prepare_sheets.save(sheet, args.plots / "photos" / f"{name}.png")
    say(args.task, metrics, names, args.plots, [] if digits else audit.problems)


def write(out: Path, audit: Audit, split: Split, about: dict[str, Any], plan: ViewParams) -> None:
    """Write the tables that the stages after this one read."""
    files.write_csv(out / "images.csv", ("path", "sha256"), [(photo.path, photo.sha256) for photo in audit.photos])
    files.write_json(out / "views.json", plan.model_dump())
    files.write_csv(out / "split.csv", SPLIT_COLUMNS, split_rows(audit, split))
    files.write_json(out / "classes.json", about)
    files.write_json(out / "audit.json", audit_report(audit, split.raw == "train", split.label))


def draw(plots: Path, split: Split, about: dict[str, Any]) -> None:
    """Write the classes' legend and how many photos each has, as table and chart."""
    names = [row["en"] for row in about["classes"]]
    legend = [(label, *(row[key] for key in ("code", "en", "zh"))) for label, row in enumerate(about["classes"])]
    files.write_csv(plots / "classes.csv", ("number", "code", "en", "zh"), legend)
    counts = class_counts(split, len(names))
    rows = list(zip(names, *counts.values(), strict=True))
    files.write_csv(plots / "class_counts.csv", ("class", *counts), rows)
    figures.class_counts(names, counts, plots / "class_counts.png")


def say(task: str, metrics: dict[str, Any], names: list[str], plots: Path, problems: Sequence[Problem]) -> None:
    """Print what was found, and what to know about it."""
    if "test" in metrics:
        print(f"{task}: {metrics['train']:,} train, {metrics['val']:,} val, {metrics['test']:,} test")
        return
    print(
        f"{task}: {metrics['train']:,} train, {metrics['val']:,} val, {metrics['dropped']} dropped, "
        f"{metrics['unreadable']} unreadable; val photos also in train: {metrics['exact_cross']} exactly, "
        f"{metrics['near_cross']} nearly"
    )
    lost = figures.undrawable(names)
    if lost:
        print(
            f"WARNING: no installed font can draw {len(lost)} of the {len(names)} class names; in figures they are "
            f"numbers, '{names[lost[0]]}' is 'class {lost[0]}': see {(plots / 'classes.csv').as_posix()}"
        )
    for problem in problems:
        print(f"left out: {problem.path}: {problem.what}")


def audited(raw: Path, params: PrepareParams) -> Audit:
    """Return the audit of a folder of photos; refuse unusable files where the params say so."""
    audit = audit_folder(
        raw,
        max_pixels=params.max_pixels,
        max_file_mb=params.max_file_mb,
        hash_name=params.duplicates.hash,
        hash_size=params.duplicates.hash_size,
        threshold=params.duplicates.threshold,
    )
    if params.unreadable == "fail":
        refuse_problems(audit)
    return audit


if __name__ == "__main__":
    run(main)
