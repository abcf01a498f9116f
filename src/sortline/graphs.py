"""MindSpore cells as ONNX graphs."""

import contextlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

import mindspore
import numpy as np
import onnx


def to_onnx(cell: mindspore.nn.Cell, shape: Sequence[int], outputs: Sequence[str]) -> onnx.ModelProto:
    """Export `cell` as ONNX, opset 11: float32 input `x` of `shape`, its first dimension free, `outputs` so named."""
    example = mindspore.Tensor(np.zeros(shape, np.float32))
    with tempfile.TemporaryDirectory() as scratch:
        # By a bare name: MindSpore refuses any path with a character outside [0-9a-zA-Z@_.:/-], even `RUNNER~1`.
        with contextlib.chdir(scratch):
            mindspore.onnx.export(cell, example, file_name="graph.onnx")
        model = onnx.load(Path(scratch) / "graph.onnx")
    # Not by export's output_names and dynamic_axes: 2.10 breaks a graph with them where an output is used inside too.
    _rename(model.graph, dict(zip([value.name for value in model.graph.output], outputs, strict=True)))
    _rename(model.graph, {model.graph.input[0].name: "x"})
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    onnx.checker.check_model(model)
    return model


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    for value in (*graph.input, *graph.output):
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
