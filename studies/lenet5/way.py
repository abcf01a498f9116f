"""way: what one way says of train, out of fold. Usage: way.py NAME --out FILE

The file holds the probabilities float32 (n, classes) of the train photos, once of folds that keep scenes together
(`fold`), once of folds dealt by photo (`photo_fold`), as the reports' splits are.
"""

import argparse
from collections import deque
from pathlib import Path

import numpy as np
from lenet import LeNet5Photos
from scipy.special import softmax
from tqdm import tqdm

from sortline._core import files, runtime
from sortline._core.errors import run
from sortline.backbones.preprocessing import Preprocessing
from sortline.config.augment import CropParams
from sortline.config.base import read_yaml
from sortline.config.training import Recipe
from sortline.data import prepared
from sortline.features.store import FeatureStore
from sortline.nets import fit, registry
from sortline.nets.inputs import Pictures, predictor

HERE = Path(__file__).parent
PARAMS = read_yaml(HERE / "params.yaml")
SPLIT = HERE.parents[1] / "data" / "prepared" / PARAMS["task"] / "split.csv"
SCALING = Preprocessing((0.5,) * 3, (0.25,) * 3)


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    way, train = PARAMS["ways"][args.name], prepared.read_part(SPLIT, "train")
    classes = len(prepared.read_classes(SPLIT.with_name("classes.json")).names)
    store = FeatureStore(HERE / "features" / way["size"])
    pictures = store.inputs(train.total)[train.rows]
    recipe = Recipe(**PARAMS["train"], epochs=way["epochs"])
    change = CropParams(**PARAMS["crops"]) if way["augment"] else None
    found = {}
    for column in ("fold", "photo_fold"):
        folds, said = prepared.read_folds(SPLIT, column), np.full((len(train.rows), classes), np.nan)
        for fold in np.unique(folds):
            held = folds == fold
            runtime.prepare(recipe.seed)
            net = LeNet5Photos(pictures.shape[1], classes, way["colour"], way["pooling"])
            registry.initialize(net, recipe.seed)
            feed = Pictures(pictures[~held], SCALING, change)
            wanted = fit.targets_of(train.labels[~held], classes, recipe)
            epochs, what = fit.epochs(net, feed, wanted, recipe), f"{column} {fold}"
            deque(tqdm(epochs, total=recipe.epochs, desc=what, unit="epoch", disable=None), maxlen=0)
            said[held] = softmax(predictor(net)(Pictures(pictures[held], SCALING)), axis=1)
        found[column] = said.astype(np.float32)
        print(f"{args.name}, {column}: {(said.argmax(1) == train.labels).mean():.2%}", flush=True)
    with files.replacing(args.out) as path, path.open("wb") as file:
        np.savez(file, **found)


if __name__ == "__main__":
    run(main)
