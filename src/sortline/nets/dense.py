"""A dense net on the pixels: what there is to beat before anything convolves."""

from mindspore import Tensor, nn


class Dense(nn.Cell):
    """float32 (n, 1, 28, 28) to logits (n, classes): dense layers of 784 to 512, 128 and `classes`, with ReLU."""

    image_size = 28

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.dense1, self.dense2, self.dense3 = nn.Dense(784, 512), nn.Dense(512, 128), nn.Dense(128, classes)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        x = self.relu(self.dense1(x.reshape((-1, 784))))
        return self.dense3(self.relu(self.dense2(x)))


NETS = {"dense": Dense}
