"""ONNX Runtime sessions."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

CPU = "CPUExecutionProvider"


def session(
    model: onnx.ModelProto | bytes | Path, threads: int = 1, provider: str = CPU
) -> onnxruntime.InferenceSession:
    """Open an ONNX Runtime session on the CPU, `threads` wide, or on another `provider`, from a model, its bytes or its
    file."""
    if isinstance(model, onnx.ModelProto):
        model = model.SerializeToString()
    elif isinstance(model, Path):
        # Read here: the runtime's own reader takes the path through the system's narrow encoding.
        model = model.read_bytes()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=list(dict.fromkeys([provider, CPU])))


def run(opened: onnxruntime.InferenceSession, outputs: Sequence[str] | None, x: np.ndarray) -> list[np.ndarray]:
    """Return the named outputs (None: all), each (n, ...), of a net's input `x` (n, ...).

    On the CPU row by row: the same bits, and a layer finds in the processor's cache what the one before it left there.
    """
    if len(x) < 2 or opened.get_providers()[0] != CPU:
        return opened.run(outputs, {"x": x})
    return row_by_row(lambda row: opened.run(outputs, {"x": row}), x)


def row_by_row(work: Callable[[np.ndarray], Sequence[np.ndarray]], x: np.ndarray) -> list[np.ndarray]:
    """Return, each (n, ...), what `work` makes of the rows of `x` (n, ...), one (1, ...) at a time."""
    return [np.concatenate(found) for found in zip(*map(work, np.split(x, len(x))), strict=True)]
