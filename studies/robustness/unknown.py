"""unknown: which score tells best what a model does not know. Usage: unknown.py --out FILE --table FILE

Known are the train photos, each scored by what was trained on the other folds. Strangers are pictures of nothing, and
each class in turn, scored by what was trained without it and without a fold.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from common import PARAMS, ROOT, SPLIT, Train, read, store
from scipy.special import logsumexp, softmax

from sortline._core import files, runtime
from sortline._core.cores import on_all_cores
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.training import TrainHeadParams
from sortline.data import prepared
from sortline.evaluation.strangers import KINDS, auroc, picture
from sortline.features.familiarity import UNKNOWN
from sortline.features.heads import Head
from sortline.features.mapper import Mapper
from sortline.training import calibration, generated, heads
from sortline.training.head_graph import HeadNet
from sortline.training.targets import smooth_targets
from sortline.training.vae import Vae

Score = Callable[[np.ndarray], np.ndarray]  # features (n, C) to float (n,), the higher the better known


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--out", "--table"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    runtime.prepare(PARAMS["seed"])
    train, strangers = read(), features_of_strangers()
    folds, classes = np.unique(train.folds), np.arange(train.classes)
    whole = np.ones(len(train.folds), bool)
    without = [
        *((whole, fold) for fold in folds),
        *((train.part.labels != one, folds[one % len(folds)]) for one in classes),
    ]
    masks = [kept & (train.folds != fold) for kept, fold in without]
    trained, bounds = fitted(masks), lower_bounds(train, np.stack(masks, 1))
    plain, labels = train.features[:, 0], train.part.labels
    found: dict[str, dict[str, list[float]]] = {}
    for number, ((kept, fold), head, bound) in enumerate(zip(without, trained, bounds, strict=True)):
        inside, known = kept & (train.folds != fold), kept & (train.folds == fold)
        missing = None if number < len(folds) else int(classes[number - len(folds)])
        for name, score in [*scores(plain[inside], head, missing), *with_bound(plain[inside], head, missing, bound)]:
            row, own = found.setdefault(name, {}), score(plain[known])
            if missing is not None:
                row.setdefault("class left out", []).append(auroc(own, score(plain[labels == missing])))
                continue
            limit, told = np.quantile(own, UNKNOWN), []
            for kind, shown in strangers.items():
                strange = score(shown)
                row.setdefault(kind, []).append(auroc(own, strange))
                told.append(float((strange < limit).mean()))
            row.setdefault("told", []).append(float(np.mean(told)))
    rows = {name: summary(row) for name, row in found.items()}
    files.write_metrics(args.out, {"n": len(labels), "strangers": PARAMS["strangers"], "scores": rows})
    files.write_text(args.table, "\n".join(table(files.read_json(args.out)["scores"], list(found))) + "\n")


def features_of_strangers() -> dict[str, np.ndarray]:
    mapper = Mapper(store())

    def features(one: tuple[str, int]) -> np.ndarray:
        return mapper.pooled(picture(*one, mapper.size)[None])[0, 0]

    count = PARAMS["strangers"]
    drawn = [(kind, number) for kind in KINDS for number in range(count)]
    every = np.stack(list(on_all_cores(features, drawn, "strangers")))
    return dict(zip(KINDS, every.reshape(len(KINDS), count, -1), strict=True))


def fitted(masks: list[np.ndarray]) -> list[Head]:
    """Return a head, as the line trains it, for each mask bool (n,) of train photos, with the line's temperature."""
    task = ROOT / "params.yaml"
    params = load(PARAMS["task"], "train_head", TrainHeadParams, task)
    classes = prepared.read_classes(SPLIT.with_name("classes.json"))
    data = heads.read(files.read_csv(SPLIT), classes, store().folder, params)
    rows, photo = heads.training_rows(data, params)
    net = HeadNet(rows.shape[-1], data.classes, params.pooling, params.hidden, params.activation)
    targets = smooth_targets(data.labels, data.classes, params.label_smoothing)[photo]
    *_, last = heads.epochs(rows, targets, np.stack(masks, 1)[photo], net, params)
    temperature = files.read_json(ROOT / "metrics" / PARAMS["task"] / "train.json")["temperature"]
    return [calibration.tempered(net.head(last.parameters, model), temperature) for model in range(len(masks))]


def lower_bounds(train: Train, masks: np.ndarray) -> list[Score]:
    """Return for each column of `masks` bool (n, models) how likely features are by a class-conditional VAE of those
    train photos (An and Cho 2015, "Variational Autoencoder based Anomaly Detection using Reconstruction Probability"):
    the evidence lower bound of each class it has seen, what its axes leave out being normal, summed over classes."""
    plain, labels = train.features[:, 0], train.part.labels
    spaces = [generated.space(plain[mask], labels[mask], train.classes) for mask in masks.T]
    net, trained = generated.nets("vae", plain, labels, masks, spaces, PARAMS["seed"])
    assert isinstance(net, Vae)

    def scored(space: generated.Space, values: dict[str, np.ndarray], known: np.ndarray) -> Score:
        width = plain.shape[1] - space.axes.shape[1]

        def left_out(features: np.ndarray, kinds: np.ndarray) -> np.ndarray:
            along = (space.coordinates(features, kinds) * space.scale) ** 2
            return ((features - space.means[kinds]) ** 2).sum(1) - along.sum(1)

        spread = left_out(plain[known], labels[known]).mean() / width

        def score(features: np.ndarray) -> np.ndarray:
            found = []
            for kind in np.unique(labels[known]):
                kinds = np.full(len(features), kind)
                one_hot = generated.kinds_of(kinds, train.classes)
                inside = net.bound(values, space.coordinates(features, kinds), one_hot)
                found.append(inside - left_out(features, kinds) / (2 * spread))
            return logsumexp(found, axis=0)

        return score

    return [scored(*one) for one in zip(spaces, trained, masks.T, strict=True)]


def with_bound(known: np.ndarray, head: Head, missing: int | None, bound: Score) -> Iterator[tuple[str, Score]]:
    """Yield the score of the VAE, and the energy with a share of it in place of the distance."""
    yield "lower bound of a class-conditional VAE (An and Cho 2015)", bound
    energy = dict(scores(known, head, missing))["energy (Liu et al. 2020)"]
    spread = energy(known).std() / bound(known).std()
    for share in PARAMS["shares"]:
        yield f"energy + {share:g} lower bound", added(energy, share * spread, bound)


def added(score: Score, scale: float, other: Score) -> Score:
    """Return the score that is one and so much of another."""
    return lambda features: score(features) + scale * other(features)


def scores(known: np.ndarray, head: Head, missing: int | None) -> Iterator[tuple[str, Score]]:
    """Yield every score by its name; a model knows the photos `known`, features (n, C), by a `head` that has not seen
    class `missing`."""
    weight, bias = (array.astype(float) for array in (head.weight, head.bias))
    if missing is not None:
        weight, bias = np.delete(weight, missing, 0), np.delete(bias, missing)

    def logits(features: np.ndarray) -> np.ndarray:
        return features @ weight.T + bias

    def energy(features: np.ndarray) -> np.ndarray:
        return logsumexp(logits(features), axis=1)

    yield "max-softmax (Hendrycks and Gimpel 2017)", lambda features: softmax(logits(features), axis=1).max(1)
    yield "max logit (Hendrycks et al. 2022)", lambda features: logits(features).max(1)
    yield "energy (Liu et al. 2020)", energy
    centre = known.mean(0, dtype=float)
    values, axes = np.linalg.eigh(np.cov((known - centre).T.astype(float), bias=True))
    axes = axes[:, np.argsort(-values)]

    def placed(features: np.ndarray, count: int) -> np.ndarray:
        return (features - centre) @ axes[:, :count]

    def unit(places: np.ndarray) -> np.ndarray:
        return places / np.maximum(np.linalg.norm(places, axis=1, keepdims=True), 1e-9)

    near = unit(placed(known, 48))

    def cosines(features: np.ndarray) -> np.ndarray:
        return np.sort(unit(placed(features, 48)) @ near.T, axis=1)

    for k in PARAMS["neighbours"]:

        def nearness(features: np.ndarray, k: int = k) -> np.ndarray:
            return cosines(features)[:, -k]

        yield f"cosine to neighbour {k} (Sun et al. 2022)", nearness
    for count in PARAMS["axes"]:

        def nearby(features: np.ndarray, count: int = count) -> np.ndarray:
            apart = ((features - centre) ** 2).sum(1) - (placed(features, count) ** 2).sum(1)
            return -np.sqrt(np.maximum(apart, 0))

        # Spreads by the photos that it was trained on: the photos of the other fold are what is asked about.
        spread = energy(known).std() / nearby(known).std()
        yield f"distance, {count} axes", nearby
        for share in PARAMS["shares"]:
            name = f"energy - {share:g} distance, {count} axes (ViM, Wang et al. 2022)"
            yield name, added(energy, share * spread, nearby)


def summary(row: dict[str, list[float]]) -> dict[str, float]:
    """Return each kind's mean over the folds, their mean and worst, and of the classes left out mean and worst."""
    kinds = {kind: float(np.mean(row[kind])) for kind in KINDS}
    classes, told = row["class left out"], float(np.mean(row["told"]))
    more = {"mean": float(np.mean(list(kinds.values()))), "worst": min(kinds.values()), "told": told}
    return kinds | more | {"class": float(np.mean(classes)), "class_worst": min(classes)}


def table(rows: dict[str, dict[str, float]], names: list[str]) -> list[str]:
    kinds = [*KINDS, "mean", "worst", "told", "class", "class_worst"]
    titles = [*KINDS, "mean", "worst kind", "told, %", "class left out, mean", "worst class"]
    lines = [f"| score | {' | '.join(titles)} |", "|" + " --- |" * (len(titles) + 1)]
    for name in names:
        cells = [f"{100 * rows[name][kind]:.1f}" if kind == "told" else f"{rows[name][kind]:.3f}" for kind in kinds]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    run(main)
