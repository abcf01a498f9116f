"""LeNet-5 (LeCun et al. 1998, "Gradient-based learning applied to document recognition"): as taught, as published."""

import numpy as np
from mindspore import Parameter, Tensor, nn, ops


class ELU(nn.Cell):
    """x above 0, exp(x) - 1 below (Clevert et al. 2016, arXiv:1511.07289); MindSpore's own has no ONNX export."""

    def construct(self, x: Tensor) -> Tensor:
        return ops.relu(x) + ops.exp(-ops.relu(-x)) - 1


ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid, "elu": ELU}
POOLINGS = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}

# Table I of the paper: the maps of S2 that each of the 16 maps of C3 sees.
C3_TABLE = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5),
)  # fmt: skip


def conv5(inputs: int, outputs: int) -> nn.Conv2d:
    """A valid 5x5 convolution with bias."""
    return nn.Conv2d(inputs, outputs, 5, pad_mode="valid", has_bias=True)


def dense_layers(classes: int) -> tuple[nn.Dense, nn.Dense, nn.Dense]:
    """The last three layers of every variant. The first sees all 16 maps: the same as the paper's 5x5 convolution."""
    return nn.Dense(400, 120), nn.Dense(120, 84), nn.Dense(84, classes)


class PooledConv(nn.Cell):
    """A valid 5x5 convolution from one map and 2x2 max pooling, in one: (n, 1, S, S) to (n, maps, S/2 - 2, S/2 - 2).

    While training, the four results under a pooling window come from one convolution of stride 2 by the kernel in four
    places of a 6x6 one, and max(a, b) is a + relu(b - a). The same numbers, gradients too, up to rounding; but
    MindSpore's gradient of MaxPool takes more time on the CPU than all the rest of LeNet-5 (bench/lenet.py).
    """

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.weight = Parameter(np.zeros((maps, 1, 5, 5), np.float32))
        self.bias = Parameter(np.zeros(maps, np.float32))
        self.maps = maps
        placement = np.zeros((5, 5, 4, 6, 6), np.float32)
        for place, (down, right) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
            for row, column in np.ndindex(5, 5):
                placement[row, column, place, row + down, column + right] = 1
        self.placement = Tensor(placement.reshape(25, 144))
        self.four = ops.Conv2D(4 * maps, (6, 6), pad_mode="valid", stride=(2, 2))
        self.conv = ops.Conv2D(maps, (5, 5), pad_mode="valid")
        self.pool = ops.MaxPool((2, 2), (2, 2))
        self.bias_add = ops.BiasAdd()
        self.relu = ops.ReLU()

    def construct(self, x: Tensor) -> Tensor:
        if not self.training:
            return self.pool(self.bias_add(self.conv(x, self.weight), self.bias))
        maps = self.maps
        kernels = ops.matmul(self.weight.reshape((maps, 25)), self.placement).reshape((maps, 4, 36))
        x = self.four(x, kernels.transpose(1, 0, 2).reshape((4 * maps, 1, 6, 6)))
        upper = self.larger(x[:, :maps], x[:, maps : 2 * maps])
        lower = self.larger(x[:, 2 * maps : 3 * maps], x[:, 3 * maps :])
        return self.bias_add(self.larger(upper, lower), self.bias)

    def larger(self, a: Tensor, b: Tensor) -> Tensor:
        return a + self.relu(b - a)


class LeNet5(nn.Cell):
    """As it is taught today: float32 (n, 1, 32, 32) to logits (n, classes).

    Two valid 5x5 convolutions (6, 16 maps), each halved by pooling, then dense layers of 120, 84 and `classes`. Pooling
    comes before the activation: all four of these are monotonic, so for max pooling that is the same, at a quarter of
    the work.
    """

    image_size = 32

    def __init__(self, classes: int = 10, pooling: str = "max", activation: str = "relu") -> None:
        super().__init__()
        self.pool_first = pooling == "max"  # averages do not commute with the activation
        self.conv1 = PooledConv(6) if self.pool_first else conv5(1, 6)
        self.conv2 = conv5(6, 16)
        self.dense1, self.dense2, self.dense3 = dense_layers(classes)
        self.pool = POOLINGS[pooling](2, 2)
        self.activation = ACTIVATIONS[activation]()

    def construct(self, x: Tensor) -> Tensor:
        x = self.conv1(x)
        x = self.activation(x) if self.pool_first else self.pool(self.activation(x))
        x = self.conv2(x)
        x = self.activation(self.pool(x)) if self.pool_first else self.pool(self.activation(x))
        x = self.activation(self.dense1(x.reshape((-1, 400))))
        return self.dense3(self.activation(self.dense2(x)))


class LeNet5Norm(nn.Cell):
    """LeNet-5 with batch norm after each convolution and dropout of 0.5 before the last two layers, ReLU, max pooling.

    float32 (n, 1, 32, 32) to logits (n, classes).
    """

    image_size = 32

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.conv1, self.norm1 = conv5(1, 6), nn.BatchNorm2d(6)
        self.conv2, self.norm2 = conv5(6, 16), nn.BatchNorm2d(16)
        self.dense1, self.dense2, self.dense3 = dense_layers(classes)
        self.pool, self.relu, self.dropout = nn.MaxPool2d(2, 2), nn.ReLU(), nn.Dropout(p=0.5)

    def construct(self, x: Tensor) -> Tensor:
        x = self.relu(self.pool(self.norm1(self.conv1(x))))
        x = self.relu(self.pool(self.norm2(self.conv2(x))))
        x = self.dropout(self.relu(self.dense1(x.reshape((-1, 400)))))
        return self.dense3(self.dropout(self.relu(self.dense2(x))))


class ScaledTanh(nn.Cell):
    """The paper's squashing function (its appendix A): 1.7159 tanh(2 x / 3), so that f(1) = 1 and f(-1) = -1."""

    def construct(self, x: Tensor) -> Tensor:
        return 1.7159 * ops.tanh(x * (2 / 3))


class SubSampling(nn.Cell):
    """S2 and S4: the sum of each 2 x 2 square times a trainable coefficient, plus a trainable bias, one a map."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(2, 2)
        self.coefficient = Parameter(np.full((1, maps, 1, 1), 0.25, np.float32))
        self.bias = Parameter(np.zeros((1, maps, 1, 1), np.float32))

    def construct(self, x: Tensor) -> Tensor:
        return 4 * self.pool(x) * self.coefficient + self.bias


class PartialConv(nn.Cell):
    """C3: a valid 5x5 convolution from 6 to 16 maps with the connections of C3_TABLE: 60 kernels and 16 biases."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = Parameter(np.zeros((60, 25), np.float32))
        self.bias = Parameter(np.zeros(16, np.float32))
        self.fan_in = 60 * 25 / 16  # on average
        places = [6 * to + source for to, sources in enumerate(C3_TABLE) for source in sources]
        placement = np.zeros((96, 60), np.float32)
        placement[places, np.arange(60)] = 1
        self.placement = Tensor(placement)
        self.conv = ops.Conv2D(16, (5, 5), pad_mode="valid")
        self.bias_add = ops.BiasAdd()

    def construct(self, x: Tensor) -> Tensor:
        full = ops.matmul(self.placement, self.weight).reshape((16, 6, 5, 5))
        return self.bias_add(self.conv(x, full), self.bias)


class LeNet5Published(nn.Cell):
    """As published: float32 (n, 1, 32, 32) to logits (n, classes); 60,000 parameters before the output layer.

    Trainable sub-sampling, C3 by the connection table (`c3="partial"`; "full" connects every pair), scaled tanh after
    each layer. The output layer is not the paper's (distances to fixed bitmaps of the characters, by radial basis
    functions) but a dense one of 84 x classes + classes, trained with softmax cross-entropy.
    """

    image_size = 32

    def __init__(self, classes: int = 10, c3: str = "partial") -> None:
        super().__init__()
        self.c1, self.s2 = conv5(1, 6), SubSampling(6)
        self.c3 = PartialConv() if c3 == "partial" else conv5(6, 16)
        self.s4 = SubSampling(16)
        self.c5, self.f6, self.output = dense_layers(classes)
        self.squash = ScaledTanh()

    def construct(self, x: Tensor) -> Tensor:
        x = self.squash(self.s2(self.squash(self.c1(x))))
        x = self.squash(self.s4(self.squash(self.c3(x))))
        x = self.squash(self.c5(x.reshape((-1, 400))))
        return self.output(self.squash(self.f6(x)))


NETS = {"lenet5": LeNet5, "lenet5_1998": LeNet5Published, "lenet5_norm": LeNet5Norm}
