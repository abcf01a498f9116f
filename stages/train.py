"""train: train a whole net from pixels, or fine-tune one; choose its epoch on the validation part.

Reads what extract kept, `split.csv` and, to fine-tune, the weights; writes `best.safetensors`, `last.safetensors`, the
latest epochs' checkpoints, `head.json`, the net as ONNX and MindIR, the curves, `train.json`. Params: `<task>.train`.
What it needs to go on after a kill lies in build/kept/ until it is done.
"""

import argparse
import shutil
from pathlib import Path

from sortline._core import files, runtime, unfinished
from sortline._core.errors import run
from sortline._core.origin import origin
from sortline.config.base import load
from sortline.config.training import TrainParams
from sortline.data import prepared
from sortline.evaluation import training
from sortline.evaluation.predictions import Predictions, table
from sortline.nets import fit, out_of_fold
from sortline.report import tracking, training_curves
from sortline.training.keeping import Keeper

LIVE = Path("dvclive")
THREADS = 2  # more gain nothing on nets as small as those of digits


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    for option in ("--prepared", "--weights", "--features", "--out", "--plots", "--metrics"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "train", TrainParams)
    tracking.check(params.track)
    inputs = [args.prepared / "split.csv", args.prepared / "classes.json", args.features, args.weights]
    made_of = origin(params.model_dump(mode="json"), inputs)
    with unfinished.kept(unfinished.FOLDER / args.task / "train", made_of) as work:
        make(args, params, work)


def make(args: argparse.Namespace, params: TrainParams, work: Path) -> None:
    runtime.prepare(params.seed)
    if not params.on_photos:
        runtime.limit_threads(THREADS)
    split = files.read_csv(args.prepared / "split.csv")
    classes = prepared.read_classes(args.prepared / "classes.json")
    data = fit.read(split, classes, args.features)
    net, options = fit.build(data, params, args.weights)
    (work / "all").mkdir(exist_ok=True)

    unseen, split_csv = None, args.prepared / "split.csv"
    with files.replacing(args.out) as out:
        out.mkdir()
        trained = fit.train(net, options, data, params, work / "all", Keeper(work / "all"))
        for path in (work / "all").glob("*.safetensors"):
            shutil.copy(path, out)
        if params.out_of_fold:
            train = prepared.read_part(split_csv, "train")
            given = data, prepared.read_folds(split_csv), train.scenes, net
            unseen = out_of_fold.measure(*given, params, args.weights, work)
            out_of_fold.write(out, unseen, net)
            trained.about["threshold"] = unseen.threshold
        files.write_json(out / "head.json", trained.about)
        fit.write_graphs(out, trained.about, data.inputs)
    with files.replacing(args.plots) as plots:
        plots.mkdir()
        if unseen is not None:
            found = Predictions(train, classes, unseen.out_of_fold)
            files.write_csv(plots / "predictions.csv", *table(found, unseen.near))
        training_curves.draw(trained.curve, plots, trained.train_n, len(trained.val_labels), trained.minimum)
    result = training.of_net(params, trained, unseen)
    files.write_metrics(args.metrics, result)
    tracking.log(params.track, args.task, "train", params, args.metrics, args.plots, LIVE)
    print(
        f"{args.task}: epoch {trained.about['epoch']} of {len(trained.curve)} is used, "
        f"{result['val_accuracy']:.2%} on the validation part (n = {result['val_n']:,})"
    )


if __name__ == "__main__":
    run(main)
