"""evaluate: score the model on all of val (or test), and without the photos that have a duplicate in train.

Reads the split, the features (view 0), the model, prepare's metrics, and the raw photos that were predicted wrongly;
writes evaluate.json, tables, charts, and contact sheets (under photos/). Params: `<task>.evaluate`.
"""

import argparse
from pathlib import Path

from sortline import predictor
from sortline._core import files
from sortline._core.errors import run
from sortline._core.text import printable
from sortline.config.base import load
from sortline.config.evaluate import EvaluateParams
from sortline.data import prepared
from sortline.data.layout import APART
from sortline.evaluation import costs, coverage, novelty, predictions
from sortline.evaluation.predictions import Predictions
from sortline.features.answers import Familiar
from sortline.report import contact_sheet, evaluation, figures, tracking

LIVE = Path("dvclive")
NEW_SCENES = predictor.SERIES[0][0]


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    for option in ("--prepared", "--features", "--head", "--raw", "--source", "--data", "--metrics", "--plots"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "evaluate", EvaluateParams)
    tracking.check(params.track)
    data, source = files.read_json(args.data), files.read_json(args.source)
    model = predictor.load(args.head, args.features, params.checkpoint)
    split = args.prepared / "split.csv"
    val = prepared.read_part(split)
    classes = prepared.read_classes(args.prepared / "classes.json")
    matrix = None if params.bin_costs is None else costs.matrix_of(params.bin_costs, classes)

    found = Predictions(val, classes, model.probabilities(val, data["dataset"]))
    similarity, threshold = model.similarity(val), model.about["threshold"]
    known = model.familiar(split)
    curves = {name: novelty.curve(photos, threshold) for name, photos in known.items()}
    if similarity is not None:
        curves[f"{val.split}, as given"] = novelty.curve(
            Familiar(val.labels, found.probabilities, similarity), threshold
        )
    result = predictions.scores(found, threshold, params.ece_bins, params.worst_pairs)
    result["novelty"] = novelty.summary(curves)
    result["sets"] = coverage.of(val.labels, found.probabilities, model.about.get("sets", {}))
    if matrix is not None:
        result["costs"] = costs.of(found, prepared.read_part(split, "train"), known.get(NEW_SCENES), matrix)
    for part in (prepared.read_part(split, name) for name in prepared.read_splits(split) if name in APART):
        if part.split != val.split:
            result[part.split] = predictions.apart(Predictions(part, classes, model.probabilities(part)), threshold)
    if prepared.is_corrected(split):
        given = prepared.read_part(split, val.split, as_given=True)
        result |= predictions.on_given_labels(Predictions(given, classes, model.probabilities(given)))
    result |= {"dataset": data["dataset"], "source": source["name"], "checkpoint": model.checkpoint}
    result |= {"duplicate_search": data["duplicate_search"]}
    if source["note"]:
        result["note"] = source["note"]

    files.write_metrics(args.metrics, result)
    tables = predictions.tables(found, params.ece_bins, similarity) | {"novelty": novelty.table(curves)}
    for name, (header, rows) in tables.items():
        files.write_csv(args.plots / f"{name}.csv", header, rows)
    figures.novelty(curves, args.plots / "novelty.png", title=f"{args.task}: the less a photo is like those trained on")
    evaluation.draw_charts(args.plots, found, params.ece_bins, args.task, source["note"])
    shown = args.raw, args.task, params.sheet_columns, params.sheet_limit
    contact_sheet.save(evaluation.wrong_sheet(found, *shown, model), args.plots / "photos" / "wrong.png")
    contact_sheet.save(evaluation.predictions_sheet(found, *shown), args.plots / "photos" / "predictions.png")
    tracking.log(params.track, args.task, "evaluate", params, args.metrics, args.plots, LIVE)
    print(f"{args.task}: top-1 {result['accuracy']:.1%} on {val.split} (n = {result['n']:,})")
    if result["never_predicted"]:
        print(printable(f"WARNING: never answered: {', '.join(result['never_predicted'])}"))
    if source["note"]:
        print(f"NOTE: {source['note']}")


if __name__ == "__main__":
    run(main)
