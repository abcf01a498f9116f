"""ONNX Runtime sessions."""

from pathlib import Path

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
