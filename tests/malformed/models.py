"""Exported models: good labels.json and model.onnx, and how they are read."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from malformed.formats import pixels, sound

LABELS = {
    "task": "colours",
    "classes": [
        {"code": "00", "en": "Red", "zh": "红", "bin": "warm", "card": [["family", "a"]]},
        {"code": "01", "en": "Green", "zh": "绿", "bin": "cold"},
        {"code": "02", "en": "Blue", "zh": "蓝", "bin": "cold"},
    ],
    "bins": [{"id": name, "en": name, "zh": "", "colour": "#2278cf"} for name in ("warm", "cold")],
    "note": "",
    "threshold": 0.5,
}


def read_labels(path: Path) -> Any:
    from sortline.export import labels

    found = labels.read(path)
    sound(found.classes and all(one.code is not None for one in found.classes), "classes")
    return found


def labels_files() -> dict[str, bytes]:
    return {"labels": json.dumps(LABELS, ensure_ascii=False, indent=1).encode()}


def onnx_model(change: Callable[[Any], None] = lambda model: None, labels: Any = LABELS, **kind: Any) -> bytes:
    """The mean of each channel over the sum of the means as probabilities; see tests/code/test_predict.py."""
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("Cast", ["image"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["float", "axes"], ["means"], keepdims=0),
        helper.make_node("ReduceSum", ["means"], ["sum"], keepdims=1),
        helper.make_node("Div", ["means", "sum"], ["probabilities"]),
        helper.make_node("Mul", ["probabilities", "ones"], ["logits"]),
    ]
    image = helper.make_tensor_value_info(
        "image", kind.get("type", TensorProto.UINT8), kind.get("shape", ["h", "w", 3])
    )
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in ("probabilities", "logits")]
    values = [numpy_helper.from_array(np.array([0, 1]), "axes")]
    values.append(numpy_helper.from_array(np.ones(3, np.float32), "ones"))
    graph = helper.make_graph(nodes, "colours", [image], outputs, values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    helper.set_model_props(model, {"labels": json.dumps(labels)})
    change(model)
    return model.SerializeToString()


def onnx_files() -> dict[str, bytes]:
    return {"model": onnx_model()}


def read_onnx(path: Path) -> Any:
    from sortline.export.classifier import Classifier

    (path.parent / "labels.json").write_text(json.dumps(LABELS), encoding="utf-8")
    found = Classifier(path.parent)(Image.fromarray(pixels()), top=3)
    chances = [guess.probability for guess in found.top]
    sound(np.isfinite(chances).all() and len(chances) == 3, f"{chances}")
    return found
