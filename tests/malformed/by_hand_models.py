"""Malformed labels.json and model.onnx that somebody thought of."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from malformed.models import LABELS, onnx_model

Cases = Iterator[tuple[str, bytes]]


def labels() -> Cases:
    def changed(**keys: Any) -> bytes:
        return json.dumps({**LABELS, **keys}).encode()

    one = LABELS["classes"][0]
    for name, value in {
        "text": "0.5",
        "a list": [0.5],
        "true": True,
        "NaN": float("nan"),
        "Infinity": float("inf"),
        "an unknown word": "sometimes",
    }.items():
        yield f"threshold is {name}", changed(threshold=value)
    yield "unfamiliar_below is text", changed(unfamiliar_below="no")
    for name, value in {
        "none": None,
        "empty": [],
        "a text": "ab",
        "a mapping": {"a": 1},
        "numbers": [1, 2],
        "none in it": [None],
    }.items():
        yield f"classes are {name}", changed(classes=value)
        yield f"bins are {name}", changed(bins=value if value != [] else 5)
    for key in ("code", "en"):
        yield f"a class without {key}", changed(classes=[{k: v for k, v in one.items() if k != key}])
    for key in ("code", "en", "zh", "bin"):
        for value in (5, [1], {"a": 1}, True):
            yield f"{key} of a class is {value!r}", changed(classes=[one | {key: value}])
    for value in ("text", [["a"]], [["a", "b", "c"]], [[1, 2]], {"a": "b"}):
        yield f"the card of a class is {value!r}", changed(classes=[one | {"card": value}])
    for key in ("id", "colour"):
        yield f"{key} of a bin is a list", changed(bins=[{"id": "warm"} | {key: ["x"]}])
    yield "note is a number", changed(note=5)
    yield "reads is a list", changed(reads=["digits"])
    yield "no task", json.dumps({k: v for k, v in LABELS.items() if k != "task"}).encode()
    for text in (
        "",
        "null",
        "[]",
        "5",
        '"a"',
        "{",
        "NaN",
        "[" * 10**5,
        '{"a":' * 10**5,
        '{"task":1' + "0" * 6000 + "}",
        "\x00",
        "{}",
    ):
        yield f"the text {text[:12]!r}, {len(text)} long", text.encode()
    yield "UTF-16", json.dumps(LABELS).encode("utf-16")
    yield "bytes that are no UTF-8", b'{"task": "\xff\xfe"}'


def onnx() -> Cases:
    from onnx import TensorProto, helper, numpy_helper

    def weights(value: Any) -> Any:
        def change(model: Any) -> None:
            model.graph.initializer[1].CopyFrom(numpy_helper.from_array(np.asarray(value), "ones"))

        return change

    def graph(change: Any) -> bytes:
        return onnx_model(lambda model: change(model.graph))

    yield "no content", b""
    yield "a graph without nodes", graph(lambda one: one.ClearField("node"))
    yield "no outputs", graph(lambda one: one.ClearField("output"))
    yield "no input", graph(lambda one: one.ClearField("input"))
    yield (
        "NaN in what is divided by",
        graph(
            lambda one: (
                one.initializer.append(numpy_helper.from_array(np.full(1, np.nan, np.float32), "none")),
                one.node[3].input.__setitem__(1, "none"),
            )
        ),
    )
    yield (
        "divided by zero",
        graph(
            lambda one: (
                one.initializer.append(numpy_helper.from_array(np.zeros(1, np.float32), "none")),
                one.node[3].input.__setitem__(1, "none"),
            )
        ),
    )
    yield "an unknown operator", graph(lambda one: setattr(one.node[0], "op_type", "Launch"))
    yield "an operator of another domain", graph(lambda one: setattr(one.node[0], "domain", "evil"))
    yield "a node that feeds itself", graph(lambda one: one.node[2].input.__setitem__(0, "sum"))
    yield "an input that nobody makes", graph(lambda one: one.node[3].input.__setitem__(1, "nobody"))
    yield "a name of 1 MB", graph(lambda one: setattr(one.node[0], "name", "n" * 10**6))
    yield "float photos", onnx_model(type=TensorProto.FLOAT)
    yield "photos of rank 4", onnx_model(shape=[1, "h", "w", 3])
    yield "two classes", graph(lambda one: setattr(one.output[0].type.tensor_type.shape.dim[0], "dim_value", 2))
    yield "answers of text", graph(lambda one: setattr(one.output[0].type.tensor_type, "elem_type", TensorProto.STRING))
    yield "answers of rank 2", graph(lambda one: one.output[0].type.tensor_type.shape.dim.add())
    yield "an optional answer", graph(lambda one: one.output[0].type.optional_type.SetInParent())
    yield "other labels inside", onnx_model(labels={**LABELS, "note": "other"})
    yield "labels inside that are none", onnx_model(labels=[])
    yield "opset 999", onnx_model(lambda model: setattr(model.opset_import[0], "version", 999))
    yield "IR version 999", onnx_model(lambda model: setattr(model, "ir_version", 999))
    yield "weights of another length", onnx_model(lambda model: setattr(model.graph.initializer[1], "raw_data", b"a"))
    yield "weights of 2^40 elements", onnx_model(lambda model: model.graph.initializer[1].dims.__setitem__(0, 2**40))
    yield "weights with negative dims", onnx_model(lambda model: model.graph.initializer[1].dims.__setitem__(0, -3))
    yield "weights of type 77", onnx_model(lambda model: setattr(model.graph.initializer[1], "data_type", 77))
    yield (
        "axes out of range",
        graph(lambda one: one.initializer[0].CopyFrom(numpy_helper.from_array(np.array([0, 77]), "axes"))),
    )
    node = helper.make_node("ConstantOfShape", ["shape"], ["filled"])
    yield (
        "2^62 zeros",
        graph(
            lambda one: (
                one.node.insert(0, node),
                one.initializer.append(numpy_helper.from_array(np.array([2**62]), "shape")),
                one.node.insert(1, helper.make_node("ReduceSum", ["filled"], ["more"], keepdims=0)),
                one.node[5].input.__setitem__(1, "more"),
            )
        ),
    )
    yield "a name that is no UTF-8", onnx_model().replace(b"logits", b"\xf7ogits")
    yield "SavedModel", b"\x08\x01\x12" + bytes(200)
    yield "a pickle", b"\x80\x04\x95" + bytes(100)
