"""train: train a whole net from pixels, or fine-tune one; choose its epoch on the validation part.

Reads what extract kept, `split.csv` and, to fine-tune, the weights; writes `best.safetensors`, `last.safetensors`, the
latest epochs' checkpoints, `head.json`, the net as ONNX and MindIR, the curves, `train.json`. Params: `<task>.train`.
"""

import argparse
from pathlib import Path

from sortline._core import files, runtime
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.training import TrainParams
from sortline.data import prepared
from sortline.evaluation import training
from sortline.nets import fit
from sortline.report import tracking, training_curves

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
    runtime.prepare(params.seed)
    if not params.on_photos:
        runtime.limit_threads(THREADS)
    split = files.read_csv(args.prepared / "split.csv")
    data = fit.read(split, prepared.read_classes(args.prepared / "classes.json"), args.features)
    net, options = fit.build(data, params, args.weights)

    with files.replacing(args.out) as out:
        out.mkdir()
        trained = fit.train(net, options, data, params, out)
        files.write_json(out / "head.json", trained.about)
        fit.write_graphs(out, trained.about, data.inputs)
    with files.replacing(args.plots) as plots:
        plots.mkdir()
        training_curves.draw(trained.curve, plots, trained.train_n, len(trained.val_labels), trained.minimum)
    result = training.of_net(params, trained)
    files.write_metrics(args.metrics, result)
    tracking.log(params.track, args.task, "train", params, args.metrics, args.plots, LIVE)
    print(
        f"{args.task}: epoch {trained.about['epoch']} of {len(trained.curve)} is used, "
        f"{result['val_accuracy']:.2%} on the validation part (n = {result['val_n']:,})"
    )


if __name__ == "__main__":
    run(main)
