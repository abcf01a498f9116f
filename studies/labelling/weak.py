"""weak: what photos without labels are worth beside few labelled ones. Usage: weak.py --out FILE

Some scenes of each class keep their labels, all other photos lose them; each photo is scored by the head of its fold,
which has not seen it, nor any other of the fold, with a label or without. The file holds `right` bool (ways, numbers of
labels, seeds, n), `all` bool (seeds, n), the same with all labels; `photos` int (numbers, seeds): how many kept theirs;
`given`, `fine` int (ways, numbers, seeds): labels that the last but one heads of the folds gave, and the right ones.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sortline._core import files, runtime
from sortline._core.errors import run
from sortline.config.base import load, read_yaml
from sortline.config.training import PseudoParams, TrainHeadParams
from sortline.data import prepared
from sortline.training import calibration, heads, pseudo
from sortline.training.results import Trained, TrainingSet

HERE = Path(__file__).parent
PARAMS = read_yaml(HERE / "params.yaml")
LINE = HERE.parents[1]


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(PARAMS["task"], "train_head", TrainHeadParams, LINE / "params.yaml")
    runtime.prepare(params.seed)
    found = simulate(read(params), params, PARAMS["weak"])
    with files.replacing(args.out) as path, path.open("wb") as file:
        np.savez(file, **found)


def read(params: TrainHeadParams) -> TrainingSet:
    folder = LINE / "data" / "prepared" / PARAMS["task"]
    split, classes = files.read_csv(folder / "split.csv"), prepared.read_classes(folder / "classes.json")
    data = heads.read(split, classes, LINE / "data" / "features" / PARAMS["task"], params)
    return replace(data, photo_folds=None)


def simulate(data: TrainingSet, params: TrainHeadParams, plan: dict) -> dict[str, np.ndarray]:
    """Return what the file holds, by its names."""
    ways = [way and PseudoParams(**way) for way in plan["ways"].values()]
    shape = len(ways), len(plan["labelled"]), len(plan["seeds"])
    right, everything = np.zeros((*shape, len(data.labels)), bool), []
    photos, (given, fine) = np.zeros(shape[1:], int), np.zeros((2, *shape), int)
    for s, seed in enumerate(plan["seeds"]):
        own = params.model_copy(update={"seed": seed})
        everything.append(correct(heads.train_by_steps(data, own), data))
        order = np.random.default_rng(seed).permutation(np.unique(data.groups))
        for c, count in enumerate(tqdm(plan["labelled"], desc=f"seed {seed}", disable=None)):
            known = draw(data, order, count)
            photos[c, s] = known.sum()
            for w, (head, *labels) in enumerate(trained(data, known, own, ways)):
                right[w, c, s] = correct(head, data)
                given[w, c, s], fine[w, c, s] = labels
    return {"right": right, "all": np.stack(everything), "photos": photos, "given": given, "fine": fine}


def draw(data: TrainingSet, order: np.ndarray, count: int) -> np.ndarray:
    """Return which photos keep their label, bool (n,): of each class the first scenes of `order`, whole, until there
    are `count` photos of it, not all in one fold."""
    kept = np.zeros(len(data.labels), bool)
    for label in range(data.classes):
        own = data.labels == label
        for scene in order[np.isin(order, data.groups[own])]:
            have = kept & own
            if have.sum() >= count and len(np.unique(data.folds[have])) > 1:
                break
            kept |= data.groups == scene
    return kept


def trained(
    data: TrainingSet, known: np.ndarray, params: TrainHeadParams, ways: list[PseudoParams | None]
) -> list[tuple[Trained, int, int]]:
    """Return what each way trains where the photos `known`, bool (n,), have a label: heads, how many labels those
    before them gave the other photos, and how many of these are right."""
    own = {name: getattr(data, name)[known] for name in ("features", "labels", "folds", "groups")}
    labelled, unlabelled = replace(data, **own), pseudo.UnlabelledSet(data.features[~known], data.folds[~known])
    truth, folds, found = data.labels[~known, None], len(data.fold_numbers), []

    def as_long(more: int = 0) -> TrainHeadParams:
        """As many steps as on all photos, with so many rows more: of few photos an epoch is a step or two."""
        views = data.features.shape[1]
        share = len(known) * views / (known.sum() * views + more)
        longer = {"epochs": round(params.epochs * share), "warmup_epochs": params.warmup_epochs * share}
        return params.model_copy(update=longer)

    alone = heads.train_by_steps(labelled, as_long())
    for way in ways:
        head, given, fine = alone, 0, 0
        for _ in range(way.rounds if way else 0):
            told = params.model_copy(update={"pseudo": way})
            labels, taken = pseudo.label(labelled, unlabelled, head, told)
            given, fine = int(taken[:, :folds].sum()), int((taken & (labels == truth))[:, :folds].sum())
            extra = pseudo.taught(labelled, unlabelled, labels, taken, told)
            head = heads.train_by_steps(labelled, as_long(len(extra.features)), extra=extra)
        found.append((head, given, fine))
    return found


def correct(found: Trained, data: TrainingSet) -> np.ndarray:
    """Return which photos are right by the head of their fold, bool (n,)."""
    heads_of = {str(fold): head for fold, head in found.fold_heads.items()}
    return calibration.logits_out_of_fold(data, heads_of).argmax(1) == data.labels


if __name__ == "__main__":
    run(main)
