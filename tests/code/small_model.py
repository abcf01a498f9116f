"""An exported model as the stage writes it, whose network is a mean of the pixels: small, and known by heart."""

import json

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from test_predict import LABELS

from sortline.backbones.preprocessing import Preprocessing
from sortline.export import onnx_model
from sortline.features.similarity import Reference

SIZE = 8
WEIGHT = np.array([[4, -1, -1], [-1, 4, -1], [-1, -1, 4]], np.float32)
BIAS = np.array([0.1, 0, -0.1], np.float32)
HALVES = Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def small_model(labels=LABELS):
    """Photo -> 8 x 8 pixels, -1 to 1 -> their mean colour -> three logits, and the similarity to three
    colours, by which familiarity is told too."""
    nodes = [
        helper.make_node("ReduceMean", ["x", "places"], ["pooled"], keepdims=0),
        helper.make_node("Gemm", ["pooled", "weight", "bias"], ["logits"], transB=1),
    ]
    values = {"places": np.array([2, 3]), "weight": WEIGHT, "bias": BIAS}
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, SIZE, SIZE])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3])
    constants = [numpy_helper.from_array(array, name) for name, array in values.items()]
    graph = helper.make_graph(nodes, "small", [x], [logits], constants)
    network = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
    reference = Reference(np.full(3, -0.2, np.float32), np.eye(3, dtype=np.float32), np.eye(3, dtype=np.float32))
    onnx_model.add_similarity(network, reference)
    onnx_model.add_familiarity(network, 0.5)
    return onnx_model.self_contained(network, HALVES, SIZE, {"labels": json.dumps(labels, ensure_ascii=False)})
