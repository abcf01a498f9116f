"""Training a head on cached features by gradient steps in MindSpore, and its out-of-fold score."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tqdm import tqdm

from sortline._core.errors import UserError
from sortline._core.files import read_json, sha256_file
from sortline.config.training import TrainHeadParams
from sortline.data.holdout import hold_out
from sortline.features.heads import Head, load_head, pool, softmax
from sortline.training import head_loop
from sortline.training.head_graph import HeadNet
from sortline.training.targets import least_loss, smooth_targets

INNER = 0.1  # the part that early stopping watches
RECIPE = (
    "lr", "lr_end", "schedule", "decay_rate", "decay_epochs", "warmup_epochs", "momentum", "beta2", "weight_decay",
    "clip_norm", "dropout", "batch_size", "epochs", "seed",
)  # fmt: skip


@dataclass(frozen=True)
class TrainingSet:
    """The train photos, n of them.

    `features`: pooled float32 (n, K views, 2, C), or for attention maps (n, 1, C, h, w). `labels`, `folds` int (n,).
    `groups` int (n,): photos of a number are duplicates. `bin_of` int (classes,), None for a task without bins.
    `dataset`: the fingerprint.
    """

    features: np.ndarray
    labels: np.ndarray
    folds: np.ndarray
    classes: int
    groups: np.ndarray | None = None
    bin_of: np.ndarray | None = None
    dataset: str = ""

    @property
    def fold_numbers(self) -> np.ndarray:
        return np.unique(self.folds)


@dataclass(frozen=True)
class Trained:
    """The result: heads by checkpoint name, out-of-fold probabilities (n, classes) of the kept one, and the record.

    `curve` has one row a point of `curve_x`: an epoch (gradient steps) or a candidate C (lbfgs). `fold_heads`: the kept
    one's, by fold (gradient steps). `floor`: the least training loss that the targets allow.
    """

    heads: dict[str, Head]
    checkpoint: str
    out_of_fold: np.ndarray
    curve: list[dict[str, float]]
    curve_x: str
    facts: dict[str, object] = field(default_factory=dict)
    selected: list[str] = field(default_factory=list)
    fold_heads: list[Head] = field(default_factory=list)
    floor: float | None = None


def training_rows(data: TrainingSet, params: TrainHeadParams) -> tuple[np.ndarray, np.ndarray]:
    """Return (features, the photo of each row): all rows of a photo are neighbours.

    Features are (n * views, D), or for attention (n, positions, C), float32. Raises `UserError` on NaN or Inf.
    """
    views = params.views or data.features.shape[1]
    features = data.features[:, :views]
    if params.pooling == "attention":
        features = features.reshape(*features.shape[:3], -1).swapaxes(2, 3).astype(np.float32)
    else:
        features = pool(features, params.pooling)
    if not np.isfinite(features).all():
        raise UserError("the features hold NaN or Inf; run `dvc repro -f extract@TASK`")
    return np.ascontiguousarray(features.reshape(-1, *features.shape[2:])), np.repeat(np.arange(len(features)), views)


def accuracy(scores: np.ndarray, labels: np.ndarray) -> float:
    return float((scores.argmax(1) == labels).mean())


def negative_log_likelihood(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross-entropy of softmax(logits), nats; logits (n, classes)."""
    logits = logits - logits.max(1, keepdims=True).astype(np.float64)
    return float((np.log(np.exp(logits).sum(1)) - logits[np.arange(len(labels)), labels]).mean())


class _Watch:
    """Early stopping (Prechelt 1998) of one model: its loss on the inner part, and its parameters when that was least.

    `features` as `Head.logits` takes them.
    """

    def __init__(self, features: np.ndarray, labels: np.ndarray):
        self.features, self.labels = features, labels
        self.loss, self.epoch, self.head = np.inf, 0, None

    def see(self, number: int, head: Head) -> None:
        loss = negative_log_likelihood(head.logits(self.features), self.labels)
        if loss < self.loss:
            self.loss, self.epoch, self.head = loss, number, head


def train_by_steps(data: TrainingSet, params: TrainHeadParams) -> Trained:
    """Train by gradient steps, all at once: one head per fold on the photos of the others, and one on all of them."""
    if params.bin_share and data.bin_of is None:
        raise UserError("params.yaml: train_head.bin_share needs a task whose classes have bins; set it to 0")
    features, photo = training_rows(data, params)
    net = HeadNet(features.shape[-1], data.classes, params.pooling, params.hidden, params.activation)
    targets = smooth_targets(
        data.labels, data.classes, params.label_smoothing, bin_of=data.bin_of, bin_share=params.bin_share,
        balanced=params.class_weights == "balanced",
    )  # fmt: skip
    masks = np.stack([*(data.folds != fold for fold in data.fold_numbers), np.ones(len(data.labels), bool)], 1)
    watches = [_watch(data, masks[:, model], params.seed) for model in range(masks.shape[1]) if params.patience]
    start, facts = _start(net, params, masks.shape[1], data.dataset)
    recipe = head_loop.Recipe(optimiser=params.optimizer, **{key: getattr(params, key) for key in RECIPE})
    loop = head_loop.train(features, targets[photo], masks[photo], net, recipe, start)

    score = _Scorer(data)
    curve, kept, recent = [], {}, {}  # kept: out-of-fold logits and the heads, the one on everything last
    for epoch in tqdm(loop, total=params.epochs, desc="train", unit="epoch", disable=None):
        heads = [epoch.head(model) for model in range(masks.shape[1])]
        logits = score(heads)
        curve.append(_row(epoch, logits, data.labels))
        best = min(range(len(curve)), key=lambda i: (-curve[i]["oof_accuracy"], curve[i]["oof_loss"]))
        kept |= ({"best": (logits, heads)} if best == len(curve) - 1 else {}) | {"last": (logits, heads)}
        recent[f"epoch-{epoch.number:05d}"] = heads[-1]
        while len(recent) > params.keep:
            del recent[next(iter(recent))]
        for watch, head in zip(watches, heads, strict=False):
            watch.see(epoch.number, head)
        if watches and all(epoch.number - watch.epoch >= params.patience for watch in watches):
            break
    facts["best_epoch"] = best + 1
    if watches:
        heads = [watch.head for watch in watches]
        kept = dict.fromkeys(kept, (score(heads), heads))
        facts |= {"stopped_epochs_folds": [one.epoch for one in watches[:-1]], "stopped_epoch": watches[-1].epoch}
    logits, heads = kept[params.checkpoint]
    named = {name: heads[-1] for name, (_, heads) in kept.items()} | recent
    selected = ["epoch"] if params.checkpoint == "best" else []
    floor = least_loss(targets)
    return Trained(named, params.checkpoint, softmax(logits), curve, "epoch", facts, selected, heads[:-1], floor)


class _Scorer:
    """Out-of-fold logits, float32 (n, classes), of one head a fold (and any more), on the plain view."""

    def __init__(self, data: TrainingSet):
        self.shape = (len(data.labels), data.classes)
        self.masks = [data.folds == fold for fold in data.fold_numbers]
        self.views = [data.features[mask, 0] for mask in self.masks]

    def __call__(self, heads: Sequence[Head]) -> np.ndarray:
        logits = np.empty(self.shape, np.float32)
        for mask, view, head in zip(self.masks, self.views, heads, strict=False):
            logits[mask] = head.logits(view)
        return logits


def _row(epoch: head_loop.Epoch, logits: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    return {
        "epoch": epoch.number,
        "lr": epoch.lr,
        "fold_train_loss": float(epoch.loss[:-1].mean()),
        "oof_loss": negative_log_likelihood(logits, labels),
        "oof_accuracy": accuracy(logits, labels),
        "train_loss": float(epoch.loss[-1]),
    }


def _watch(data: TrainingSet, mask: np.ndarray, seed: int) -> _Watch:
    """Take a grouped tenth out of `mask`, in place, to watch."""
    rows = np.flatnonzero(mask)
    inner = rows[hold_out(data.labels[rows], data.groups[rows], INNER, seed)]
    mask[inner] = False
    return _Watch(data.features[inner, 0], data.labels[inner])


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
