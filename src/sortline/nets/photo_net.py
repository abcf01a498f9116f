"""A ResNet with its linear head, trained whole from photos."""

import mindspore
import numpy as np
from mindspore import Tensor, nn

from sortline.nets.releases import IMAGENET_MEAN, IMAGENET_STD, Preprocessing
from sortline.nets.resnet import ResNet


class PhotoNet(nn.Cell):
    """float32 (n, 3, S, S), preprocessed, to logits (n, classes); S a multiple of 32. `zero_last` as in ResNet."""

    preprocessing = Preprocessing(IMAGENET_MEAN, IMAGENET_STD)
    image_size = None  # any

    def __init__(self, classes: int, depth: int, zero_last: bool = False) -> None:
        super().__init__()
        self.backbone = ResNet(depth, zero_last=zero_last)
        self.head = nn.Dense(self.backbone.channels, classes)

    def construct(self, x: Tensor) -> Tensor:
        return self.head(self.backbone(x).mean((2, 3)))

    def initialise(self, seed: int) -> None:
        """Draw the kernels from `seed`: He-normal by fan-out (He et al. 2015, arXiv:1502.01852); the head starts at 0.

        The batch norms stay as they are built.
        """
        generator = np.random.default_rng(seed)
        for name, parameter in self.parameters_dict().items():
            if name.endswith("conv.weight"):
                fan_out = parameter.shape[0] * np.prod(parameter.shape[2:])
                draw = generator.standard_normal(parameter.shape) * np.sqrt(2 / fan_out)
                parameter.set_data(mindspore.Tensor(draw.astype(np.float32)))
        for parameter in (self.head.weight, self.head.bias):
            parameter.set_data(mindspore.Tensor(np.zeros(parameter.shape, np.float32)))
