"""Training a net on inputs that are held in memory, its epoch chosen on the validation part; checkpoints and graphs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import Tensor, nn

from sortline._core import files, parameters, workers
from sortline.backbones.joined import members
from sortline.config.training import ContrastParams, Recipe, TrainParams
from sortline.data import prepared
from sortline.data.prepared import Classes
from sortline.features.store import FeatureStore
from sortline.nets import net_loss, registry
from sortline.nets.batches import Batches
from sortline.nets.half import halve
from sortline.nets.inputs import Feed, Inputs, check_pictures, predictor
from sortline.nets.inputs import read as read_inputs
from sortline.training import loop, losses, wide_steps
from sortline.training.keeping import Arrays, Keeper
from sortline.training.progress import Progress
from sortline.training.results import TrainedNet
from sortline.training.targets import smooth_targets, smoothing_minimum

STATISTICS = (".moving_mean", ".moving_variance")  # of batch norms: no parameters
DECAYED = ("weight", "down", "up")  # the ends of their names


@dataclass(frozen=True)
class Parts:
    """What there is to train on and to validate with: rows int (n,) of `inputs`, their labels int (n,); fingerprint;
    photos that may be learnt from without a label."""

    inputs: Inputs
    rows: np.ndarray
    labels: np.ndarray
    val_rows: np.ndarray
    val_labels: np.ndarray
    classes: int
    dataset: str = ""
    unlabelled: prepared.Unlabelled = prepared.NONE


def read(split: Sequence[dict[str, str]], classes: Classes, features: Path) -> Parts:
    """Take the train and the val rows of split.csv with what extract kept of them."""
    labels = np.array([int(row["label"]) for row in split])
    train, val = (np.flatnonzero([row["split"] == part for row in split]) for part in ("train", "val"))
    store = FeatureStore(features)
    found, dataset = read_inputs(store, len(split)), store.about["dataset"]
    unlabelled = prepared.unlabelled(split)
    return Parts(found, train, labels[train], val, labels[val], len(classes.names), dataset, unlabelled)


def build(data: Parts, params: TrainParams, weights: Path, keep: Path | None = None) -> tuple[nn.Cell, dict[str, Any]]:
    """Return the net at its start, and the options that `registry.build` needs to make it again.

    `weights`: the folder of the backbone that a mode of fine-tuning starts from; `keep`: one from which training
    without labels goes on. Raises `UserError` where net and inputs do not go together.
    """
    if params.mode is not None:
        from sortline import backbones
        from sortline.nets import finetune  # what most nets can do without

        pretrained = backbones.load(weights)
        others = data.unlabelled.rows
        net = finetune.build(pretrained, data.classes, params, data.inputs, data.rows, data.labels, others, keep)
        return net, finetune.options(pretrained, params)
    net = registry.build(params.net, data.classes, params.net_options())
    check_pictures(data.inputs, net.image_size, f"params.yaml: train.net {params.net}")
    registry.initialize(net, params.seed)
    return net, params.net_options()


def train(
    net: nn.Cell,
    options: dict[str, Any],
    data: Parts,
    params: TrainParams,
    out: Path,
    keeper: Keeper | None = None,
    soft: np.ndarray | None = None,
    log: Path | None = None,
) -> TrainedNet:
    """Train what `build` returned; write best, last, and the latest `keep` of every `every` epochs as safetensors into
    folder `out`: the whole net each time, whatever part of it trains.

    `soft` float32 (n, classes): what another model says of the rows, to learn in place of their labels (Hinton et al.
    2015, arXiv:1503.02531). The best epoch is that of the highest accuracy on the validation part, then of the lowest
    log-loss there. What `keeper` has kept goes on; the checkpoints of before are in `out`. `log`: see `Progress`.
    Raises `UserError` where the training diverges.
    """
    if params.precision == "amp":
        halve(net)
    cell, inputs = data.inputs.part(net), data.inputs
    change = params.crops if params.on_photos else params.augment
    feed, held = inputs.feed(net, data.rows, change), inputs.feed(net, data.val_rows)
    predict = predictor(cell)
    curve: list[dict[str, float]] = []
    used: dict[str, tuple[int, np.ndarray]] = {}
    if keeper is not None:
        _keep_too(keeper, net, curve, used)
    wanted = targets_of(data.labels, data.classes, params) if soft is None else soft
    rates = layer_rates(net, params.layer_decay)
    scale = params.loss_scale if params.precision == "amp" else None
    besides = params.start_share, keeper, scale, params.contrastive
    trained = epochs(cell, feed, wanted, params, rates, params.mixup, *besides)
    progress = Progress(f"train {params.mode or params.net}", params.epochs, len(feed), log)
    statistics = [parameter for parameter in net.get_parameters() if parameter.name.endswith(STATISTICS)]
    for epoch in progress.watch(trained, len(curve)):
        workers.average(statistics)
        logits = predict(held)
        names = loop.note(curve, loop.curve_row(epoch, logits, data.val_labels, "val"), "val")
        arrays = registry.values(net)
        if epoch.number % params.every == 0:
            parameters.write(out / checkpoint_file(epoch.number), arrays)
            files.remove(out / checkpoint_file(epoch.number - params.keep * params.every))
        for name in names:
            parameters.write(out / f"{name}.safetensors", arrays)
            used[name] = epoch.number, logits
        progress.note(epoch, curve[-1])
        if params.patience and len(curve) - used["best"][0] >= params.patience:
            break
    progress.end()
    number, logits = used[params.checkpoint]
    preprocessing = registry.preprocessing(net)
    about = {
        "net": params.net,
        "options": options,
        "classes": data.classes,
        "image_size": inputs.image_size,
        "checkpoint": params.checkpoint,
        "epoch": number,
        "threshold": None,
        "mean": list(preprocessing.mean),
        "std": list(preprocessing.std),
        "dataset": data.dataset,
    }
    smoothed = params.label_smoothing and params.loss == "cross_entropy" and not params.contrastive.share
    minimum = smoothing_minimum(data.classes, params.label_smoothing) if smoothed else None
    counts = {
        "parameters": sum(array.size for name, array in registry.values(net).items() if not name.endswith(STATISTICS)),
        "trainable": sum(parameter.size for parameter in net.trainable_params()),
    }
    return TrainedNet(about, curve, logits, data.val_labels, counts, len(data.labels), minimum)


def _keep_too(
    keeper: Keeper, net: nn.Cell, curve: list[dict[str, float]], used: dict[str, tuple[int, np.ndarray]]
) -> None:
    """Have `keeper` keep the curve, the epochs that are used, and what steps change in `net` besides its parameters.

    Where it has kept them, they are put where they were. MindSpore's dropout cannot be: its state is out of reach.
    """
    if any(isinstance(cell, nn.Dropout) for _, cell in net.cells_and_names()):
        keeper.due = np.inf
        return
    statistics = [parameter for parameter in net.get_parameters() if parameter.name.endswith(STATISTICS)]

    def own() -> tuple[Arrays, Any]:
        arrays = {parameter.name: parameter.asnumpy() for parameter in statistics}
        arrays |= {f"logits {name}": logits for name, (_, logits) in used.items()}
        return arrays, [curve, {name: number for name, (number, _) in used.items()}]

    keeper.own = own
    if kept := keeper.read():
        arrays, (rows, numbers) = kept[1]
        curve += rows
        used |= {name: (number, arrays[f"logits {name}"]) for name, number in numbers.items()}
        for parameter in statistics:
            parameter.set_data(Tensor(arrays[parameter.name]))


def targets_of(labels: np.ndarray, classes: int, recipe: Recipe) -> np.ndarray:
    """Return what a net learns of int labels (n,), float32 (n, classes)."""
    return smooth_targets(labels, classes, recipe.label_smoothing, balanced=recipe.class_weights == "balanced")


def epochs(
    net: nn.Cell,
    feed: Feed,
    targets: np.ndarray,
    recipe: Recipe,
    factors: Mapping[str, float] | None = None,
    mixup: float = 0,
    start_share: float = 0,
    keeper: Keeper | None = None,
    scale: float | str | None = None,
    contrast: ContrastParams | None = None,
) -> Iterator[loop.Epoch]:
    """Train `net` in place on the n inputs of `feed` and their targets float32 (n, classes); yield after each epoch.

    Only parameters that require a gradient change; `factors` multiplies the rate of those that it names; `mixup` is the
    strength of `mixed`, `start_share` and `keeper` as of `loop.train`, `scale` as of `wide_steps`, `contrast` as of
    `net_loss`. Weights decay, biases and batch norm do not. Raises `UserError` when the loss or a parameter turns NaN
    or Inf.
    """
    net.set_train(True)
    params = net.trainable_params()
    start = np.concatenate([parameter.asnumpy().ravel() for parameter in params])

    def flat(values: list[float]) -> np.ndarray:
        return np.repeat(values, [parameter.size for parameter in params]).astype(np.float32)

    decayed = flat([parameter.name.endswith(DECAYED) for parameter in params])
    rates = None if factors is None else flat([factors.get(parameter.name, 1.0) for parameter in params])
    loss = net_loss.of(net, feed, losses.loss_of(recipe), contrast)
    clipped, even = recipe.clip_norm is not None, factors is None
    count = workers.place()[1]
    steps = wide_steps.steps(loss, recipe.optimizer, clipped, even=even, ema=recipe.ema, scale=scale, workers=count)
    batches = Batches(feed, targets, recipe.seed, mixup)
    return loop.train(steps, batches, recipe, start, decayed, rates, start_share=start_share, keeper=keeper)


def layer_rates(net: nn.Cell, decay: float) -> dict[str, float] | None:
    """Return each parameter's factor of the rate: `decay` to the power of its layer's distance from the head.

    The head has distance 0, its last convolution 1, the last block 2, and so on. None where all are 1. Of m joined
    backbones, which `decay` does not go with, the head holds an m-th of the weights that each would have alone, and
    the loss goes by m times these (`PhotoNet.alone`): at 1/m^2 of the rate they move as alone.
    """
    if hasattr(net, "backbone") and (count := len(members(net.backbone))) > 1:
        return {"head.weight": count**-2, "head.bias": 1 / count}
    if decay == 1:
        return None
    found, blocks = {}, len(net.backbone.blocks)
    for parameter in net.trainable_params():
        part, layer, *inner = parameter.name.split(".")
        distance = 0
        if part == "backbone":
            distance = {"last": 1, "stem": blocks + 2}.get(layer) or blocks + 1 - int(inner[0])
        found[parameter.name] = decay**distance
    return found


def checkpoint_file(epoch: int) -> str:
    return f"epoch-{epoch:05d}.safetensors"
