"""A trained net as graphs that run without this package's nets."""

from pathlib import Path
from typing import Any

import onnx

from sortline._core import graphs, parameters
from sortline.nets import registry
from sortline.nets.inputs import Inputs
from sortline.nets.photo_net import PhotoNet


def write_graphs(folder: Path, about: dict[str, Any], inputs: Inputs) -> None:
    """Write the used checkpoint of `folder` as graphs that run without this package's nets.

    net.onnx: float32 `x` (n, channels, S, S), preprocessed, to `logits`; where the inputs are cached maps or pooled
    features also tail.onnx, from those; net.mindir as net.onnx. Initializers bear the parameters' names, so another
    checkpoint is the same graph with its values. A net with a backbone also puts out its last `map` and that map's
    `mean`.
    """
    net = registry.build(about["net"], about["classes"], about["options"])
    path = folder / f"{about['checkpoint']}.safetensors"
    registry.set_values(net, parameters.read(path), path)
    net.set_train(False)
    channels, side = len(about["mean"]), about["image_size"]
    graph = graphs.to_onnx(net, (1, channels, side, side))
    onnx.save(with_features(graph) if isinstance(net, PhotoNet) else graph, folder / "net.onnx")
    (folder / "net.mindir").write_bytes(graphs.to_mindir(net, side, channels))
    if inputs.blocks is not None:
        tail = inputs.part(net)
        tail.set_train(False)
        onnx.save(with_features(graphs.to_onnx(tail, (1, *inputs.array.shape[2:]))), folder / "tail.onnx")


def with_features(graph: onnx.ModelProto) -> onnx.ModelProto:
    """Return the graph with the output `mean`, float32 (n, C): what it pools first. That map, (n, C, h, w), is its
    output `map`, unless it is the input."""
    pool = next(node for node in graph.graph.node if node.op_type == "ReduceMean")
    names = {pool.output[0]: "mean"}
    if pool.input[0] != graph.graph.input[0].name:
        names[pool.input[0]] = "map"
    for node in graph.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for name in names.values():
        shape = ["n", "channels", "h", "w"][: 4 if name == "map" else 2]
        graph.graph.output.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape))
    onnx.checker.check_model(graph)
    return graph
