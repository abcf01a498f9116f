"""LeNet-5 for photos: 28 or 64 pixels, grey or in colour, with the report's average pooling or the maximum."""

import numpy as np
from mindspore import Tensor, nn

from sortline.backbones.preprocessing import LUMA

MAPS = 16


class LeNet5Photos(nn.Cell):
    """float32 (n, 3, S, S) to logits (n, classes); S a multiple of 4. Without `colour` it sees the luma alone.

    LeCun et al. 1998: 5x5 convolutions of 6 and 16 maps, each halved by pooling; the first keeps the size, as 28 pixels
    need it. Then dense layers of 120, 84 and `classes`, with dropout of 0.5 before the last.
    """

    def __init__(self, side: int, classes: int, colour: bool, pooling: str) -> None:
        super().__init__()
        places = (side // 2 - 4) // 2
        self.luma = None if colour else Tensor((np.array(LUMA) / sum(LUMA)).astype(np.float32).reshape(1, 3, 1, 1))
        self.conv1 = nn.Conv2d(3 if colour else 1, 6, 5, pad_mode="same", has_bias=True)
        self.conv2 = nn.Conv2d(6, MAPS, 5, pad_mode="valid", has_bias=True)
        self.pool = {"average": nn.AvgPool2d, "max": nn.MaxPool2d}[pooling](2, 2)
        self.width = MAPS * places * places
        self.dense1, self.dense2, self.dense3 = nn.Dense(self.width, 120), nn.Dense(120, 84), nn.Dense(84, classes)
        self.relu, self.dropout = nn.ReLU(), nn.Dropout(p=0.5)

    def construct(self, x: Tensor) -> Tensor:
        if self.luma is not None:
            x = (x * self.luma).sum(1, keepdims=True)
        x = self.pool(self.relu(self.conv1(x)))
        x = self.pool(self.relu(self.conv2(x)))
        x = self.relu(self.dense1(x.reshape((-1, self.width))))
        return self.dense3(self.dropout(self.relu(self.dense2(x))))
