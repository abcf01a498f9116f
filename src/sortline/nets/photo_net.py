"""A backbone with its head, as one net that is trained from photos, or its last part from cached Feature Maps."""

from functools import partial
from typing import Any

import mindspore
import numpy as np
from mindspore import Tensor, nn, ops

from sortline.backbones import checkpoints, registry
from sortline.backbones.joined import JoinedBackbone
from sortline.backbones.preprocessing import UNSCALED, Preprocessing


class HeadV3(nn.Cell):
    """The head of MobileNetV3 (Howard et al. 2019, arXiv:1905.02244) on pooled features (n, C), to logits.

    Convolution 1x1 of C to C (on one place, so a dense layer), batch norm, h-swish, dropout 0.2, convolution 1x1.
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.channels = channels
        self.first = nn.Dense(channels, channels, has_bias=False)
        self.norm = nn.BatchNorm2d(channels)  # BatchNorm1d's ONNX would take one photo a time alone
        self.dropout = nn.Dropout(p=0.2)
        self.last = nn.Dense(channels, classes)
        self.relu6 = nn.ReLU6()

    def construct(self, x: Tensor) -> Tensor:
        x = self.norm(self.first(x).reshape((-1, self.channels, 1, 1))).mean((2, 3))
        return self.last(self.dropout(x * self.relu6(x + 3) / 6))


FRESH = registry.Release("untrained", licence="none")
HEADS = {"linear": nn.Dense, "v3": HeadV3}


class PhotoNet(nn.Cell):
    """float32 (n, 3, S, S), preprocessed, to logits (n, classes); S a multiple of 32."""

    image_size = None  # any

    def __init__(self, classes: int, backbone: nn.Cell, preprocessing: Preprocessing, head: str = "linear") -> None:
        super().__init__()
        self.preprocessing = preprocessing
        self.backbone = backbone
        self.head = HEADS[head](backbone.channels, classes)

    def construct(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        return self.backbone(x).mean((2, 3))

    def classify(self, features: Tensor) -> Tensor:
        return self.head(features)

    def alone(self, features: Tensor) -> list[Tensor]:
        """Return what each of joined backbones says, logits (n, classes): what they say together is the mean."""
        ends, found = self.backbone.ends, []
        for begin, end in zip((0, *ends), ends):  # noqa: B905 - MindSpore's compiler knows no strict
            weight = len(ends) * self.head.weight[:, begin:end]
            found.append(ops.matmul(features[:, begin:end], weight.T) + self.head.bias)
        return found

    def initialize(self, seed: int) -> None:
        """Draw all kernels from `seed`: He-normal by fan-out (He et al. 2015, arXiv:1502.01852); see `start_head`.

        The batch norms stay as they are built.
        """
        generator = np.random.default_rng(seed)
        checkpoints.draw(self, generator, partial(registry.he_normal, fan="out"))
        self.start_head(generator)

    def start_head(self, generator: np.random.Generator) -> None:
        """Start the head: its last layer at 0, one before that He-normal."""
        for name, parameter in self.head.parameters_dict().items():
            if "norm" in name:
                continue
            value = np.zeros(parameter.shape)
            if ".first." in name:
                value = generator.standard_normal(parameter.shape) * np.sqrt(2 / parameter.shape[1])
            parameter.set_data(mindspore.Tensor(value.astype(np.float32)))


class Tail(nn.Cell):
    """The last `blocks` blocks of a PhotoNet's backbone, its last layer and its head, on cached maps.

    Takes what `layers.Front` puts out; with 0 blocks pooled features, (n, C, 1, 1), the head alone.
    """

    def __init__(self, net: PhotoNet, blocks: int) -> None:
        super().__init__(auto_prefix=False)
        self.net = net
        self.back = net.backbone.cut(blocks)[1] if blocks else None

    def construct(self, x: Tensor) -> Tensor:
        return self.net.head(self.features(x))

    def features(self, x: Tensor) -> Tensor:
        return (x if self.back is None else self.back(x)).mean((2, 3))

    def classify(self, features: Tensor) -> Tensor:
        return self.net.head(features)

    def alone(self, features: Tensor) -> list[Tensor]:
        return self.net.alone(features)


class Features(nn.Cell):
    """A PhotoNet, or the Tail of one, without its head: to features (n, C)."""

    def __init__(self, net: PhotoNet | Tail) -> None:
        super().__init__(auto_prefix=False)
        self.net = net

    def construct(self, x: Tensor) -> Tensor:
        return self.net.features(x)


def photo_net(classes: int, network: str, release: str | None = None, head: str = "linear", **options: Any) -> PhotoNet:
    """Return the backbone `network` with a head, its values not yet meant for use.

    As `release` has it; without one, to be trained from its first weights, as MindCV would. `options`: what
    `Network.net` takes, a MobileNetV2's `width`, a ResNet's `zero_last`.
    """
    known = registry.get(network)
    how = known.release(release) if release else FRESH
    return PhotoNet(classes, known.net(how, **options), how.preprocessing, head)


def joined_net(
    classes: int, network: str, release: str, width: list[float | None], sides: list[int], image_size: int, head: str
) -> PhotoNet:
    """Return joined backbones with one head: `network` and `release` name each, with a + between them; each takes
    pictures of its own of `sides`, made of those of `image_size`."""
    backbones = []
    for name, its, wide, side in zip(network.split("+"), release.split("+"), width, sides, strict=True):
        known = registry.get(name)
        how = known.release(its)
        backbones.append((known.net(how, wide), how.preprocessing, side))
    return PhotoNet(classes, JoinedBackbone(backbones, image_size), UNSCALED, head)


NETS = {name: partial(photo_net, network=name) for name in registry.names()} | {"joined": joined_net}
