"""A mistake that reports make, to be measured: softmax in the net, and softmax cross-entropy after it."""

from mindspore import Tensor, nn, ops


class SoftmaxInNet(nn.Cell):
    """`net`, its outputs probabilities (n, classes): trained by cross-entropy, the loss takes softmax of them again."""

    def __init__(self, net: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.net = net

    def construct(self, x: Tensor) -> Tensor:
        return ops.softmax(self.net(x), -1)
