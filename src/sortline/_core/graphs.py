"""MindSpore cells as ONNX graphs and as MindIR."""

import contextlib
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mindspore
import numpy as np
import onnx
from google.protobuf.message import DecodeError
from mindspore.train import mind_ir_pb2

from sortline._core import parameters, runtime


def to_onnx(cell: mindspore.nn.Cell, shape: Sequence[int], outputs: Sequence[str] = ("logits",)) -> onnx.ModelProto:
    """Export `cell` as ONNX, opset 11: float32 input `x` of `shape`, its first dimension free, `outputs` so named."""
    example = mindspore.Tensor(np.zeros(shape, np.float32))
    with tempfile.TemporaryDirectory() as scratch:
        # By a bare name: MindSpore refuses any path with a character outside [0-9a-zA-Z@_.:/-], even `RUNNER~1`.
        with contextlib.chdir(scratch):
            mindspore.onnx.export(cell, example, file_name="graph.onnx")
        model = _written(Path(scratch) / "graph.onnx", onnx.ModelProto)
    # Not by export's output_names and dynamic_axes: 2.10 breaks a graph with them where an output is used inside too.
    graph = model.graph
    ends = graph.input[0], *graph.output
    names = dict(zip([value.name for value in ends], ("x", *outputs), strict=True))
    for value in ends:
        value.name = names[value.name]
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    onnx.checker.check_model(model)
    return model


def to_mindir(cell: mindspore.nn.Cell, size: int, channels: int = 3) -> bytes:
    """Export `cell` as MindIR: input float32 (1, channels, S, S), preprocessed; output logits."""
    example = mindspore.Tensor(np.zeros((1, channels, size, size), np.float32))
    with tempfile.TemporaryDirectory() as scratch:
        # By a bare name, as in to_onnx.
        with contextlib.chdir(scratch):
            mindspore.export(cell, example, file_name="model", file_format="MINDIR")
        model = _written(Path(scratch) / "model.mindir", mind_ir_pb2.ModelProto)
    _drop_run_traces(model.graph)
    model.primitives.sort(key=lambda primitive: primitive.name)
    return model.SerializeToString(deterministic=True)


def _written(path: Path, kind: Any) -> Any:
    """Return the message that MindSpore wrote; on a full disk that is nothing, or half of one, without an error."""
    with contextlib.suppress(DecodeError):
        content = path.read_bytes() if path.is_file() else b""
        if content:
            return kind.FromString(content)
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def _drop_run_traces(graph: mind_ir_pb2.GraphProto) -> None:
    """Make the file the same in every run: drop the time and the address that MindSpore puts into it, and its
    variable names, whose order changes (`CNode_32$x$y:18`, `CNode_32$y$x:18`)."""

    def plain(name: str) -> str:
        return re.sub(r"\$[^:]*", "", name)

    for node in graph.node:
        node.name = plain(node.name)
        node.input[:] = map(plain, node.input)
        node.output[:] = map(plain, node.output)
    for value in graph.output:
        value.name = plain(value.name)
    for attribute in graph.attribute:
        if attribute.name == "compile_phase":
            attribute.s = b"export.mindir"


def mindir_with(path: Path, arrays: dict[str, np.ndarray], where: Path) -> bytes:
    """Return the MindIR file `path` of a net with `arrays`, which come from `where`, as its parameters.

    Raises `UserError` unless they are the net's, all of them and of its shapes.
    """
    model = mind_ir_pb2.ModelProto.FromString(path.read_bytes())
    found = {one.name.rpartition(":")[2]: one for one in model.graph.parameter}  # each is called GRAPH:NAME
    parameters.check({name: tuple(one.dims) for name, one in found.items()}, arrays, where)
    for name, one in found.items():
        one.raw_data = np.ascontiguousarray(arrays[name], np.float32).tobytes()
    return model.SerializeToString(deterministic=True)


def run_mindir(path: Path, x: np.ndarray, arrays: dict[str, np.ndarray] | None = None) -> np.ndarray:
    """Run the MindIR file on `x` float32 (n, channels, S, S), one photo at a time; return logits (n, classes).

    `arrays`: parameters that MindSpore puts in the place of the file's own.
    """
    with tempfile.TemporaryDirectory() as scratch:
        copy = shutil.copyfile(path, Path(scratch) / "model.mindir")
        named = {name: mindspore.Parameter(mindspore.Tensor(one), name=name) for name, one in (arrays or {}).items()}
        net = mindspore.nn.GraphCell(mindspore.load(str(copy)), params_init=named or None)
    return _run(net, x)


def run_cell(cell: mindspore.nn.Cell, x: np.ndarray) -> np.ndarray:
    """Run `cell` on `x`, one photo at a time; return what it puts out, of all."""
    with runtime.eager():
        return _run(cell, x)


def _run(cell: mindspore.nn.Cell, x: np.ndarray) -> np.ndarray:
    return np.concatenate([cell(mindspore.Tensor(one[None])).asnumpy() for one in x])
