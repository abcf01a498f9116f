"""A report's trainings, run again as it had them and as they should be: side by side, on photos of the line."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from sortline._core import files, runtime
from sortline._core.errors import UserError
from sortline.config.replay import Report, Run
from sortline.config.training import TrainHeadParams, TrainParams
from sortline.data import prepared
from sortline.data.prepared import Classes
from sortline.evaluation import metrics
from sortline.features.heads import Head, softmax
from sortline.nets import fit
from sortline.nets.inputs import predictor
from sortline.nets.softmax import SoftmaxInNet
from sortline.training import heads, loop
from sortline.training.head_graph import HeadNet
from sortline.training.head_loss import Besides
from sortline.training.mixing import Mixing

NEW_SCENES, BY_PHOTO = "fold", "photo_fold"  # columns of split.csv
VAL, ITSELF = "val", "train"  # where there are no folds: the part held out; the photos trained on
Epochs = Iterator[tuple[float, np.ndarray]]  # of each: the mean loss, the outputs (n, classes) for what is held out


@dataclass(frozen=True)
class Place:
    """The folders that runs read: of the task what `prepare`, `extract` and `weights` made; `beside`: the report's."""

    prepared: Path
    features: Path
    weights: Path
    beside: Path

    def of(self, report: Report, run: Run) -> "Place":
        """Return where this run looks, as the report names it."""
        features = self.beside / run.features if run.features else self.features
        weights = self.beside / report.weights if report.weights else self.weights
        return replace(self, features=features, weights=weights)

    def tables(self) -> tuple[list[dict[str, str]], Classes]:
        """Return the rows of split.csv and the classes."""
        return files.read_csv(self.prepared / "split.csv"), prepared.read_classes(self.prepared / "classes.json")

    @property
    def has_folds(self) -> bool:
        return any(row["fold"] for row in files.read_csv(self.prepared / "split.csv"))


@dataclass(frozen=True)
class Trial:
    """A training, watched: by epoch the loss and the outputs float (n, classes) for what was held out, whose labels and
    scenes are int (n,); `probabilities`: the outputs are these, else logits. `diverged`: what ended it, if something
    did."""

    losses: list[float]
    outputs: list[np.ndarray]
    labels: np.ndarray
    scenes: np.ndarray
    diverged: str = ""
    probabilities: bool = False

    @property
    def accuracies(self) -> list[float]:
        return [float((one.argmax(1) == self.labels).mean()) for one in self.outputs]


def replay(report: Report, place: Place, work: Path | None = None) -> dict[str, Any]:
    """Return, by the name of each run, what it gives as the report had it (`was`) and as it should be (`should`).

    As it was: parted as the report did, by its settings, its best epoch if it chose on the test set, its net's softmax,
    a share of the photos if batching dropped some. As it should be: no scene in two folds, the last epoch, every
    photo, the most probable class. What is in the folder `work` of runs before is not run again; each run adds itself.
    Raises `UserError` where a folder or setting is missing.
    """
    found: dict[str, Any] = {}
    seen: dict[str, Trial] = {}
    for name, run in report.runs.items():
        _check(report, run, place, name)
    for name, run in report.runs.items():
        kept = None if work is None else work / f"{name}.json"
        if kept is not None and kept.is_file():
            found[name] = files.read_json(kept)
            continue
        found[name] = _both(report, run, place.of(report, run), name, seen)
        if kept is not None:
            files.write_json(kept, found[name])
    return found


def _check(report: Report, run: Run, place: Place, name: str) -> None:
    """Raise `UserError` for what a replay would leave out or cannot do."""
    for params in (run.params({}), run.params(run.instead)):
        problem = ""
        if params.patience:
            problem = "patience: a replay trains all epochs; leave it out, and set epochs"
        elif isinstance(params, TrainHeadParams):
            if params.init_from:
                problem = "init_from: a replay starts its heads anew; leave it out"
            elif params.optimizer == "lbfgs":
                problem = "optimizer: lbfgs has no epochs to replay; name another"
            elif params.pseudo or params.generated.by != "none":
                problem = "pseudo, generated: a replay's heads learn from the photos' own rows; leave it out"
            elif report.split == "none" or not place.has_folds:
                problem = "train_head: a head is scored on folds; name a task that has some, and a split but none"
        if problem:
            raise UserError(f"{report.title}: {name}: {problem}")


def _both(report: Report, run: Run, place: Place, name: str, seen: dict[str, Trial]) -> dict[str, Any]:
    """`seen`: trainings that were done for other runs, which are not done again."""

    def trial(params: TrainHeadParams | TrainParams, part: str, softmax_twice: bool, what: str) -> Trial:
        key = f"{params.model_dump_json()} {place.features} {run.photos} {part} {softmax_twice}"
        if key not in seen:
            seen[key] = _trial(report, run, params, place, part, softmax_twice, f"{name}, {what}")
        return seen[key]

    folds = place.has_folds
    usual = {"photo": BY_PHOTO, "scene": NEW_SCENES, "none": ITSELF, None: BY_PHOTO}[report.split]
    parts = (usual, NEW_SCENES) if folds else (ITSELF if report.split == "none" else VAL, VAL)
    was = trial(run.params({}), parts[0], report.net_ends_in == "softmax", "as it was")
    right = run.params(run.instead)
    should = trial(right, parts[1], False, "as it should be")
    result: dict[str, Any] = {"was": _as_it_was(report, was), "should": _as_it_should_be(should, folds)}
    if folds and report.split != "none":
        # What the same settings are worth on new scenes: of heads at no cost.
        same = should if not run.instead else None
        if same is None and isinstance(right, TrainHeadParams):
            same = trial(run.params({}), NEW_SCENES, False, "new scenes")
        if same is not None and same.outputs:
            result["was"] |= metrics.named(_as_it_should_be(same, True), "new_scenes", "new_scenes_n")
    result["curves"] = {
        "loss": was.losses, "was": was.accuracies, "should_loss": should.losses, "should": should.accuracies
    }  # fmt: skip
    return result


def _as_it_was(report: Report, trial: Trial) -> dict[str, Any]:
    if not trial.outputs:
        return {"diverged": trial.diverged}
    accuracies = trial.accuracies
    best = int(np.argmax(accuracies))
    epoch = best if report.chosen_on == "test" else len(accuracies) - 1
    outputs, labels = trial.outputs[epoch], trial.labels
    if report.drops_remainder and report.batch_size:
        whole = len(labels) // report.batch_size * report.batch_size
        kept = np.sort(np.random.default_rng(0).permutation(len(labels))[:whole])
        outputs, labels = outputs[kept], labels[kept]
    result = metrics.share(outputs.argmax(1) == labels)
    if report.tested_by == "sampling":
        # The mean probability of the right class is what a draw scores on average, without its luck.
        said = outputs if trial.probabilities else softmax(outputs)
        drawn = float(np.take_along_axis(said, labels[:, None], 1).mean())
        low, high = metrics.wilson(round(drawn * len(labels)), len(labels))
        result |= {"accuracy": drawn, "low": low, "high": high, "by_argmax": result["accuracy"]}
    more = {"diverged": trial.diverged} if trial.diverged else {}
    return {**result, "epoch": epoch + 1, "best_epoch": accuracies[best], "last_epoch": accuracies[-1], **more}


def _as_it_should_be(trial: Trial, by_scene: bool) -> dict[str, Any]:
    if not trial.outputs:
        return {"diverged": trial.diverged}
    right = trial.outputs[-1].argmax(1) == trial.labels
    return metrics.share_by_scene(right, trial.scenes) if by_scene else metrics.share(right)


def _trial(
    report: Report,
    run: Run,
    params: TrainHeadParams | TrainParams,
    place: Place,
    part: str,
    ends_in_softmax: bool,
    what: str,
) -> Trial:
    runtime.prepare(params.seed)
    losses, outputs, diverged = [], [], ""
    train = prepared.read_part(place.prepared / "split.csv", "train")
    if isinstance(params, TrainHeadParams):
        held, epochs = np.arange(len(train.rows)), _heads(params, place, part)
        labels, scenes = train.labels, train.scenes
    else:
        data, held = _parts(report, run.photos or report.photos, place, part)
        labels = data.val_labels
        scenes = train.scenes[held] if part in (NEW_SCENES, BY_PHOTO) else np.arange(len(labels))
        epochs = _net(data, params, place, ends_in_softmax)
    try:
        for loss, output in tqdm(epochs, total=params.epochs, desc=what, unit="epoch", disable=None):
            losses.append(loss)
            outputs.append(output)
    except loop.Diverged as error:
        diverged = str(error)
    probabilities = params.activation == "softmax" if isinstance(params, TrainHeadParams) else ends_in_softmax
    return Trial(losses, outputs, labels, scenes, diverged, probabilities)


def _heads(params: TrainHeadParams, place: Place, column: str) -> Epochs:
    """Train one head a fold, all at once, each on the photos of the other folds."""
    data = heads.read(*place.tables(), place.features, params)
    folds = prepared.read_folds(place.prepared / "split.csv", column)
    rows, photo = heads.training_rows(data, params)
    net = HeadNet(rows.shape[-1], data.classes, params.pooling, params.hidden, params.activation)
    targets, besides = heads.targets_of(data, params), Besides.of(params, data.bin_of)
    held = [folds == fold for fold in np.unique(folds)]
    masks = ~np.stack(held, 1)
    mixing, learnt = Mixing(params.mixup, params.cutmix), (rows, targets[photo], masks[photo])
    for epoch in heads.epochs(*learnt, net, params, params.dropout, mixing=mixing, besides=besides):
        outputs = np.empty((len(folds), data.classes), np.float32)
        for number, mask in enumerate(held):
            head: Head = net.head(epoch.parameters, number)
            outputs[mask] = head.logits(data.features[mask, 0])
        yield float(epoch.loss.mean()), outputs


def _parts(report: Report, photos: int | None, place: Place, part: str) -> tuple[fit.Parts, np.ndarray]:
    """Return what a net trains on and what is held out, which of train's photos that is: fold 0, or the val part."""
    data = fit.read(*place.tables(), place.features)
    rows, labels, held = data.rows, data.labels, np.arange(0)
    if part in (NEW_SCENES, BY_PHOTO):
        outside = prepared.read_folds(place.prepared / "split.csv", part) == 0
        held = np.flatnonzero(outside)
        data = replace(
            data, rows=rows[~outside], labels=labels[~outside], val_rows=rows[outside], val_labels=labels[outside]
        )
    if photos:
        kept = _some(len(data.rows), photos)
        data = replace(data, rows=data.rows[kept], labels=data.labels[kept])
    if part == ITSELF:
        data = replace(data, val_rows=data.rows, val_labels=data.labels)
    if report.held and not len(held):
        kept = _some(len(data.val_rows), report.held)
        data = replace(data, val_rows=data.val_rows[kept], val_labels=data.val_labels[kept])
    return data, held


def _some(n: int, count: int) -> np.ndarray:
    return np.sort(np.random.default_rng(0).permutation(n)[:count])


def _net(data: fit.Parts, params: TrainParams, place: Place, ends_in_softmax: bool) -> Epochs:
    net, _ = fit.build(data, params, place.weights)
    inputs, change = data.inputs, params.crops if params.on_photos else params.augment
    feed, held = inputs.feed(net, data.rows, change), inputs.feed(net, data.val_rows)
    cell = SoftmaxInNet(inputs.part(net)) if ends_in_softmax else inputs.part(net)
    predict, targets = predictor(cell), fit.targets_of(data.labels, data.classes, params)
    rates = fit.layer_rates(net, params.layer_decay)
    for epoch in fit.epochs(cell, feed, targets, params, rates, params.mixup, params.start_share):
        yield float(epoch.loss[0]), predict(held).astype(np.float64)
