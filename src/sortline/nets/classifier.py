"""Backbone, pooling and linear head as one network: what is exported."""

import mindspore
import numpy as np
from mindspore import Tensor, nn, ops


class Classifier(nn.Cell):
    """float32 (n, 3, S, S), preprocessed, to logits (n, classes).

    `weight` float32 (classes, D) and `bias` float32 (classes,) act on the map pooled by `pooling` ("mean", "max" or
    "mean+max", mean first).
    """

    def __init__(self, backbone: nn.Cell, weight: np.ndarray, bias: np.ndarray, pooling: str) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        self.head = nn.Dense(weight.shape[1], weight.shape[0])
        self.head.weight.set_data(mindspore.Tensor(weight))
        self.head.bias.set_data(mindspore.Tensor(bias))

    def construct(self, x: Tensor) -> Tensor:
        feature_map = self.backbone(x)
        if self.pooling == "mean":
            pooled = feature_map.mean((2, 3))
        elif self.pooling == "max":
            pooled = feature_map.amax((2, 3))
        else:
            pooled = ops.cat((feature_map.mean((2, 3)), feature_map.amax((2, 3))), 1)
        return self.head(pooled)
