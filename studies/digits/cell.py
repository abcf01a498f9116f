"""One cell of the study: train a net by each seed, score it on the validation part (and, where asked, on test)."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import nn, ops
from PIL import Image

from sortline._core import files, runtime
from sortline._core.errors import run
from sortline.config.base import read_yaml
from sortline.config.training import TrainParams
from sortline.data import idx
from sortline.evaluation import metrics
from sortline.features.heads import softmax
from sortline.nets import registry
from sortline.training import nets
from sortline.training.inputs import GreyPictures, predictor

RAW, SPLIT = Path("../../data/raw/mnist"), Path("../../data/prepared/mnist/split.csv")


class SoftmaxInNet(nn.Cell):
    """The report's mistake: the net ends in softmax, and the loss takes softmax of that again."""

    def __init__(self, net: nn.Cell) -> None:
        super().__init__()
        self.net = net

    def construct(self, x):
        return ops.softmax(self.net(x), -1)


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
    parts = read(None if whole else content["subset"], registry.NETS[settings.net].image_size)
    wrong = "softmax_in_net" in "".join(args.names)
    runs = [trained(settings.model_copy(update={"seed": seed}), parts, wrong, whole) for seed in seeds]
    scores = [one["val_accuracy"] for one in runs]
    files.write_metrics(
        args.out,
        {
            "group": args.group,
            "names": args.names,
            "train_n": len(parts["train"][1]),
            "val_n": len(parts["val"][1]),
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


def read(subset: dict[str, int] | None, side: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return pictures uint8 (n, side, side) and labels of train (all, or the seeded subset), val and test."""
    raw, places = idx.read(RAW), {"train": [], "val": [], "test": []}
    for row in files.read_csv(SPLIT):
        if row["split"] in places:
            places[row["split"]].append(row["image"])
    if subset:
        chosen = np.random.default_rng(subset["seed"]).permutation(len(places["train"]))[: subset["count"]]
        places["train"] = [places["train"][i] for i in sorted(chosen.tolist())]
    found = {}
    for name, images in places.items():
        part = raw["test" if name == "test" else "train"]
        rows = [int(image.split("/")[1]) for image in images]
        found[name] = np.stack([resized(part.images[i], side) for i in rows]), part.labels[rows].astype(int)
    return found


def resized(image: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR))


def trained(settings: TrainParams, parts: dict[str, Any], wrong: bool, whole: bool) -> dict[str, Any]:
    """Train by one seed; return the last epoch's scores and the curve."""
    images, labels = parts["train"]
    val_images, val_labels = parts["val"]
    net = registry.build(settings.net, idx.CLASSES, settings.net_options())
    registry.initialise(net, settings.seed)
    net = SoftmaxInNet(net) if wrong else net
    answer = predictor(net)
    curve = []
    feed, held = GreyPictures(images, settings.augment), GreyPictures(val_images)
    for epoch in nets.epochs(net, feed, labels, idx.CLASSES, settings):
        logits = answer(held)
        curve.append(accuracy(logits, val_labels))
        print(f"seed {settings.seed}, epoch {epoch.number}: loss {epoch.loss[0]:.4f}, val {curve[-1]:.2%}", flush=True)
    # What the net says are probabilities, where softmax is in it, is already in `logits`.
    said = logits.astype(float) / logits.sum(1, keepdims=True, dtype=float) if wrong else softmax(logits)
    own = np.take_along_axis(said, val_labels[:, None], axis=1)[:, 0]
    result = {
        "seed": settings.seed,
        "val_accuracy": curve[-1],
        "val_log_loss": metrics.log_loss(val_labels, said),
        "val_accuracy_if_sampled": float(own.mean()),  # what testing by a draw from the probabilities gives, on average
        "curve": curve,
    }
    if whole:
        score = metrics.share(answer(GreyPictures(parts["test"][0])).argmax(1) == parts["test"][1])
        result |= {f"test_{key}": value for key, value in score.items()}
    return result


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    return float((logits.argmax(1) == labels).mean())


if __name__ == "__main__":
    run(main)
