"""What runs the frozen backbone: ONNX Runtime, OpenVINO, or MindSpore itself."""

from collections.abc import Callable
from dataclasses import dataclass

import mindspore
import numpy as np
import onnx

from sortline._core import graphs, runtime, sessions
from sortline._core.cores import cores
from sortline._core.errors import UserError
from sortline._core.openvino_session import OpenVinoSession, no_statistics
from sortline.backbones.loading import Backbone

TOLERANCE = 1e-3


@dataclass(frozen=True)
class Engine:
    """Runs the backbone, float32 (n, 3, S, S) to what `Backbone.pooled` puts out, from so many threads at once."""

    run: Callable[[np.ndarray], tuple[np.ndarray, ...]]
    workers: int


def mindspore_engine(backbone: Backbone, upto: int | None = None) -> Engine:
    """Run the network in MindSpore, one call at a time (its graph executor uses all cores itself)."""
    net = backbone.pooled(upto)
    return Engine(lambda x: tuple(output.asnumpy() for output in net(mindspore.Tensor(x))), workers=1)


def to_onnx(backbone: Backbone, size: int, upto: int | None = None) -> onnx.ModelProto:
    """Return the network as ONNX: input `x` float32 (n, 3, S, S), preprocessed; outputs `mean`, `max`, `map` and, with
    `upto`, `inner`."""
    net = backbone.pooled(upto)
    return graphs.to_onnx(net, (1, 3, size, size), ("mean", "max", "map", "inner")[: 3 if upto is None else 4])


def onnxruntime_engine(model: onnx.ModelProto) -> Engine:
    """Run the network's `to_onnx`, one single-threaded call a core: no waiting between decoding and convolving."""
    opened = sessions.session(model, provider=runtime.provider())
    return Engine(lambda x: tuple(sessions.run(opened, None, x)), workers=cores())


def openvino_engine(model: onnx.ModelProto) -> Engine:
    """Run the same in OpenVINO; raise `UserError` where it is not installed."""
    no_statistics()
    try:
        import openvino
    except ImportError:
        raise UserError(
            "extract.engine openvino: OpenVINO is not installed; run pip install 'sortline[openvino]', or set engine: "
            "onnxruntime"
        ) from None
    if runtime.used() not in ("cpu", "auto"):
        raise UserError(f"device {runtime.used()}: extract.engine openvino computes on the CPU; set device: cpu")
    network = openvino.Core().read_model(model.SerializeToString())
    network.reshape({"x": [1, *network.input("x").partial_shape[1:]]})  # of one shape it is quicker than of any
    opened, outputs = OpenVinoSession(network, threads=1), [output.name for output in model.graph.output]
    return Engine(lambda x: tuple(sessions.row_by_row(lambda row: opened.run(outputs, {"x": row}), x)), cores())


# What runs the backbone's `to_onnx` in the place of MindSpore: how people call it, and how it is opened.
EXPORTED = {"onnxruntime": ("ONNX Runtime", onnxruntime_engine), "openvino": ("OpenVINO", openvino_engine)}


def check_engines(backbone: Backbone, engine: Engine, images: np.ndarray) -> float:
    """Return the largest difference of `engine`'s pooled features from MindSpore's on uint8 `images` (n, S, S, 3).

    Raises RuntimeError above TOLERANCE: features of the two engines must be interchangeable.
    """
    x = backbone.preprocessing(images)
    with runtime.eager():
        reference = mindspore_engine(backbone).run(x)
    ours = engine.run(x)
    # Not Python's max, which lets a NaN slip by.
    difference = float(np.max([np.abs(a - b).max() for a, b in zip(ours[:2], reference[:2], strict=True)]))
    if not difference <= TOLERANCE:
        raise RuntimeError(f"the exported backbone differs from MindSpore's by {difference:.2e} (limit {TOLERANCE})")
    return difference
