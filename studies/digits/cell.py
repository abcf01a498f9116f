"""One cell of the study: train a net by each seed, score it on the validation part (and, where asked, on test)."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import softmax

from sortline._core import files, runtime
from sortline._core.errors import run
from sortline.config.base import read_yaml
from sortline.config.training import TrainParams
from sortline.data import prepared
from sortline.evaluation import metrics
from sortline.nets import fit
from sortline.nets.fit import Parts
from sortline.nets.inputs import predictor
from sortline.nets.softmax import SoftmaxInNet

LINE = Path("../..")
PREPARED = LINE / "data/prepared/mnist"
# What the line keeps of the digits, and for a net of another size what this study extracts by the line's own stage.
KEPT, OF_ITS_OWN = LINE / "data/features/mnist", {"digits_cnn": Path("features/side28")}


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("group", choices=["grid", "variant", "report", "final"])
    parser.add_argument("names", nargs="*", help="grid: optimizer and schedule; the others: which")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    content = read_yaml(Path("params.yaml"))
    runtime.prepare()
    runtime.limit_threads(content["threads"])
    settings = settings_of(content, args.group, args.names)
    seeds = content["cnn_seeds" if settings.net == "digits_cnn" else "seeds"]
    whole = args.group == "final" or args.names == ["lenet5"]
    split = files.read_csv(PREPARED / "split.csv")
    folder = OF_ITS_OWN.get(settings.net, KEPT)
    data = fit.read(split, prepared.read_classes(PREPARED / "classes.json"), folder)
    test = prepared.read_part(PREPARED / "split.csv", "test") if whole else None
    data = data if whole else some_of(data, **content["subset"])
    wrong = "softmax_in_net" in "".join(args.names)
    runs = [trained(settings.model_copy(update={"seed": seed}), data, test, wrong) for seed in seeds]
    scores = [one["val_accuracy"] for one in runs]
    files.write_metrics(
        args.out,
        {
            "group": args.group,
            "names": args.names,
            "train_n": len(data.rows),
            "val_n": len(data.val_rows),
            "val_accuracy": float(np.mean(scores)),
            "val_std": float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
            "val_log_loss": float(np.mean([one["val_log_loss"] for one in runs])),
            "seeds": runs,
        },
    )


def settings_of(content: dict[str, Any], group: str, names: list[str]) -> TrainParams:
    """Return a cell's settings."""
    base = content["base"]
    if group == "grid":
        optimizer, schedule = names
        return TrainParams(**base | content["optimizers"][optimizer] | content["schedules"][schedule])
    if group == "report":
        return TrainParams(**content["reports"][names[0]])
    chosen = files.read_json(Path("chosen.json"))
    chosen = content["optimizers"][chosen["optimizer"]] | content["schedules"][chosen["schedule"]]
    if group == "variant":
        return TrainParams(**base | chosen | content["variants"][names[0]])
    return TrainParams(**chosen | content["finals"][names[0]])


def some_of(data: Parts, count: int, seed: int) -> Parts:
    """Return the data with `count` seeded digits of its train part."""
    chosen = np.sort(np.random.default_rng(seed).permutation(len(data.rows))[:count])
    return replace(data, rows=data.rows[chosen], labels=data.labels[chosen])


def trained(settings: TrainParams, data: Parts, test: prepared.Part | None, wrong: bool) -> dict[str, Any]:
    """Train by one seed; return the last epoch's scores and the curve."""
    net, _ = fit.build(data, settings, LINE)  # no backbone to start from
    feed, held = data.inputs.feed(net, data.rows, settings.augment), data.inputs.feed(net, data.val_rows)
    net = SoftmaxInNet(net) if wrong else net
    predict = predictor(net)
    curve = []
    for epoch in fit.epochs(net, feed, fit.targets_of(data.labels, data.classes, settings), settings):
        logits = predict(held)
        curve.append(float((logits.argmax(1) == data.val_labels).mean()))
        loss = f"loss {epoch.loss[0]:.4f}, val {curve[-1]:.2%}"
        print(f"seed {settings.seed}, epoch {epoch.number}: {loss}", flush=True)
    # What the net says are probabilities, where softmax is in it, is already in `logits`.
    logits = logits.astype(float)
    said = logits / logits.sum(1, keepdims=True) if wrong else softmax(logits, axis=1)
    own = np.take_along_axis(said, data.val_labels[:, None], axis=1)[:, 0]
    result = {
        "seed": settings.seed,
        "val_accuracy": curve[-1],
        "val_log_loss": metrics.log_loss(data.val_labels, said),
        "val_accuracy_if_sampled": float(own.mean()),  # what testing by a draw from the probabilities gives, on average
        "curve": curve,
    }
    if test is not None:
        score = metrics.share(predict(data.inputs.feed(net, test.rows)).argmax(1) == test.labels)
        result |= {f"test_{key}": value for key, value in score.items()}
    return result


if __name__ == "__main__":
    run(main)
