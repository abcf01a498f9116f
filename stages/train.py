"""train: train a whole net from pixels, or fine-tune one; choose its epoch on the validation part.

Reads what extract kept, `split.csv` and, to fine-tune, the weights; writes `best.safetensors`, `last.safetensors`, the
latest epochs' checkpoints, `head.json`, the net as ONNX and MindIR, the curves, `train.json`. Params: `<task>.train`.
What it needs to go on after a kill lies in build/kept/ until it is done; how quick it was goes into
build/logs/, which is no output. Of several workers the first one writes.
"""

import argparse
import math
import shutil
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from sortline._core import files, runtime, unfinished, workers
from sortline._core.errors import UserError, run
from sortline._core.origin import origin
from sortline.config.base import load
from sortline.config.device import chosen
from sortline.config.training import TrainParams
from sortline.data import prepared
from sortline.evaluation import training
from sortline.evaluation.predictions import Predictions, table
from sortline.features import sets
from sortline.nets import fit, net_graphs, out_of_fold
from sortline.report import tracking, training_curves
from sortline.training.keeping import Keeper
from sortline.training.progress import log_of
from sortline.training.results import TrainedNet

if TYPE_CHECKING:
    from mindspore.nn import Cell  # which must not load before sortline has set the instruction set

LIVE = Path("dvclive")
THREADS = 2  # more gain nothing on nets as small as those of digits
ALL = "all"  # the folder of the net of all train photos, beside those of the folds


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    for option in ("--prepared", "--weights", "--features", "--out", "--plots", "--metrics"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "train", TrainParams)
    tracking.check(params.track)
    runtime.use(chosen())
    kept = unfinished.FOLDER / args.task
    alone = {"out_of_fold": params.out_of_fold, "contrastive": params.contrastive.share, "simclr": params.simclr}
    if workers.asked() > 1 and (keys := [key for key, given in alone.items() if given]):
        raise UserError(f"params.yaml: {args.task}.train.{keys[0]} trains on one worker; leave it out, or --workers 1")
    workers.serve()
    if workers.asked() > 1 and not workers.started():
        workers.launch(workers.asked(), [__file__, *argv], kept / "workers")
        return
    number, count = workers.place()
    if number:
        with tempfile.TemporaryDirectory() as scratch:
            train(args, params, Keeper(kept / "train" / ALL, due=math.inf), Path(scratch))
        return
    inputs = [args.prepared / "split.csv", args.prepared / "classes.json", args.features, args.weights]
    made_of = origin(params.model_dump(mode="json") | {"workers": count}, inputs)
    # Before it meets the other workers, which then go on from what is there.
    with unfinished.kept(kept / "train", made_of) as work:
        make(args, params, work)


def train(
    args: argparse.Namespace, params: TrainParams, keeper: Keeper, out: Path, log: Path | None = None
) -> tuple[TrainedNet, fit.Parts, "Cell"]:
    runtime.prepare(params.seed)
    workers.join()
    if not params.on_photos:
        runtime.limit_threads(THREADS)
    split = files.read_csv(args.prepared / "split.csv")
    data = fit.read(split, prepared.read_classes(args.prepared / "classes.json"), args.features)
    net, options = fit.build(data, params, args.weights, keeper.folder.with_name(f"{ALL}-simclr"))
    return fit.train(net, options, data, params, out, keeper, log=log), data, net


def make(args: argparse.Namespace, params: TrainParams, work: Path) -> None:
    (work / ALL).mkdir(exist_ok=True)
    trained, data, net = train(args, params, Keeper(work / ALL), work / ALL, log_of(args.task, "train"))
    unseen, split_csv = None, args.prepared / "split.csv"
    classes, part = prepared.read_classes(args.prepared / "classes.json"), prepared.read_part(split_csv, "train")
    with files.replacing(args.out) as out:
        out.mkdir()
        for path in (work / ALL).glob("*.safetensors"):
            shutil.copy(path, out)
        if params.out_of_fold:
            folds = prepared.read_folds(split_csv)
            unseen = out_of_fold.measure(data, folds, part.scenes, net, params, args.weights, work)
            out_of_fold.write(out, unseen, net)
            trained.about["threshold"] = unseen.threshold
            trained.about["familiarity"] = asdict(unseen.unknown)
            trained.about["sets"] = sets.limits(unseen.labels, unseen.out_of_fold)
        files.write_json(out / "head.json", trained.about)
        net_graphs.write_graphs(out, trained.about, data.inputs)
    with files.replacing(args.plots) as plots:
        plots.mkdir()
        if unseen is not None:
            found = Predictions(part, classes, unseen.out_of_fold)
            files.write_csv(plots / "predictions.csv", *table(found, unseen.near))
        held = len(trained.val_labels)
        training_curves.draw(trained.curve, plots, trained.train_n, held, trained.minimum, params.loss)
    result = training.of_net(params, trained, unseen)
    files.write_metrics(args.metrics, result)
    tracking.log(params.track, args.task, "train", params, args.metrics, args.plots, LIVE)
    print(
        f"{args.task}: epoch {trained.about['epoch']} of {len(trained.curve)} is used, "
        f"{result['val_accuracy']:.2%} on the validation part (n = {result['val_n']:,})"
    )


if __name__ == "__main__":
    run(main)
