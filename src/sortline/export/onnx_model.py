"""The model that leaves the house: a self-contained ONNX graph and a MindIR of the network alone."""

import json
from collections.abc import Sequence
from typing import Any

import mindspore
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sortline._core import graphs
from sortline.backbones.preprocessing import LUMA, Preprocessing
from sortline.data.images import PADDING
from sortline.features import sets
from sortline.features.heads import Head
from sortline.features.similarity import Reference

Step = tuple[str, list[str], str, dict[str, Any]]  # an operator, its inputs, its output, its attributes
OPSET = 18  # the first whose Resize antialiases
MAP = "map"  # the output that a network has where its map is not only pooled
POOLING_OPS = ("ReduceMean", "ReduceMax")
IR_VERSION = 8  # the one of opset 18: older runtimes on phones refuse newer files


def network_graph(
    cell: mindspore.nn.Cell, size: int, channels: int = 3, outputs: Sequence[str] = ("logits",)
) -> onnx.ModelProto:
    """Return `cell` (preprocessed float32 `x` (n, channels, S, S) to `outputs`) as ONNX, opset 18."""
    return upgraded(graphs.to_onnx(cell, (1, channels, size, size), outputs))


def upgraded(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph, as MindSpore exports it, in opset 18."""
    graph = onnx.version_converter.convert_version(graph, OPSET)
    graph.ir_version = IR_VERSION
    return graph


def pooled_map(graph: onnx.GraphProto) -> str:
    """Return what the last feature map is called: the output `map` where there is one, else what is pooled.

    Raises ValueError where the graph pools nothing, or several maps.
    """
    if any(output.name == MAP for output in graph.output):
        return MAP
    pooled = {node.input[0] for node in graph.node if node.op_type in POOLING_OPS}
    if len(pooled) != 1:
        raise ValueError(f"expected one pooled feature map, found {len(pooled)}")
    return pooled.pop()


def add_cam(network: onnx.ModelProto, head: Head) -> None:
    """Add the output `cam`, float32 (n, classes, h, w), to `network`, a backbone that `head` pools and maps linearly.

    A class's map is the last feature map summed over channels with that class's weights, of both poolings where the
    head sees both. Raises ValueError where the graph pools nothing, or several maps.
    Source: Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016.
    """
    graph, pooled = network.graph, pooled_map(network.graph)
    weight = head.weight
    if head.pooling == "mean+max":
        mean, maximum = np.split(weight, 2, axis=1)
        weight = mean + maximum
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(weight[..., None, None]), "cam/weight"))
    graph.node.append(helper.make_node("Conv", [pooled, "cam/weight"], ["cam"], name="cam/conv"))
    graph.output.append(helper.make_tensor_value_info("cam", TensorProto.FLOAT, ["n", len(weight), "h", "w"]))


def add_similarity(network: onnx.ModelProto, reference: Reference) -> None:
    """Add the output `similarity`, float32 (n,), to `network`, a backbone that a head pools: see `Reference`.

    The train photos' coordinates are kept in 8 bits, which moves a cosine by less than 0.01. Raises ValueError where
    the graph pools nothing, or several maps.
    """
    graph, pooled = network.graph, pooled_map(network.graph)
    constants = {"center": reference.center, "places": np.array([2, 3]), "across": np.array([1])}
    constants["one"] = np.array(1, np.float32)  # which a row's cosine with itself may pass in 8 bits
    nodes: list[Step] = []
    for name, array in (("axes", reference.axes), ("rows", reference.rows.T)):
        step = np.array(np.abs(array).max() / 127 or 1, np.float32)
        constants |= {f"{name}8": np.round(array / step).astype(np.int8), f"{name}_step": step}
        nodes.append(("DequantizeLinear", [f"{name}8", f"{name}_step"], name, {}))
    nodes += [
        ("ReduceMean", [pooled, "places"], "mean", {"keepdims": 0}),
        ("Sub", ["mean", "center"], "centered", {}),
        ("MatMul", ["centered", "axes"], "coordinates", {}),
        ("LpNormalization", ["coordinates"], "unit", {"axis": 1, "p": 2}),
        ("MatMul", ["unit", "rows"], "cosines", {}),
        ("ReduceMax", ["cosines", "across"], "nearest", {"keepdims": 0}),
        ("Min", ["nearest", "one"], "similarity", {}),
    ]
    _append(graph, constants, nodes, "similarity", {"similarity"})
    graph.output.append(helper.make_tensor_value_info("similarity", TensorProto.FLOAT, ["n"]))


def add_familiarity(network: onnx.ModelProto, weight: float) -> None:
    """Add the output `familiarity`, float32 (n,), to `network` with `add_similarity`: see `features.familiarity`."""
    constants = {"across": np.array([1]), "weight": np.array(weight, np.float32)}
    nodes: list[Step] = [
        ("ReduceSumSquare", ["similarity/centered", "across"], "whole", {"keepdims": 0}),
        ("ReduceSumSquare", ["similarity/coordinates", "across"], "inside", {"keepdims": 0}),
        ("Sub", ["whole", "inside"], "outside", {}),
        ("Relu", ["outside"], "positive", {}),
        ("Sqrt", ["positive"], "distance", {}),
        ("Mul", ["distance", "weight"], "weighted", {}),
        ("ReduceLogSumExp", ["logits", "across"], "energy", {"keepdims": 0}),
        ("Sub", ["energy", "weighted"], "familiarity", {}),
    ]
    _append(network.graph, constants, nodes, "familiarity", {"familiarity"})
    network.graph.output.append(helper.make_tensor_value_info("familiarity", TensorProto.FLOAT, ["n"]))


def self_contained(
    network: onnx.ModelProto,
    preprocessing: Preprocessing,
    size: int,
    metadata: dict[str, Any],
    framed: str = "squeeze",
) -> onnx.ModelProto:
    """Wrap `network` into a graph from photo to probabilities; `framed`: see `images.frame`.

    Input `image`: uint8 RGB (H, W, 3) of any size, upright. Outputs: `probabilities`, `logits` and `set_scores` (see
    `features.sets`), float32 (classes,), and, where `network` has them, `cam`, float32 (classes, h, w), `similarity`
    and `familiarity`, float32 (1,).
    `metadata` becomes metadata_props; values that are not text as JSON.
    """
    front = _front(preprocessing, size, framed)
    network = onnx.compose.add_prefix(network, "net/", rename_inputs=True, rename_outputs=True)
    model = onnx.compose.merge_models(front, network, io_map=[("front/x", "net/x")])
    graph = model.graph
    classes = graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    shapes: dict[str, list[Any]] = {"probabilities": [classes], "logits": [classes]}
    graph.initializer.append(numpy_helper.from_array(np.array([0]), "back/first"))
    graph.node.extend([
        helper.make_node("Squeeze", ["net/logits", "back/first"], ["logits"], name="back/squeeze"),
        helper.make_node("Softmax", ["logits"], ["probabilities"], name="back/softmax", axis=-1),
    ])  # fmt: skip
    if any(value.name == "net/cam" for value in graph.output):
        graph.node.append(helper.make_node("Squeeze", ["net/cam", "back/first"], ["cam"], name="back/cam"))
        shapes["cam"] = [classes, "map_height", "map_width"]
    for name in ("similarity", "familiarity"):
        if any(value.name == f"net/{name}" for value in graph.output):
            graph.node.append(helper.make_node("Identity", [f"net/{name}"], [name], name=f"back/{name}"))
            shapes[name] = [1]
    _add_set_scores(graph)
    shapes["set_scores"] = [classes]
    del graph.output[:]
    graph.output.extend(helper.make_tensor_value_info(name, TensorProto.FLOAT, shapes[name]) for name in shapes)
    graph.name = "sortline"
    del model.opset_import[1:]  # merging leaves the same entry twice
    # Shapes inferred for a batch of free size no longer hold; runtimes infer them anew.
    del graph.value_info[:]
    texts = {}
    for key, value in sorted(metadata.items()):
        texts[key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    helper.set_model_props(model, texts)
    onnx.checker.check_model(model, full_check=True)
    return model


def _add_set_scores(graph: onnx.GraphProto) -> None:
    """Add `features.sets.scores` of the output `probabilities`."""
    constants = {
        "across": np.array([0]),
        "down": np.array([1]),
        "free": np.array(sets.FREE - 1, np.float32),
        "penalty": np.array(sets.PENALTY, np.float32),
    }
    nodes: list[Step] = [
        ("Unsqueeze", ["probabilities", "across"], "row", {}),
        ("Unsqueeze", ["probabilities", "down"], "column", {}),
        ("Greater", ["row", "column"], "greater", {}),
        ("Cast", ["greater"], "before", {"to": TensorProto.FLOAT}),
        ("MatMul", ["before", "probabilities"], "share", {}),
        ("ReduceSum", ["before", "down"], "rank", {"keepdims": 0}),
        ("Sub", ["rank", "free"], "late", {}),
        ("Relu", ["late"], "beyond", {}),
        ("Mul", ["beyond", "penalty"], "penalties", {}),
        ("Add", ["share", "penalties"], "set_scores", {}),
    ]
    _append(graph, constants, nodes, "back/sets", {"set_scores"})


def _append(
    graph: onnx.GraphProto, constants: dict[str, np.ndarray], nodes: list[Step], own: str, out: set[str]
) -> None:
    """Add `nodes` and what they need to the graph; what they put out is called `own`/..., but for `out`."""
    inside = {name for _, _, name, _ in nodes if name not in out} | constants.keys()

    def place(name: str) -> str:
        return f"{own}/{name}" if name in inside else name

    for name, array in constants.items():
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(array), place(name)))
    for op, inputs, output, options in nodes:
        taken = [place(name) for name in inputs]
        graph.node.append(helper.make_node(op, taken, [place(output)], name=f"{own}/{output}", **options))


def _front(preprocessing: Preprocessing, size: int, framed: str) -> onnx.ModelProto:
    """From uint8 (H, W, 3) to the network's `front/x`; the same steps as images.frame, resize and `preprocessing`."""
    channels = preprocessing.scale.size
    constants = {
        "front/batch": np.array([0]),
        "front/sizes": np.array([1, 3, size, size]),
        "front/scale": preprocessing.scale.reshape(1, channels, 1, 1),
        "front/shift": preprocessing.shift.reshape(1, channels, 1, 1),
    }
    # Pillow's filter ends at the photo's edge; without `exclude_outside` the edge pixels would count several times.
    resize: dict[str, Any]
    resize = {"mode": "linear", "antialias": 1, "exclude_outside": 1, "coordinate_transformation_mode": "half_pixel"}
    steps: list[Step] = [
        *_frame_steps(constants, framed),
        ("Transpose", ["image" if framed == "squeeze" else "front/square"], "front/planes", {"perm": [2, 0, 1]}),
        ("Unsqueeze", ["front/planes", "front/batch"], "front/batched", {}),
        # On uint8, as Pillow resizes: it rounds to whole levels again.
        ("Resize", ["front/batched", "", "", "front/sizes"], "front/resized", resize),
        ("Cast", ["front/resized"], "front/float", {"to": TensorProto.FLOAT}),
        *_grey_steps(constants, channels),
        ("Mul", ["front/grey" if channels == 1 else "front/float", "front/scale"], "front/scaled", {}),
        ("Add", ["front/scaled", "front/shift"], "front/x", {}),
    ]
    nodes = [helper.make_node(op, inputs, [output], name=output, **options) for op, inputs, output, options in steps]
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["height", "width", 3])
    x = helper.make_tensor_value_info("front/x", TensorProto.FLOAT, [1, channels, size, size])
    values = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "front", [image], [x], values)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


def _frame_steps(constants: dict[str, np.ndarray], framed: str) -> list[Step]:
    """Return the steps of `images.frame`, in whole pixels; none where the whole photo is squeezed."""
    if framed == "squeeze":
        return []
    constants |= {"front/none": np.array([0]), "front/two": np.array([2]), "front/axes": np.array([0, 1])}
    steps: list[Step] = [
        ("Shape", ["image"], "front/sides", {"start": 0, "end": 2}),
    ]
    if framed == "centre_crop":
        constants |= {"front/7": np.array([7]), "front/8": np.array([8]), "front/4": np.array([4])}
        return [
            *steps,
            ("ReduceMin", ["front/sides", "front/none"], "front/shorter", {}),
            ("Mul", ["front/shorter", "front/7"], "front/sevenfold", {}),
            ("Add", ["front/sevenfold", "front/4"], "front/rounded", {}),
            ("Div", ["front/rounded", "front/8"], "front/side", {}),
            ("Sub", ["front/sides", "front/side"], "front/around", {}),
            ("Div", ["front/around", "front/two"], "front/begin", {}),
            ("Add", ["front/begin", "front/side"], "front/end", {}),
            ("Slice", ["image", "front/begin", "front/end", "front/axes"], "front/square", {}),
        ]
    constants["front/grey_level"] = np.array(PADDING, np.uint8)
    return [
        *steps,
        ("ReduceMax", ["front/sides", "front/none"], "front/side", {}),
        ("Sub", ["front/side", "front/sides"], "front/around", {}),
        ("Div", ["front/around", "front/two"], "front/begin", {}),
        ("Sub", ["front/around", "front/begin"], "front/end", {}),
        ("Concat", ["front/begin", "front/none", "front/end", "front/none"], "front/pads", {"axis": 0}),
        ("Pad", ["image", "front/pads", "front/grey_level"], "front/square", {}),
    ]


def _grey_steps(constants: dict[str, np.ndarray], channels: int) -> list[Step]:
    """Return the steps from three channels to one, in whole levels, as Pillow does; none where three are wanted."""
    if channels == 3:
        return []
    constants["front/luma"] = np.array(LUMA, np.float32).reshape(1, 3, 1, 1) / np.float32(65536)
    constants["front/half"] = np.array(0.5, np.float32)
    constants["front/channel"] = np.array([1])
    return [
        ("Mul", ["front/float", "front/luma"], "front/weighted", {}),
        ("ReduceSum", ["front/weighted", "front/channel"], "front/luminance", {}),
        ("Add", ["front/luminance", "front/half"], "front/raised", {}),
        ("Floor", ["front/raised"], "front/grey", {}),
    ]
