"""classify: train LeNet-5 on real or on made-up digits alone. Usage: classify.py SOURCE --samples FOLDER --out FILE

SOURCE is real, vae or gan. Written: bool (10000,), which of the real test digits it gets right.
"""

import argparse
from collections import deque
from pathlib import Path

import numpy as np
from common import PARAMS, digits

from sortline._core import files, runtime
from sortline._core.errors import run
from sortline.config.training import Recipe
from sortline.data.idx import CLASSES
from sortline.nets import fit, registry
from sortline.nets.inputs import Pictures, predictor


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", choices=PARAMS["sources"])
    for option in ("--samples", "--out"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    recipe = Recipe(**PARAMS["lenet5"])
    runtime.prepare(recipe.seed)
    images, labels = digits("train")
    if args.source != "real":
        with np.load(args.samples / f"{args.source}.npz") as made:
            images, labels = made["images"], made["labels"]
    net = registry.build("lenet5", CLASSES, {})
    registry.initialize(net, recipe.seed)
    deque(fit.epochs(net, framed(images), fit.targets_of(labels, CLASSES, recipe), recipe), maxlen=0)
    tested, truth = digits("test")
    right = predictor(net)(framed(tested)).argmax(1) == truth
    print(f"{args.source}: {right.mean():.2%}")
    with files.replacing(args.out) as path, path.open("wb") as file:
        np.save(file, right)


def framed(images: np.ndarray) -> Pictures:
    """Return the digits amid 32 pixels a side, as LeCun et al. 1998 give them to LeNet-5."""
    return Pictures(np.pad(images, ((0, 0), (2, 2), (2, 2))))


if __name__ == "__main__":
    run(main)
