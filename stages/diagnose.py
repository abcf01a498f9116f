"""diagnose: which labels and photos are doubtful, and what spoilt photos do to the accuracy.

Reads the split, the features with their backbone, the head with its out-of-fold probabilities, and the raw photos;
writes diagnose.json, tables, a chart, and sheets (under photos/). Params: `<task>.diagnose`.
"""

import argparse
from pathlib import Path

import numpy as np

from sortline import predictor
from sortline._core import files
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.diagnose import DiagnoseParams
from sortline.data import prepared
from sortline.data.datasets import open_picture
from sortline.evaluation import diagnosis, suspects
from sortline.features import store
from sortline.features.heads import load_head
from sortline.features.mapper import Mapper
from sortline.report import figures

MOST_SPOILT = 1000  # photos, evenly spread: each is spoilt in every way


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    for option in ("--prepared", "--features", "--head", "--raw", "--metrics", "--plots"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "diagnose", DiagnoseParams)
    split, net = args.prepared / "split.csv", predictor.is_net(args.head)
    # A net has no out-of-fold answers: its labels are looked at where it was not trained, in val.
    val, train = prepared.read_part(split), prepared.read_part(split, "val" if net else "train")
    names = prepared.read_classes(args.prepared / "classes.json").names
    dataset = files.read_json(args.features / "features.json")["dataset"]
    if net:
        from sortline.training import inputs  # MindSpore takes seconds to load, and a head needs none of it

        head = mapper = predictor.NetSession(args.head)
        stored = inputs.read(args.features, val.total)
        seen = stored.array if stored.pooled is None else stored.pooled[:, 0]
        features = seen[train.places].reshape(len(train.images), -1).astype(np.float32)
        out_of_fold = predictor.probabilities(args.head, args.features, train, dataset)
    else:
        head, mapper = load_head(args.head), Mapper(args.features)
        features = store.read(args.features, val.total)[train.places, 0, 0]
        out_of_fold = np.load(args.head / "out_of_fold.npy", allow_pickle=False)

    found = suspects.find(train.labels, out_of_fold, features, params.neighbours, params.outliers)
    table = suspects.rows(found, train.images, train.labels, out_of_fold, names)
    n = len(val.images)
    some = np.unique(np.linspace(0, n - 1, min(n, MOST_SPOILT)).round().astype(int))
    photos = [args.raw / val.images[i] for i in some]
    scores = diagnosis.corrupted_accuracy(photos, val.labels[some], head, mapper, params.severities)
    spoilt = [score["accuracy"] for (_, severity), score in scores.items() if severity]
    result = {
        "split": f"{val.split} (corruptions); {train.split} (suspects)",
        "dataset": dataset,
        "corruption_accuracy": {f"{name} {severity}": score for (name, severity), score in scores.items()},
        "mean_corruption_accuracy": float(np.mean(spoilt)),
        "suspected_labels": len(found.labels),
        "n_train": len(train.labels),
    }

    files.write_csv(args.plots / "suspects.csv", suspects.COLUMNS, table)
    rows = [[name, severity, *score.values()] for (name, severity), score in scores.items()]
    files.write_csv(args.plots / "corruptions.csv", ["corruption", "severity", "accuracy", "low", "high", "n"], rows)
    title = f"{args.task}: accuracy on spoilt {val.split} photos (n = {len(photos):,} each)"
    figures.corruptions(scores, args.plots / "corruptions.png", title=title)
    sheets = {
        "corruptions": diagnosis.corruption_sheet(open_picture(photos[0]), mapper.size, scores, args.task),
        "suspects": diagnosis.suspects_sheet(
            found, args.raw, train.images, train.labels, out_of_fold, names, params.suspects, args.task
        ),
        "outliers": diagnosis.outliers_sheet(found, args.raw, train.images, train.labels, names, args.task),
    }
    for name, sheet in sheets.items():
        with files.replacing(args.plots / "photos" / f"{name}.png") as temporary:
            sheet.save(temporary)
    files.write_metrics(args.metrics, result)
    plain = scores["none", 0]
    print(
        f"{args.task}: {len(found.labels)} suspected labels of {len(train.labels):,}; {plain['n']:,} photos of "
        f"{val.split} spoilt: {result['mean_corruption_accuracy']:.1%} right on the mean, "
        f"{plain['accuracy']:.1%} as they are"
    )


if __name__ == "__main__":
    run(main)
