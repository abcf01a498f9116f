"""train_head: train a head on the cached features; score it out of fold.

Reads the features and `split.csv`; writes `best.safetensors`, `last.safetensors`, `head.json`, a line an epoch for
people (`log.txt`) and the out-of-fold probabilities; the curves and out-of-fold predictions; and `train.json`. Params:
`<task>.train_head`. How quick it was goes into build/logs/, which is no output.
"""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from sortline._core import files, runtime, unfinished
from sortline._core.errors import run
from sortline._core.origin import origin
from sortline.config.base import load
from sortline.config.device import chosen
from sortline.config.training import TrainHeadParams
from sortline.data import prepared
from sortline.evaluation import training
from sortline.evaluation.predictions import Predictions, table
from sortline.features import familiarity, sets, similarity
from sortline.features.heads import save_heads
from sortline.report import tracking, training_curves
from sortline.training import calibration, heads, pseudo
from sortline.training.keeping import Keeper
from sortline.training.progress import log_of

LIVE = Path("dvclive")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    for option in ("--prepared", "--features", "--out", "--plots", "--metrics"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "train_head", TrainHeadParams)
    tracking.check(params.track)
    runtime.use(chosen())
    inputs = [args.prepared / "split.csv", args.prepared / "classes.json", args.features]
    inputs += [Path(params.init_from)] if params.init_from else []
    made_of = origin(params.model_dump(mode="json"), inputs)
    with unfinished.kept(unfinished.FOLDER / args.task / "train_head", made_of) as work:
        make(args, params, Keeper(work), log_of(args.task, "train_head"))


def make(args: argparse.Namespace, params: TrainHeadParams, keeper: Keeper, log: Path) -> None:
    runtime.prepare(params.seed)
    split = files.read_csv(args.prepared / "split.csv")
    classes = prepared.read_classes(args.prepared / "classes.json")
    data = heads.read(split, classes, args.features, params)
    if params.optimizer == "lbfgs":
        from sortline.training.lbfgs import train_lbfgs  # scikit-learn takes a second to load

        trained = train_lbfgs(data, params)
    elif params.pseudo:
        trained = pseudo.train(data, pseudo.read(split, args.features, params), params, keeper, log)
    else:
        trained = heads.train_by_steps(data, params, keeper, log)
    calibrated = calibration.calibrate(trained, data.labels, params)
    reference = similarity.fit(data.pooled())
    similarities = reference.out_of_fold(data.folds)
    unfamiliar = similarity.unfamiliar_below(similarities)
    logits = calibration.logits_out_of_fold(data, calibrated.fold_heads)
    distances = familiarity.distances(data.pooled(), data.folds)
    unknown = familiarity.fit(logits, distances)
    train = Predictions(prepared.read_part(args.prepared / "split.csv", "train"), classes, calibrated.out_of_fold)

    with files.replacing(args.out) as out:
        out.mkdir()
        about: dict[str, Any] = {"checkpoint": trained.checkpoint, "solver": params.optimizer, "dataset": data.dataset}
        about |= {"threshold": calibrated.threshold, "unfamiliar_below": unfamiliar}
        about["familiarity"] = asdict(unknown)
        about["sets"] = sets.limits(data.labels, calibrated.out_of_fold)
        save_heads(out, calibrated.heads, about)
        (out / "folds").mkdir()
        save_heads(out / "folds", calibrated.fold_heads, {})
        reference.write(out / "reference.safetensors")
        np.save(out / "out_of_fold.npy", calibrated.out_of_fold.astype(np.float32))
        np.save(out / "familiarity.npy", unknown.score(logits, distances).astype(np.float32))
        if calibrated.by_photo is not None:
            np.save(out / "by_photo.npy", calibrated.by_photo.astype(np.float32))
        if trained.curve_x == "epoch":
            files.write_text(out / "log.txt", training_curves.log_text(trained.curve, trained.minimum))
    with files.replacing(args.plots) as plots:
        plots.mkdir()
        files.write_csv(plots / "predictions.csv", *table(train, similarities))
        n = len(data.labels)
        if trained.curve_x == "epoch":
            training_curves.draw(trained.curve, plots, n, n, trained.minimum, params.loss)
        else:
            training_curves.draw_selection(trained.curve, plots, n, trained.facts["c"])
    result = training.of_heads(data, params, trained, calibrated) | {"unfamiliar_below": unfamiliar}
    given = prepared.read_part(args.prepared / "split.csv", "train", as_given=True)
    files.write_metrics(args.metrics, result | training.on_given_labels(train, given))
    tracking.log(params.track, args.task, "train_head", params, args.metrics, args.plots, LIVE)


if __name__ == "__main__":
    run(main)
