"""Ways to fine-tune a pretrained net, by name: where each starts, and which parameters it trains."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import mindspore
import numpy as np
from mindspore import Tensor

from sortline._core.errors import UserError
from sortline.backbones.joined import members
from sortline.backbones.loading import Backbone
from sortline.config.training import HeadRecipe, TrainParams
from sortline.features import engines
from sortline.nets import batch_norm, low_rank, registry, simclr
from sortline.nets.inputs import Inputs, Maps, Pictures, check_pictures, predictor
from sortline.nets.photo_net import Features, PhotoNet
from sortline.training import heads
from sortline.training.head_graph import HeadNet
from sortline.training.targets import smooth_targets

MEASURED = 32 * 16  # photos that show batch norms their statistics
BLOCKS = 3  # of pictures, where params.yaml leaves open how many train


def build(
    backbone: Backbone, classes: int, params: TrainParams, inputs: Inputs, rows: np.ndarray, labels: np.ndarray,
    others: np.ndarray | None = None, keep: Path | None = None,
) -> PhotoNet:  # fmt: skip
    """Return the net of `params.mode` at its start, what should not train marked so.

    `rows` int (n,) of `inputs` and their `labels` are what may be trained on, `others` what may be without labels, as
    `params.simclr` says; `keep` as of `simclr.pretrain`. Raises `UserError` where the mode does not fit the inputs.
    """
    check(params, inputs)
    if backbone.info["network"] != params.net:
        raise UserError(f"params.yaml: train.net is {params.net}, the weights are of {backbone.info['network']}")
    if params.mode == "scratch":
        net = registry.build(params.net, classes, options(backbone, params))
        net.initialize(params.seed)
        return net
    generator = np.random.default_rng(params.seed)
    net = PhotoNet(classes, backbone.net, backbone.preprocessing, head_kind(params))
    if params.norms == "train":
        pictures = Pictures(inputs.array, backbone.preprocessing)
        batch_norm.measure(net.backbone, plain_batches(pictures, rows[:: max(1, len(rows) // MEASURED)]))
    else:
        batch_norm.fold(net.backbone)
    count = params.blocks or inputs.blocks or BLOCKS
    # The ConvNorms, in network order.
    last = [part for one in members(net.backbone) for part in (*[*one.blocks][-count:], one.last) if part is not None]
    layers = [cell for part in last for cell in batch_norm.norms(part)]
    if params.simclr:
        free(net, params, layers)
        for parameter in net.head.get_parameters():
            parameter.requires_grad = False
        every = rows if others is None else np.concatenate((rows, others))
        simclr.pretrain(net, inputs, every, params, keep)
        if inputs.blocks is not None:
            inputs = replace(inputs, pooled=seen_by(net, inputs))
    start_head(net, params, inputs, rows, labels, generator)
    adapt(net, params, layers, generator)
    free(net, params, layers)
    return net


def head_kind(params: TrainParams) -> str:
    return "v3" if params.mode == "head_v3" else "linear"


def options(backbone: Backbone, params: TrainParams) -> dict[str, Any]:
    """Return what `registry.build` needs to make the net again."""
    known = {"release": backbone.info["release"], "width": backbone.info["width"], "head": head_kind(params)}
    if joined := backbone.info.get("joined"):
        sides = [member.side for member in backbone.net.members]
        known |= {"width": [one["width"] for one in joined], "sides": sides, "image_size": backbone.size}
    return known


def check(params: TrainParams, inputs: Inputs) -> None:
    """Raise `UserError` where `params.mode` cannot be trained on these inputs."""
    where, cached = f"params.yaml: train.mode {params.mode}", inputs.blocks
    if cached is None:
        check_pictures(inputs, None, where)
    elif params.mode in ("full", "scratch"):
        raise UserError(f"{where} trains from pictures; set extract.pixels and extract.colour to true")
    elif params.mode in ("partial", "lora_backbone"):
        needed = params.blocks or cached or BLOCKS
        kept = f"the maps before the last {cached} blocks" if cached else "pooled features"
        if cached < needed:
            raise UserError(
                f"{where} trains the last {needed} blocks, and extract kept {kept}; set extract.upto: {needed}"
            )


def plain_batches(pictures: Pictures, rows: np.ndarray, size: int = 32) -> Iterator[Tensor]:
    """Yield `rows` of `pictures` as the net's input, float32 (size, 3, S, S); what is left over, less than `size`,
    stays out unless there is nothing else."""
    size = min(size, len(rows))
    for start in range(0, len(rows) - size + 1, size):
        chosen = pictures.plain(rows[start : start + size]) * pictures.scale + pictures.shift
        yield Tensor(np.ascontiguousarray(chosen, np.float32))


def start_head(
    net: PhotoNet,
    params: TrainParams,
    inputs: Inputs,
    rows: np.ndarray,
    labels: np.ndarray,
    generator: np.random.Generator,
) -> None:
    """Start the head as `params.start` says: at zero, drawn, or trained to convergence on the frozen features."""
    net.start_head(generator)
    if params.mode == "head_v3" or params.start == "zero":
        return
    classes, channels = net.head.weight.shape
    if params.start == "random":
        # What nn.Dense starts from, but seeded: uniform within +-1/sqrt(inputs).
        weight, bias = (generator.uniform(-1, 1, shape) / np.sqrt(channels) for shape in ((classes, channels), classes))
    else:
        ends = np.cumsum([one.channels for one in members(net.backbone)])
        seen = np.split(pooled(net, inputs, rows), ends[:-1], axis=-1)
        fitted = [fitted_head(one, labels, classes, params.head) for one in seen]
        # What they say together is the mean of what each says.
        weight = np.concatenate([weight for weight, _ in fitted], 1) / len(fitted)
        bias = np.mean([bias for _, bias in fitted], 0)
    net.head.weight.set_data(Tensor(weight.astype(np.float32)))
    net.head.bias.set_data(Tensor(bias.astype(np.float32)))


def pooled(net: PhotoNet, inputs: Inputs, rows: np.ndarray) -> np.ndarray:
    """Return mean-pooled features of `rows`, float32 (n, K views, C); of pictures the plain view alone."""
    if inputs.pooled is not None:
        return inputs.pooled[rows]
    model = engines.to_onnx(Backbone(net.backbone, net.preprocessing, {}), inputs.image_size)
    engine = engines.onnxruntime_engine(model)
    pictures = Pictures(inputs.array, net.preprocessing)
    found = [engine.run(batch.asnumpy())[0] for batch in plain_batches(pictures, rows, 1)]
    return np.concatenate(found)[:, None]


def seen_by(net: PhotoNet, inputs: Inputs) -> np.ndarray:
    """Return mean-pooled features of all cached maps by the net as it is now, float32 (N, K views, C)."""
    run = predictor(Features(inputs.part(net)))
    return np.stack([run(Maps(inputs.array[:, view : view + 1])) for view in range(inputs.array.shape[1])], 1)


def fitted_head(
    pooled_features: np.ndarray, labels: np.ndarray, classes: int, how: HeadRecipe
) -> tuple[np.ndarray, np.ndarray]:
    """Train a linear head on (n, K, C) as the line's stage train_head does; return its weight and bias."""
    n, views, channels = pooled_features.shape
    each = smooth_targets(labels, classes, how.label_smoothing, balanced=how.class_weights == "balanced")
    targets, net = np.repeat(each, views, 0), HeadNet(channels, classes)
    rows = np.ascontiguousarray(pooled_features.reshape(-1, channels), np.float32)
    for epoch in heads.epochs(rows, targets, np.ones((n * views, 1), bool), net, how):
        head = net.head(epoch.parameters, 0)
    return head.weight, head.bias


def adapt(net: PhotoNet, params: TrainParams, layers: list[mindspore.nn.Cell], generator: np.random.Generator) -> None:
    """Put low-rank updates where the mode has them: on the head, or on the pointwise convolutions of `layers`."""
    if params.mode == "lora_head":
        low_rank.adapt(net, "head", params.rank, params.alpha, generator)
    elif params.mode == "lora_backbone":
        for cell in layers:
            if cell.conv.weight.shape[2:] == (1, 1):
                low_rank.adapt(cell, "conv", params.rank, params.alpha, generator)


def free(net: PhotoNet, params: TrainParams, layers: list[mindspore.nn.Cell]) -> None:
    """Mark as trainable exactly what the mode trains."""
    wanted = {parameter.name for parameter in net.head.get_parameters()}
    if params.mode in ("partial", "full"):
        for cell in layers if params.mode == "partial" else batch_norm.norms(net.backbone):
            stem = cell.conv.weight.name.removesuffix("conv.weight")
            wanted |= {f"{stem}conv.weight", f"{stem}norm.beta"}
            # With fixed statistics gamma does to the features what the kernel does.
            wanted |= {f"{stem}norm.gamma"} if params.norms == "train" else set()
    for parameter in net.get_parameters():
        updates = parameter.name.endswith((".down", ".up"))
        fixed = parameter.name.endswith((".moving_mean", ".moving_variance"))
        # A low-rank update is in place of a step on its weight.
        instead = params.mode == "lora_head" and parameter.name == "head.weight"
        parameter.requires_grad = updates or (parameter.name in wanted and not fixed and not instead)
