"""Training heads on cached features, all folds and the final one side by side in one graph; the out-of-fold score."""

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from sortline._core.arrays import log_loss
from sortline._core.errors import UserError
from sortline._core.files import read_json, sha256_file
from sortline.config.training import Recipe, TrainHeadParams
from sortline.data.holdout import hold_out
from sortline.data.prepared import Classes
from sortline.features.heads import MAPS, Head, load_head, pool, softmax
from sortline.features.store import FeatureStore
from sortline.training import generated, head_loss, loop, losses, wide_steps
from sortline.training.head_graph import HeadNet
from sortline.training.head_loss import NOTHING, Besides
from sortline.training.keeping import Arrays, Keeper
from sortline.training.mixing import Mixing
from sortline.training.progress import Progress
from sortline.training.results import Examples, Trained, TrainingSet
from sortline.training.targets import smooth_targets

INNER = 0.1  # the part that early stopping watches
UNMIXED = Mixing()
KEPT = ("loss", "accuracy", "parameters")  # of an epoch, where a training goes on


def read(split: Sequence[dict[str, str]], classes: Classes, features: Path, params: TrainHeadParams) -> TrainingSet:
    """Return the train rows of split.csv with their features; raise `UserError` where views were not extracted."""
    store = FeatureStore(features)
    stored = store.read("maps" if params.pooling in MAPS else "pooled", len(split))
    if (params.views or 0) > stored.shape[1]:
        raise UserError(
            f"params.yaml: train_head.views is {params.views}, but the features hold {stored.shape[1]} "
            "(prepare.views.count; one with extract.pool: none)"
        )
    rows = np.flatnonzero([row["split"] == "train" for row in split])
    columns = ("label", "fold", "scene", "photo_fold")
    labels, folds, scenes, photo_folds = (np.array([int(split[i][key]) for i in rows]) for key in columns)
    parted = photo_folds if np.unique(scenes).size < len(rows) else None
    count, dataset = len(classes.names), store.about["dataset"]
    return TrainingSet(stored[rows], labels, folds, count, scenes, classes.bin_of, dataset, parted)


def training_rows(data: TrainingSet, params: TrainHeadParams) -> tuple[np.ndarray, np.ndarray]:
    """Return (features, the photo of each row): all rows of a photo are neighbours.

    Features are float32 (n * views, D), or for `MAPS` float16 (n * views, positions, C). Raises `UserError` on NaN
    or Inf.
    """
    views = params.views or data.features.shape[1]
    features = data.features[:, :views]
    if params.pooling in MAPS:
        features = features.reshape(*features.shape[:3], -1).swapaxes(2, 3)
    else:
        features = pool(features, params.pooling)
    if not np.isfinite(features).all():
        raise UserError("the features hold NaN or Inf; run `dvc repro -f extract@TASK`")
    return np.ascontiguousarray(features.reshape(-1, *features.shape[2:])), np.repeat(np.arange(len(features)), views)


def targets_of(data: TrainingSet, params: TrainHeadParams) -> np.ndarray:
    """Return what the photos of `data` are to teach, float32 (n, classes); raise `UserError` where bins are missing."""
    if params.bin_share and data.bin_of is None:
        raise UserError("params.yaml: train_head.bin_share needs a task whose classes have bins; set it to 0")
    return smooth_targets(
        data.labels, data.classes, params.label_smoothing, bin_of=data.bin_of, bin_share=params.bin_share,
        balanced=params.class_weights == "balanced",
    )  # fmt: skip


@functools.cache
def _steps(
    net: HeadNet,
    models: int,
    loss: losses.Loss,
    optimizer: str,
    clipped: bool,
    dropout: bool,
    ema: float | None,
    besides: Besides,
) -> loop.Steps:
    """Compiling takes longer than training: a kind of head is compiled once a process."""
    parts = [(start, end, (shape[0], models, shape[1])) for _, start, end, shape in net.parts(models)]
    return wide_steps.steps(head_loss.of(net, models, loss, besides), optimizer, clipped, parts, ema=ema)


class _Batches:
    """Rows of `net.rows(features)` with their targets, their shares of each model's loss, and a draw of dropout."""

    def __init__(
        self, features: np.ndarray, targets: np.ndarray, masks: np.ndarray, net: HeadNet, recipe: Recipe,
        dropout: float, mixing: Mixing,
    ) -> None:  # fmt: skip
        self.features, self.targets, self.masks, self.net, self.dropout = features, targets, masks, net, dropout
        self.mixing, self.seed = mixing, recipe.seed
        self.count, self.bytes_each = len(features), 4 * features[0].size * (2 if dropout else 1)
        self.orders, self.droppings = np.random.default_rng(recipe.seed), np.random.default_rng([recipe.seed, 1])
        self.batch_size, self.drawn = recipe.batch_size, 0

    def generator(self, number: int) -> np.random.Generator:
        # One sequence for all epochs: those that are not trained again are drawn too.
        for _ in range(self.drawn, number - 1):
            for batch in loop.order(self.count, self.batch_size, self.orders):
                self._keep(batch.shape)
        self.drawn, self.mixes = number, np.random.default_rng([self.seed, 2, number])
        return self.orders

    def _keep(self, shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
        if not self.dropout:
            return ()
        return (self.net.rows(dropout_masks((*shape, self.net.last_width), self.dropout, self.droppings)),)

    def take(self, rows: np.ndarray, fresh: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
        examples = self.features[rows].astype(np.float32, copy=False), self.targets[rows], self.masks[rows]
        features, targets, inside = self.mixing(*examples, self.mixes)
        return features, targets, batch_shares(inside & fresh[..., None]), *self._keep(rows.shape)


def batch_shares(inside: np.ndarray) -> np.ndarray:
    """Return each row's share in its batch's mean loss, float32; `inside` bool (steps, batch, models)."""
    return inside / np.maximum(inside.sum(1, keepdims=True), 1).astype(np.float32)


def dropout_masks(shape: Sequence[int], rate: float, generator: np.random.Generator) -> np.ndarray:
    """Return float32 of `shape`: 0 with probability `rate`, else 1 / (1 - rate) (Srivastava et al. 2014)."""
    return (generator.random(shape, np.float32) >= rate) / np.float32(1 - rate)


def epochs(
    features: np.ndarray,
    targets: np.ndarray,
    masks: np.ndarray,
    net: HeadNet,
    recipe: Recipe,
    dropout: float = 0.0,
    start: np.ndarray | None = None,
    keeper: Keeper | None = None,
    mixing: Mixing = UNMIXED,
    besides: Besides = NOTHING,
) -> Iterator[loop.Epoch]:
    """Train one head per column of `masks` bool (rows, models), all side by side on the same batches; yield each epoch.

    A model learns from the rows of its mask alone. `features` float32 (rows, D), for `MAPS` float16 or float32
    (rows, positions, C); `targets` float32 (rows, classes). All heads start from `start` float32, flat, by default from
    `net.initial`; `net.head` makes heads of an epoch's parameters. What `keeper` has kept goes on, the epochs before
    first; `besides` is in the loss, too. Raises `UserError` when a loss or a weight turns NaN or Inf.
    """
    models = masks.shape[1]
    loss, clipped = losses.loss_of(recipe), recipe.clip_norm is not None
    steps = _steps(net, models, loss, recipe.optimizer, clipped, dropout > 0, recipe.ema, besides)
    batches = _Batches(net.rows(features), targets, masks, net, recipe, dropout, mixing)
    start = net.initial(models, recipe.seed) if start is None else start
    trained = loop.train(steps, batches, recipe, start, net.decayed(models), models=models, keeper=keeper)
    return trained if keeper is None else _with_those_before(trained, keeper)


def _with_those_before(trained: Iterator[loop.Epoch], keeper: Keeper) -> Iterator[loop.Epoch]:
    """Yield the epochs that `keeper` has, then those of `trained`: who scores them gets all, as if none broke off."""
    seen: list[loop.Epoch] = []

    def own() -> tuple[Arrays, list[float]]:
        arrays = {f"{name} {one.number}": getattr(one, name) for one in seen for name in KEPT}
        return arrays, [one.lr for one in seen]

    keeper.own = own
    if kept := keeper.read():
        arrays, rates = kept[1]
        for number, lr in enumerate(rates, 1):
            loss, accuracy, values = (arrays[f"{name} {number}"] for name in KEPT)
            seen.append(loop.Epoch(number, loss, accuracy, lr, values))
            yield seen[-1]
    for epoch in trained:
        seen.append(epoch)
        yield epoch


class _Watch:
    """Early stopping (Prechelt 1998) of one model: its minimum loss on the inner part, and its parameters then.

    The inner part is a grouped tenth of the rows of `mask`, which is taken out of it in place.
    """

    head: Head  # there from the first epoch on

    def __init__(self, data: TrainingSet, mask: np.ndarray, seed: int):
        rows = np.flatnonzero(mask)
        inner = rows[hold_out(data.labels[rows], data.groups[rows], INNER, seed)]
        mask[inner] = False
        self.features, self.labels = data.features[inner, 0], data.labels[inner]
        self.loss, self.epoch = np.inf, 0

    def see(self, number: int, head: Head) -> None:
        loss = log_loss(self.labels, head.logits(self.features))
        if loss < self.loss:
            self.loss, self.epoch, self.head = loss, number, head


def train_by_steps(
    data: TrainingSet, params: TrainHeadParams, keeper: Keeper | None = None, log: Path | None = None,
    extra: Examples | None = None,
) -> Trained:  # fmt: skip
    """Train by gradient steps, all at once: one head per fold on the photos of the others, one on all of them, and one
    per fold of those dealt by photo. `keeper`: see `epochs`; `log`: see `Progress`; `extra` teaches too."""
    targets = targets_of(data, params)
    features, photo = training_rows(data, params)
    net = HeadNet(features.shape[-1], data.classes, params.pooling, params.hidden, params.activation)
    score, final = _Scorer(data, data.folds), len(data.fold_numbers)
    by_photo = None if data.photo_folds is None else _Scorer(data, data.photo_folds)
    parted = [] if by_photo is None else by_photo.masks
    masks = ~np.stack([*score.masks, np.zeros(len(data.labels), bool), *parted], 1)
    watches = [_Watch(data, masks[:, model], params.seed) for model in range(masks.shape[1]) if params.patience]
    besides = Besides.of(params, data.bin_of)
    start, facts = _start(net, params, masks.shape[1], data.dataset)
    rows, photo, seen, recipe = generated.with_generated(features, photo, masks, data.labels, params)
    learnt = Examples(rows, targets[photo], seen)
    if extra is not None:
        learnt = learnt.with_more(extra)
    how = params.dropout, start, keeper, Mixing(params.mixup, params.cutmix), besides
    trained = epochs(learnt.features, learnt.targets, learnt.masks, net, recipe, *how)

    curve: list[dict[str, float]] = []
    kept, recent = {}, {}  # kept: out-of-fold logits and the heads
    progress = Progress("train", params.epochs, len(learnt.features), log)
    for epoch in progress.watch(trained):
        heads = [net.head(epoch.parameters, model) for model in range(masks.shape[1])]
        logits = score(heads)
        for name in loop.note(curve, loop.curve_row(epoch, logits, data.labels, "oof", final), "oof"):
            kept[name] = logits, heads
        progress.note(epoch, curve[-1])
        recent[f"epoch-{epoch.number:05d}"] = heads[final]
        while len(recent) > params.keep:
            del recent[next(iter(recent))]
        for watch, head in zip(watches, heads, strict=False):
            watch.see(epoch.number, head)
        if params.patience and all(epoch.number - watch.epoch >= params.patience for watch in watches):
            break
    progress.end()
    facts["best_epoch"] = loop.best_row(curve, "oof") + 1
    if watches:
        heads = [watch.head for watch in watches]
        kept = dict.fromkeys(kept, (score(heads), heads))
        facts |= {"stopped_epochs_folds": [one.epoch for one in watches[:final]], "stopped_epoch": watches[final].epoch}
    logits, heads = kept[params.checkpoint]
    named = {name: kept[name][1][final] for name in ("best", "last")} | recent
    selected = ["epoch"] if params.checkpoint == "best" else []
    usual = None if by_photo is None else softmax(by_photo(heads[final + 1 :]))
    of_folds = dict(zip(data.fold_numbers.tolist(), heads, strict=False))
    minimum = besides.minimum(targets) if params.loss == "cross_entropy" and extra is None else None
    found = facts, selected, of_folds, minimum, usual, heads
    return Trained(named, params.checkpoint, softmax(logits), curve, "epoch", *found)


class _Scorer:
    """Out-of-fold logits, float32 (n, classes), of one head a fold (and any more), on the plain view.

    `masks` bool (n,): the photos of each fold."""

    def __init__(self, data: TrainingSet, folds: np.ndarray):
        self.shape = (len(data.labels), data.classes)
        self.masks = [folds == fold for fold in np.unique(folds)]
        self.views = [data.features[mask, 0] for mask in self.masks]

    def __call__(self, heads: Sequence[Head]) -> np.ndarray:
        logits = np.empty(self.shape, np.float32)
        for mask, view, head in zip(self.masks, self.views, heads, strict=False):
            logits[mask] = head.logits(view)
        return logits


def _start(net: HeadNet, params: TrainHeadParams, models: int, dataset: str) -> tuple[np.ndarray | None, dict]:
    """Return the parameters to start from (None: the net's own start), and what the metrics say of it."""
    if params.init_from is None:
        return None, {}
    path = Path(params.init_from)
    head = load_head(path.parent, path.stem)
    facts: dict[str, object] = {"init_from_sha256": sha256_file(path)}
    start = net.from_head(head, models)
    if read_json(path.parent / "head.json").get("dataset") == dataset:
        # That head has seen every fold: the folds' models starting from it would be scored on what they know.
        facts["folds_start"] = "zero"
        fresh = net.initial(models, params.seed)
        for _, begin, end, shape in net.parts(models):
            kept, new = (flat[begin:end].reshape(shape[0], models, shape[1]) for flat in (start, fresh))
            kept[:, :-1] = new[:, :-1]
    return start, facts
