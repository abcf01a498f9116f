"""The reports' CNN for digits: two convolutions with batch norm, three dense layers."""

from mindspore import Tensor, nn


class DigitsCNN(nn.Cell):
    """float32 (n, 1, 28, 28) to logits (n, classes).

    3x3 convolutions of 64 and 128 maps, each with batch norm, ReLU and max pooling to a half (14, 7); then dense layers
    6,272 to 784, 98 and `classes`. No softmax at the end: the loss takes logits.
    """

    image_size = 28

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 64, 3, pad_mode="same")
        self.norm1 = nn.BatchNorm2d(64)
        self.conv2 = nn.Conv2d(64, 128, 3, pad_mode="same")
        self.norm2 = nn.BatchNorm2d(128)
        self.dense1 = nn.Dense(6272, 784)
        self.dense2 = nn.Dense(784, 98)
        self.dense3 = nn.Dense(98, classes)
        self.pool = nn.MaxPool2d(2, 2)
        self.relu = nn.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        # Pooled before the ReLU, which is the same at a quarter of the work.
        x = self.relu(self.pool(self.norm1(self.conv1(x))))
        x = self.relu(self.pool(self.norm2(self.conv2(x))))
        x = self.relu(self.dense1(x.reshape((-1, 6272))))
        return self.dense3(self.relu(self.dense2(x)))


NETS = {"digits_cnn": DigitsCNN}
