"""evaluate: score the head (or net) on all of val (or test), and without the photos that have a duplicate in train.

Reads the split, the features (view 0), the head, prepare's metrics, and the raw photos that were answered wrongly;
writes evaluate.json, tables, charts, and sheets of wrong and of some photos (under photos/). Params: `<task>.evaluate`.
"""

import argparse
from pathlib import Path

from sortline import predictor
from sortline._core import files
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.evaluate import EvaluateParams
from sortline.data import prepared
from sortline.evaluation import metrics, predictions
from sortline.features.heads import load_head
from sortline.features.mapper import Mapper
from sortline.report.prediction_sheets import predictions_sheet, wrong_sheet


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    for option in ("--prepared", "--features", "--head", "--raw", "--source", "--data", "--metrics", "--plots"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "evaluate", EvaluateParams)
    data, source = files.read_json(args.data), files.read_json(args.source)
    val = prepared.read_part(args.prepared / "split.csv")
    note = source["note"]
    classes = prepared.read_classes(args.prepared / "classes.json")

    probabilities = predictor.probabilities(args.head, args.features, val, data["dataset"], params.checkpoint)
    about = files.read_json(args.head / "head.json")
    threshold = about["threshold"]
    answers = predictions.Answers(val, classes, probabilities)

    result = metrics.summary(
        val.labels, probabilities, classes.names, val.exact | val.near, bin_of=classes.bin_of,
        bins=[row["id"] for row in classes.bins], ece_bins=params.ece_bins, worst_pairs=params.worst_pairs,
    )  # fmt: skip
    result |= {"dataset": data["dataset"], "source": source["name"], "split": val.split}
    result["checkpoint"] = params.checkpoint or about["checkpoint"]
    result |= metrics.answered(val.labels, probabilities, threshold)
    result |= {"duplicate_threshold": data["duplicate_threshold"]} | ({"note": note} if note else {})
    files.write_metrics(args.metrics, result)
    predictions.write_tables(args.plots, answers, params.ece_bins)
    predictions.draw_charts(args.plots, answers, params.ece_bins, args.task, note)
    # What spoke for an answer can be shown where a head weighs the features of a backbone.
    why = () if predictor.is_net(args.head) else (load_head(args.head, params.checkpoint), Mapper(args.features))
    sheet = wrong_sheet(answers, args.raw, args.task, params.sheet_columns, params.sheet_limit, *why)
    some = predictions_sheet(answers, args.raw, args.task, params.sheet_columns, params.sheet_limit)
    for name, image in (("wrong", sheet), ("predictions", some)):
        with files.replacing(args.plots / "photos" / f"{name}.png") as temporary:
            image.save(temporary)
    print(f"{args.task}: top-1 {result['accuracy']:.1%} on {val.split} (n = {result['n']:,})")
    if note:
        print(f"NOTE: {note}")


if __name__ == "__main__":
    run(main)
