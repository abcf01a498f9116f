"""The exported graph in 8 bits: a quarter of the size, for phones and browsers."""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from tqdm import tqdm

from sortline.data.datasets import open_picture
from sortline.evaluation import metrics

# What the work is in. The steps of an attention head, say, are few and suffer.
QUANTIZED = ["Conv", "Gemm", "Add", "Clip", "Relu"]
# Resizing, scaling and softmax stay as they are; so does what only draws the heat map.
KEPT = ("front/", "back/", "net/cam/", "net/similarity/", "net/familiarity/")
LEAST = 1e-4  # of a channel's largest weight, beside its bias


class CalibrationReader(CalibrationDataReader):
    """Feeds inputs, one at a time, to ONNX Runtime's calibration."""

    def __init__(self, inputs: Iterable[dict[str, np.ndarray]]) -> None:
        self._inputs = iter(inputs)

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self._inputs, None)


def chosen(photos: Sequence[Path], count: int, seed: int) -> list[Path]:
    """Return `count` of the photos (all where there are fewer), drawn with `seed`, in their order."""
    indices = np.random.default_rng(seed).permutation(len(photos))[:count]
    return [photos[index] for index in sorted(indices)]


def quantized(model: onnx.ModelProto, photos: Sequence[Path], side: int) -> onnx.ModelProto:
    """Return the self-contained `model` with 8-bit weights (per channel) and activations (ranges seen on `photos`).

    Static quantization in QDQ form, inputs, outputs and metadata as before; `side` as in `open_rgb`.
    Source: https://onnxruntime.ai/docs/performance/model-optimizations/quantization.html
    """
    shown = tqdm(photos, desc="calibrate", unit="photo", disable=None)
    return _quantized(model, ({"image": np.asarray(open_picture(photo, side))} for photo in shown))


def backbone_bytes(backbone: onnx.ModelProto, x: np.ndarray) -> int:
    """Return the bytes of a backbone's `engines.to_onnx` in 8 bits; `x` float32 (1, 3, S, S) is any of its inputs.

    The ranges of activations are those of `x` alone: it is good for its size.
    """
    return _quantized(backbone, [{"x": x}]).ByteSize()


def _quantized(model: onnx.ModelProto, inputs: Iterable[dict[str, np.ndarray]]) -> onnx.ModelProto:
    model = folded(model)
    kept = [node.name for node in model.graph.node if node.name.startswith(KEPT)]
    # Else onnxruntime asks for a preparation that does what `folded` has done.
    model.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "int8.onnx"
        quantize_static(
            model, path, CalibrationReader(inputs), quant_format=QuantFormat.QDQ, per_channel=True,
            op_types_to_quantize=QUANTIZED, nodes_to_exclude=kept,
            # Unsigned weights: with signed ones x86 processors without VNNI add pairs of products in 16 bits, which
            # overflow. Measured on one: the same class as fp32 for 96.8 % of the garbage photos, now for 99.96 %.
            activation_type=QuantType.QUInt8, weight_type=QuantType.QUInt8,
            # 256 steps are too coarse for logits.
            extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},
        )  # fmt: skip
        result = onnx.load(path)
    del result.metadata_props[:]
    result.metadata_props.extend(list(model.metadata_props)[:-1])
    result.producer_name = result.producer_version = ""
    del result.graph.value_info[:]
    onnx.checker.check_model(result, full_check=True)
    return result


def folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy with every batch norm that follows a convolution folded into its weight and bias, in float64."""
    # By hand: after ONNX Runtime's quant_pre_process, which folds in float32, 2 of 2,258 garbage photos get another
    # class than by fp32, after this 1, and the accuracy in 8 bits is that of fp32.
    model = onnx.ModelProto.FromString(model.SerializeToString())
    graph = model.graph
    values = {one.name: one for one in graph.initializer}
    convolutions = {node.output[0]: node for node in graph.node if node.op_type == "Conv"}
    for norm in [node for node in graph.node if node.op_type == "BatchNormalization"]:
        convolution = convolutions[norm.input[0]]
        weight, gamma, beta, mean, variance = (
            numpy_helper.to_array(values[name]).astype(np.float64) for name in (convolution.input[1], *norm.input[1:5])
        )
        epsilon = next(one.f for one in norm.attribute if one.name == "epsilon")
        factor = gamma / np.sqrt(variance + epsilon)
        bias = beta - mean * factor
        if len(convolution.input) > 2:
            bias += numpy_helper.to_array(values[convolution.input[2]]) * factor
        new = {convolution.input[1]: _with_room(weight * factor[:, None, None, None], bias), norm.input[2]: bias}
        for name, array in new.items():
            values[name].CopyFrom(numpy_helper.from_array(array.astype(np.float32), name))
        convolution.input[:] = [*convolution.input[:2], norm.input[2]]
        convolution.output[0] = norm.output[0]
        graph.node.remove(norm)
    used = {name for node in graph.node for name in node.input}
    kept = [one for one in graph.initializer if one.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    return model


def _with_room(weight: np.ndarray, bias: np.ndarray) -> np.ndarray:
    """Return the weights so that each channel's bias, which is kept in steps of the weights', fits into 32 bits.

    In a channel that is all but dead the steps are so small that it would be cut off: one weight of it is made
    LEAST times the bias, which changes nothing that 8 bits show.
    """
    weight = weight.copy()
    channels, least = weight.reshape(len(weight), -1), LEAST * np.abs(bias)
    dead = np.abs(channels).max(1) < least
    channels[dead, 0] = least[dead]
    return weight


def scores(full: np.ndarray, small: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Score the classes, int (n,), predicted in 8 bits beside `full`; `labels` are those of the first photos."""
    agreement, accuracy = metrics.share(full == small), metrics.share(small[: len(labels)] == labels)
    scored = metrics.named(accuracy, "int8_accuracy", "int8_n")
    return scored | metrics.named(agreement, "int8_agreement", "int8_agreement_n")
