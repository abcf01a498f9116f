"""Stage prepare: audit the raw photos, split them, plan their views.

Reads the photos, the JSON file about them and the class tables; params: `<task>.prepare`. Writes into --out images.csv,
views.json, split.csv, classes.json, audit.json; data.json; a chart and sheets of photos. The split and duplicate params
leave images.csv and views.json as they are, so that extract does not rerun.
"""

import argparse
from dataclasses import asdict
from pathlib import Path

from sortline import figures, files
from sortline.data import classes, preview
from sortline.data.audit import audit_folder, refuse_problems
from sortline.data.report import audit_report
from sortline.data.split import SPLIT_COLUMNS, class_counts, data_metrics, make_split, split_rows
from sortline.data.views import ViewPlan
from sortline.errors import run
from sortline.params.base import load
from sortline.params.prepare import PrepareParams


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="prepare", description=__doc__.splitlines()[0])
    parser.add_argument("task")
    for option in ("--raw", "--source", "--tables", "--out", "--metrics", "--plots"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "prepare", PrepareParams)
    copies, source = params.duplicates, files.read_json(args.source)

    audit = audit_folder(
        args.raw,
        max_pixels=params.max_pixels,
        max_file_mb=params.max_file_mb,
        hash_name=copies.hash,
        hash_size=copies.hash_size,
        threshold=copies.threshold,
    )
    if params.unreadable == "fail":
        refuse_problems(audit)
    folders = audit.class_folders()
    about = classes.describe(folders, params.table, args.tables)
    names = [row["en"] for row in about["classes"]]
    labels = classes.labels_of(folders, params.table, args.tables)
    split = make_split(
        audit, labels, names, policy=copies.policy(), min_per_class=params.min_per_class, **params.split.model_dump()
    )
    plan = ViewPlan(**params.views.model_dump())

    files.write_csv(args.out / "images.csv", ("path", "sha256"), [(photo.path, photo.sha256) for photo in audit.photos])
    files.write_json(args.out / "views.json", asdict(plan))
    files.write_csv(args.out / "split.csv", SPLIT_COLUMNS, split_rows(audit, split))
    files.write_json(args.out / "classes.json", about)
    files.write_json(args.out / "audit.json", audit_report(audit, split.raw == "train", split.label))
    note = {"note": source["note"]} if source["note"] else {}
    metrics = data_metrics(audit, split, copies.policy()) | {"source": source["name"]} | note
    files.write_metrics(args.metrics, metrics)

    legend = [(label, *(row[key] for key in ("code", "en", "zh"))) for label, row in enumerate(about["classes"])]
    files.write_csv(args.plots / "classes.csv", ("number", "code", "en", "zh"), legend)
    counts = class_counts(split, len(names))
    rows = list(zip(names, *counts.values(), strict=True))
    files.write_csv(args.plots / "class_counts.csv", ("class", *counts), rows)
    figures.class_counts(names, counts, args.plots / "class_counts.png")
    preview.save(preview.views_sheet(audit, split, names, plan), args.plots / "photos" / "views.png")
    preview.save(preview.duplicates_sheet(audit, split, names), args.plots / "photos" / "duplicates.png")
    print(
        f"{args.task}: {metrics['train']:,} train, {metrics['val']:,} val, {metrics['dropped']} dropped, "
        f"{metrics['unreadable']} unreadable; val photos also in train: {metrics['exact_cross']} exactly, "
        f"{metrics['near_cross']} nearly"
    )
    lost = figures.undrawable(names)
    if lost:
        print(
            f"WARNING: no installed font can draw {len(lost)} of the {len(names)} class names; in figures they are "
            f"numbers, '{names[lost[0]]}' is 'class {lost[0]}': see {(args.plots / 'classes.csv').as_posix()}"
        )
    for problem in audit.problems:
        print(f"left out: {problem.path}: {problem.what}")


if __name__ == "__main__":
    run(main)
