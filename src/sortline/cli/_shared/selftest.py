"""The short test run of `sortline doctor`: one convolution in an engine, against NumPy in numbers and in time.

Run as `python -m sortline.cli._shared.selftest ENGINE`, in a process of its own: an engine that does not fit the
machine may end the process without an exception. Prints one JSON object.
"""

import json
import os
import sys
import timeit
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

SIZE, CHANNELS = 224, 32  # the shape of MobileNetV2's first layer on one photo
RUNS = 30  # of each of engine and NumPy


def numpy_layer(photo: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """3 x 3 convolution, stride 2, one row and column of zeros at the end, then the mean over the map: the oracle.

    `photo` float32 (1, 3, H, W) with even H and W, `kernel` float32 (C, 3, 3, 3); returns float32 (C,).
    """
    padded = np.pad(photo[0], ((0, 0), (0, 1), (0, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), (1, 2))[:, ::2, ::2]  # type: ignore[call-overload]
    return np.einsum("chwij,ocij->ohw", windows, kernel, optimize=True).mean(axis=(1, 2))


def as_onnx(kernel: np.ndarray) -> bytes:
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Conv", ["photo", "kernel"], ["map"], strides=[2, 2], pads=[0, 0, 1, 1]),
        helper.make_node("GlobalAveragePool", ["map"], ["pooled"]),
    ]
    inputs = [helper.make_tensor_value_info("photo", TensorProto.FLOAT, [1, 3, SIZE, SIZE])]
    outputs = [helper.make_tensor_value_info("pooled", TensorProto.FLOAT, [1, CHANNELS, 1, 1])]
    graph = helper.make_graph(nodes, "layer", inputs, outputs, [numpy_helper.from_array(kernel, "kernel")])
    # No newer than what the exported models need: an ONNX Runtime that loads those loads this.
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8).SerializeToString()


def onnxruntime_layer(kernel: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(as_onnx(kernel), providers=["CPUExecutionProvider"])
    return lambda photo: session.run(None, {"photo": photo})[0].ravel()


def openvino_layer(kernel: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    from sortline._core.openvino_session import OpenVinoSession, no_statistics

    no_statistics()
    import openvino

    session = OpenVinoSession(openvino.Core().read_model(as_onnx(kernel)), threads=0)
    return lambda photo: session.run(["pooled"], {"photo": photo})[0].ravel()


def mindspore_layer(kernel: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    from sortline._core import runtime

    runtime.prepare()
    import mindspore as ms

    weight = ms.Tensor(kernel)
    maps = partial(ms.ops.conv2d, weight=weight, stride=2, pad_mode="same")
    return lambda photo: maps(ms.Tensor(photo)).mean(axis=(0, 2, 3)).asnumpy()


ENGINES = {"onnxruntime": onnxruntime_layer, "openvino": openvino_layer, "mindspore": mindspore_layer}


def devices(engine: str) -> list[str]:
    """Return the names in `runtime.DEVICES` of what the engine can compute on here."""
    from sortline._core import runtime

    if engine == "mindspore":
        return runtime.there()
    if engine == "openvino":
        return ["cpu"]
    import onnxruntime

    installed = onnxruntime.get_available_providers()
    return [device for device, provider in runtime.PROVIDERS.items() if provider in installed]


def measure(engine: str) -> dict[str, Any]:
    """Return the largest difference from NumPy and the milliseconds that the engine and NumPy take for a photo, and the
    devices that there are.

    Where the system allows, the process keeps to one core: many would hide a slow kernel.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    random = np.random.default_rng(0)
    photo = random.uniform(-1, 1, (1, 3, SIZE, SIZE)).astype(np.float32)
    kernel = random.normal(0, 0.2, (CHANNELS, 3, 3, 3)).astype(np.float32)
    layer = ENGINES[engine](kernel)
    found: dict[str, Any] = {"max_abs_diff": float(np.abs(layer(photo) - numpy_layer(photo, kernel)).max())}
    found["devices"] = devices(engine)
    for name, work in {"engine_ms": lambda: layer(photo), "numpy_ms": lambda: numpy_layer(photo, kernel)}.items():
        found[name] = 1000 * min(timeit.repeat(work, number=1, repeat=RUNS))
    return found


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1])))
