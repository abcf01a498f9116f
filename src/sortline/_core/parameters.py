"""The parameters of a net: a checkpoint read, and put into the graph that was exported of the net."""

from pathlib import Path

import numpy as np
import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from safetensors import SafetensorError
from safetensors.numpy import load, save

from sortline._core.errors import UserError

# The others come of types that NumPy does not have.
DAMAGED = (OSError, SafetensorError, KeyError, TypeError, ValueError)
AGAIN = "run `dvc repro -f train@TASK` (of a head: train_head@TASK)"


def read(path: Path, again: str = AGAIN) -> dict[str, np.ndarray]:
    """Return the arrays of a safetensors file by name; raise `UserError` where it is missing, damaged or not finite.

    `again` ends the error's line: how to come by the file.
    """
    try:
        arrays = load(path.read_bytes())
    except DAMAGED as error:
        why = " ".join(repr(error).split())[:200]
        raise UserError(f"{path}: not a safetensors file, or missing or damaged ({why}); {again}") from None
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise UserError(f"{path}: holds NaN or Inf; {again}")
    return arrays


def write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write what `read` reads."""
    path.write_bytes(save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def in_onnx(graph: Path, arrays: dict[str, np.ndarray], where: Path, part: bool = False) -> onnx.ModelProto:
    """Return the ONNX file `graph` of a net with `arrays`, which come from `where`, as its parameters.

    Raises `UserError` unless they are the graph's, all of them and of its shapes; with `part`, of a graph of the net's
    last layers, they may be more.
    """
    try:
        model = onnx.load_model_from_string(graph.read_bytes())
        onnx.checker.check_model(model)
    except (OSError, DecodeError, onnx.checker.ValidationError) as error:
        raise UserError(f"{graph}: missing or damaged ({type(error).__name__}); {AGAIN}") from None
    # MindSpore names a constant by the path of the layer that it belongs to.
    found = {one.name: one for one in model.graph.initializer if "/" not in one.name}
    check({name: tuple(one.dims) for name, one in found.items()}, arrays, where, part)
    for name, one in found.items():
        one.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(arrays[name]), name))
    return model


def check(wanted: dict[str, tuple[int, ...]], arrays: dict[str, np.ndarray], where: object, part: bool = False) -> None:
    """Raise `UserError` naming `where` unless `arrays` are those `wanted`, by name and shape; with `part`, or more."""
    shapes = {name: array.shape for name, array in arrays.items() if not part or name in wanted}
    if not wanted or shapes != wanted:
        raise UserError(f"{where}: not the parameters of this net; {AGAIN}")
