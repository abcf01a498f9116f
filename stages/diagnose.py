"""diagnose: which labels and photos are doubtful, and what corrupted photos do to the accuracy.

Reads the split, the features with their backbone, the model with its out-of-fold probabilities, and the raw photos;
writes diagnose.json, tables, a chart, and contact sheets (under photos/). Params: `<task>.diagnose`.
"""

import argparse
from pathlib import Path

from sortline import predictor
from sortline._core import files
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.diagnose import DiagnoseParams
from sortline.config.prepare import PrepareParams
from sortline.config.training import TrainHeadParams, TrainParams
from sortline.data import prepared
from sortline.evaluation import diagnosis, robustness, strangers
from sortline.report import contact_sheet, figures
from sortline.report import diagnosis as report


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    for option in ("--prepared", "--features", "--head", "--raw", "--metrics", "--plots"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "diagnose", DiagnoseParams)
    model, split = predictor.load(args.head, args.features), args.prepared / "split.csv"
    val, unseen = prepared.read_part(split), model.unseen(split)
    names = prepared.read_classes(args.prepared / "classes.json").names
    dataset = files.read_json(args.features / "features.json")["dataset"]

    found = diagnosis.diagnose(model, val, unseen, args.raw, names, params)
    answers, threshold = robustness.measure(model, model.held_out(split), args.raw, params), model.about["threshold"]
    views, head = load(args.task, "prepare", PrepareParams).views, load(args.task, "train_head", TrainHeadParams)
    trained_with = robustness.trained_with(model, views, head, load(args.task, "train", TrainParams))
    robust = robustness.summary(answers, threshold, trained_with)
    robustness.check(robust, params.robustness)
    result = diagnosis.summary(found) | {"dataset": dataset, "robustness": robust}
    if unknown := strangers.told_apart(model):
        result["unknown"] = unknown

    tables = diagnosis.tables(found) | {"robustness/cells": robustness.table(answers, threshold)}
    for name, (header, rows) in tables.items():
        files.write_csv(args.plots / f"{name}.csv", header, rows)
    title = f"{args.task}: accuracy on corrupted {val.split} photos (n = {len(found.photos):,} each)"
    figures.corruptions(found.scores, args.plots / "corruptions.png", title=title)
    figures.robustness(
        robust,
        args.plots / "robustness" / "families.png",
        title=f"{args.task}: corrupted photos, {robust['corrupted']['n']:,} answers",
    )
    sheets = {
        "corruptions": report.corruptions_sheet(found, model, args.task),
        "suspects": report.suspects_sheet(found, args.raw, params.suspects, args.task),
        "outliers": report.outliers_sheet(found, args.raw, args.task),
    }
    for name, sheet in sheets.items():
        contact_sheet.save(sheet, args.plots / "photos" / f"{name}.png")
    files.write_metrics(args.metrics, result)
    plain = found.scores["none", 0]
    print(
        f"{args.task}: {result['suspected_labels']} suspected labels of {result['n_train']:,}; {plain['n']:,} photos "
        f"of {val.split} corrupted: {result['mean_corruption_accuracy']:.1%} correct on the mean, "
        f"{plain['accuracy']:.1%} as they are"
    )


if __name__ == "__main__":
    run(main)
