"""Where a linear head looks: class activation maps as one more output of the exported graph."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from sortline.features.heads import Head

POOLING_OPS = ("ReduceMean", "ReduceMax")


def add_cam(network: onnx.ModelProto, head: Head) -> None:
    """Add the output `cam`, float32 (n, classes, h, w), to `network`, a backbone that `head` pools and maps linearly.

    A class's map is the last feature map summed over channels with that class's weights; where the head sees both
    poolings, with the sum of a channel's two weights. Its mean over (h, w), plus the bias, is the logit of a head on
    mean-pooled features. Raises ValueError where the graph pools nothing, or several maps.
    Source: Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016.
    """
    graph = network.graph
    pooled = {node.input[0] for node in graph.node if node.op_type in POOLING_OPS}
    if len(pooled) != 1:
        raise ValueError(f"expected one pooled feature map, found {len(pooled)}")
    weight = head.weight
    if head.pooling == "mean+max":
        mean, maximum = np.split(weight, 2, axis=1)
        weight = mean + maximum
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(weight[..., None, None]), "cam/weight"))
    graph.node.append(helper.make_node("Conv", [pooled.pop(), "cam/weight"], ["cam"], name="cam/conv"))
    graph.output.append(helper.make_tensor_value_info("cam", TensorProto.FLOAT, ["n", len(weight), "h", "w"]))
