"""A trained model as one network from preprocessed pixels to logits: what is exported."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import mindspore
import numpy as np
import onnx
from mindspore import Tensor, nn, ops

from sortline._core import graphs
from sortline.backbones import loading, registry
from sortline.backbones.preprocessing import Preprocessing
from sortline.export import onnx_model
from sortline.features.heads import MAPS, SPATIAL, Head
from sortline.predictor import HeadPredictor, NetPredictor, Predictor


@dataclass(frozen=True)
class Network:
    """float32 (n, channels, S, S), which `preprocessing` makes of pixels, to logits (n, classes).

    `graph`: as ONNX, opset 18, with the output `cam` where `explains`; `mindir`: the MindIR file's content; `run`: by
    MindSpore. `framed`: how a photo becomes a square, see `images.frame`. `info` and whose weights it began with,
    `pretrained`, are said of it in the model card.
    """

    graph: onnx.ModelProto
    mindir: bytes
    run: Callable[[np.ndarray], np.ndarray]
    preprocessing: Preprocessing
    size: int
    info: dict[str, Any]
    explains: bool = False
    pretrained: Sequence[registry.Credit] = ()
    framed: str = "squeeze"


def network_of(model: Predictor, weights: Path) -> Network:
    """Return `model` as a network; `weights` is the folder of the backbone that a head was trained on."""
    if isinstance(model, HeadPredictor):
        backbone, head, size = loading.load(weights, model.size), model.head, model.size
        graph = head_graph(backbone.net, head, size)
        if head.linear:
            onnx_model.add_cam(graph, head)
        onnx_model.add_similarity(graph, model.reference)
        _add_familiarity(graph, model)
        for value in [value for value in graph.graph.output if value.name == onnx_model.MAP]:
            graph.graph.output.remove(value)  # it was only to be pooled
        cell = on_backbone(backbone.net, head)
        mindir, run = graphs.to_mindir(cell, size), partial(graphs.run_cell, cell)
        credits, how = backbone.credits, model.framed
        return Network(graph, mindir, run, backbone.preprocessing, size, backbone.info, head.linear, credits, how)
    assert isinstance(model, NetPredictor)
    path, scaling = model.folder / "net.mindir", model.preprocessing
    info = {
        "network": model.about["net"],
        "options": model.about["options"],
        "mean": list(scaling.mean),
        "std": list(scaling.std),
        "channel_order": "grey" if scaling.channels == 1 else "RGB",
        "resize": "bilinear, antialiased",
    }
    content = graphs.mindir_with(path, model.arrays, model.path)
    run = partial(graphs.run_mindir, path, arrays=model.arrays)
    graph = onnx_model.upgraded(model.graph)
    del graph.graph.output[1:]  # the features, which only the stages ask for
    if model.head is not None:
        onnx_model.add_cam(graph, model.head)
    if model.reference is not None:
        onnx_model.add_similarity(graph, model.reference)
        _add_familiarity(graph, model)
    explains, pretrained = model.head is not None, _pretrained(model.about)
    return Network(graph, content, run, scaling, model.size, info, explains, pretrained, model.framed)


def _add_familiarity(graph: onnx.ModelProto, model: Predictor) -> None:
    # What was trained by an earlier version has none.
    if known := model.about.get("familiarity"):
        onnx_model.add_familiarity(graph, known["weight"])


def _pretrained(about: dict[str, Any]) -> list[registry.Credit]:
    """Return whose weights a fine-tuned net began with; none of a net from its first weights."""
    if not (release := about["options"].get("release")):
        return []
    networks = [registry.get(name) for name in about["net"].split("+")]
    return [one.credit(one.release(its)) for one, its in zip(networks, release.split("+"), strict=True)]


def on_backbone(backbone: nn.Cell, head: Head) -> "HeadOnBackbone":
    """Return `head` on a backbone, to run, not to train."""
    kind = GatedHeadOnBackbone if head.squeeze_weight is not None else HeadOnBackbone
    return kind(backbone, head).set_train(False)


def head_graph(backbone: nn.Cell, head: Head, size: int) -> onnx.ModelProto:
    """Return `head` on a backbone as ONNX, with the output `map` where more is done with the map than to pool it."""
    if head.pooling in MAPS:
        cell = WithMap(backbone, head).set_train(False)
        return onnx_model.network_graph(cell, size, outputs=("logits", onnx_model.MAP))
    return onnx_model.network_graph(on_backbone(backbone, head), size)


def _convolution(weight: np.ndarray, bias: np.ndarray) -> nn.Conv2d:
    outputs, inputs, side, _ = weight.shape
    arrays = {"weight_init": Tensor(np.ascontiguousarray(weight)), "bias_init": Tensor(np.ascontiguousarray(bias))}
    return nn.Conv2d(inputs, outputs, side, pad_mode="pad", padding=side // 2, has_bias=True, **arrays)


def _dense(weight: np.ndarray, bias: np.ndarray) -> nn.Dense:
    outputs, inputs = weight.shape
    return nn.Dense(inputs, outputs, Tensor(np.ascontiguousarray(weight)), Tensor(np.ascontiguousarray(bias)))


class HeadOnBackbone(nn.Cell):
    """float32 (n, 3, S, S), preprocessed, to logits (n, classes), as `head` makes them of the map."""

    def __init__(self, backbone: nn.Cell, head: Head) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling, self.activation, self.scale = head.pooling, head.activation, head.scale
        self.hidden = head.hidden_weight is not None
        if head.query is not None:
            self.query = mindspore.Parameter(mindspore.Tensor(head.query.reshape(1, -1, 1, 1).copy()), name="query")
        if head.hidden_weight is not None and head.hidden_bias is not None:
            self.first = _dense(head.hidden_weight, head.hidden_bias)
        self.head = _dense(head.weight, head.bias)

    def pool(self, feature_map: Tensor) -> Tensor:
        if self.pooling == "mean":
            return feature_map.mean((2, 3))
        if self.pooling == "max":
            return feature_map.amax((2, 3))
        if self.pooling == "mean+max":
            return ops.cat((feature_map.mean((2, 3)), feature_map.amax((2, 3))), 1)
        # By hand and without a reshape, which the ONNX export would fix to one photo.
        scores = (feature_map * self.query).sum(1, keepdims=True)
        shares = ops.exp(scores - scores.amax((2, 3), True))
        return (feature_map * shares).sum((2, 3)) / shares.sum((2, 3))

    def construct(self, x: Tensor) -> Tensor:
        pooled = self.pool(self.backbone(x))
        if self.hidden:
            pooled = ops.relu(self.first(pooled))
        logits = self.head(pooled)
        if self.activation == "softmax":
            logits = ops.softmax(logits, -1)
        elif self.activation == "sigmoid":
            logits = ops.sigmoid(logits)
        return logits * self.scale if self.scale != 1 else logits


class GatedHeadOnBackbone(HeadOnBackbone):
    """The same of "se" and "cbam". A class of its own: the plain head's graph stays as it is."""

    def __init__(self, backbone: nn.Cell, head: Head) -> None:
        super().__init__(backbone, head)
        arrays = head.arrays()
        self.squeeze = _dense(arrays["squeeze_weight"], arrays["squeeze_bias"])
        self.excite = _dense(arrays["excite_weight"], arrays["excite_bias"])
        self.whole = head.pooling == "cbam"
        if self.whole:
            # As convolutions of one position, whose gates have the map's four axes without a reshape.
            self.squeeze, self.excite = (
                _convolution(arrays[f"{name}_weight"][:, :, None, None], arrays[f"{name}_bias"])
                for name in ("squeeze", "excite")
            )
            spatial = arrays["spatial_weight"].reshape(1, 2, SPATIAL, SPATIAL)
            self.spatial = _convolution(spatial, arrays["spatial_bias"])

    def excited(self, squeezed: Tensor) -> Tensor:
        return self.excite(ops.relu(self.squeeze(squeezed)))

    def pool(self, feature_map: Tensor) -> Tensor:
        if not self.whole:
            mean = feature_map.mean((2, 3))
            return mean * (2 * ops.sigmoid(self.excited(mean)))
        mean, highest = feature_map.mean((2, 3), True), feature_map.amax((2, 3), True)
        gated = feature_map * (2 * ops.sigmoid(self.excited(mean) + self.excited(highest)))
        seen = ops.cat((gated.mean(1, True), gated.amax(1, True)), 1)
        return (gated * (2 * ops.sigmoid(self.spatial(seen)))).mean((2, 3))


class Same(nn.Cell):
    """Puts out what it is given: a backbone for a head that is given maps."""

    def construct(self, x: Tensor) -> Tensor:
        return x


class WithMap(nn.Cell):
    """float32 (n, 3, S, S), preprocessed, to logits (n, classes) and the map (n, C, h, w) of which they are made."""

    def __init__(self, backbone: nn.Cell, head: Head) -> None:
        super().__init__()
        self.backbone, self.head = backbone, on_backbone(Same(), head)

    def construct(self, x: Tensor) -> tuple[Tensor, Tensor]:
        feature_map = self.backbone(x)
        return self.head(feature_map), feature_map
