"""Backbone and head as one network: what is exported."""

import mindspore
import numpy as np
from mindspore import Tensor, nn, ops

from sortline.features.heads import Head


def _dense(weight: np.ndarray, bias: np.ndarray) -> nn.Dense:
    layer = nn.Dense(weight.shape[1], weight.shape[0])
    layer.weight.set_data(mindspore.Tensor(np.ascontiguousarray(weight)))
    layer.bias.set_data(mindspore.Tensor(np.ascontiguousarray(bias)))
    return layer


class HeadOnBackbone(nn.Cell):
    """float32 (n, 3, S, S), preprocessed, to logits (n, classes), as `head` makes them of the map."""

    def __init__(self, backbone: nn.Cell, head: Head) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling, self.activation, self.scale = head.pooling, head.activation, head.scale
        self.hidden = head.hidden_weight is not None
        if head.query is not None:
            self.query = mindspore.Parameter(mindspore.Tensor(head.query.reshape(1, -1, 1, 1).copy()), name="query")
        if self.hidden:
            self.first = _dense(head.hidden_weight, head.hidden_bias)
        self.head = _dense(head.weight, head.bias)

    def pool(self, feature_map: Tensor) -> Tensor:
        if self.pooling == "mean":
            return feature_map.mean((2, 3))
        if self.pooling == "max":
            return feature_map.amax((2, 3))
        if self.pooling == "mean+max":
            return ops.cat((feature_map.mean((2, 3)), feature_map.amax((2, 3))), 1)
        # By hand and without a reshape, which the ONNX export would fix to one photo.
        scores = (feature_map * self.query).sum(1, keepdims=True)
        shares = ops.exp(scores - scores.amax((2, 3), True))
        return (feature_map * shares).sum((2, 3)) / shares.sum((2, 3))

    def construct(self, x: Tensor) -> Tensor:
        pooled = self.pool(self.backbone(x))
        if self.hidden:
            pooled = ops.relu(self.first(pooled))
        logits = self.head(pooled)
        if self.activation == "softmax":
            logits = ops.softmax(logits, -1)
        elif self.activation == "sigmoid":
            logits = ops.sigmoid(logits)
        return logits * self.scale if self.scale != 1 else logits
