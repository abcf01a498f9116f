"""DCGAN for digits (Radford et al. 2016, arXiv:1511.06434), told the class: two nets that train each other."""

import mindspore
import numpy as np
from mindspore import Tensor, nn, ops

from sortline.nets import registry
from sortline.training import loop
from sortline.training.gan import leaky


class Maker(nn.Cell):
    """Noise float32 (n, latent) and one-hot classes (n, classes) to pictures (n, 1, 28, 28) from -1 to 1.

    A dense layer to 2 `maps` of 7 x 7, then transposed convolutions 4 x 4 of stride 2: to `maps` of 14 x 14, to one of
    28 x 28; batch norm and ReLU after all but the last, there tanh. A fourth of the paper's maps, or less.
    """

    def __init__(self, latent: int, classes: int, maps: int) -> None:
        super().__init__()
        self.shape = (-1, 2 * maps, 7, 7)
        self.dense = nn.Dense(latent + classes, 2 * maps * 49)
        self.norm1, self.norm2 = nn.BatchNorm2d(2 * maps), nn.BatchNorm2d(maps)
        self.up1 = nn.Conv2dTranspose(2 * maps, maps, 4, 2, pad_mode="pad", padding=1)
        self.up2 = nn.Conv2dTranspose(maps, 1, 4, 2, pad_mode="pad", padding=1, has_bias=True)

    def construct(self, noise: Tensor, kinds: Tensor) -> Tensor:
        x = self.dense(ops.cat((noise, kinds), 1)).reshape(self.shape)
        x = ops.relu(self.norm1(x))
        return ops.tanh(self.up2(ops.relu(self.norm2(self.up1(x)))))


class Critic(nn.Cell):
    """Pictures (n, 1, 28, 28) and one-hot classes to logits (n,): above 0 it takes them for real ones.

    Convolutions 4 x 4 of stride 2 to `maps`, 2 `maps`, leaky ReLU, batch norm between, then a dense layer with an
    output a class, of which the picture's own counts (as Miyato and Koyama 2018, arXiv:1802.05637, do).
    """

    def __init__(self, classes: int, maps: int) -> None:
        super().__init__()
        self.width = 2 * maps * 49
        self.down1 = nn.Conv2d(1, maps, 4, 2, pad_mode="pad", padding=1, has_bias=True)
        self.down2 = nn.Conv2d(maps, 2 * maps, 4, 2, pad_mode="pad", padding=1)
        self.norm = nn.BatchNorm2d(2 * maps)
        self.dense = nn.Dense(self.width, classes)

    def construct(self, pictures: Tensor, kinds: Tensor) -> Tensor:
        x = leaky(self.down1(pictures))
        x = leaky(self.norm(self.down2(x)))
        return (self.dense(x.reshape((-1, self.width))) * kinds).sum(1)


def softplus(x: Tensor) -> Tensor:
    return ops.relu(x) + ops.log(1 + ops.exp(-ops.abs(x)))


class Pair(nn.Cell):
    """A maker and a critic, at a start by `seed`."""

    def __init__(self, latent: int, classes: int, maps: int, seed: int) -> None:
        super().__init__()
        self.maker, self.critic = Maker(latent, classes, maps), Critic(classes, maps)
        registry.initialize(self.maker, seed)
        registry.initialize(self.critic, seed)


class MakerLoss(nn.Cell):
    """What the maker wants: that its pictures are taken for real (Goodfellow et al. 2014's second loss)."""

    def __init__(self, pair: Pair) -> None:
        super().__init__(auto_prefix=False)
        self.maker, self.critic = pair.maker, pair.critic

    def construct(self, noise, kinds):
        made = self.maker(noise, kinds)
        return softplus(-self.critic(made, kinds)).mean(), made


class CriticLoss(nn.Cell):
    """What the critic wants: to tell the pictures from the made ones."""

    def __init__(self, pair: Pair) -> None:
        super().__init__(auto_prefix=False)
        self.critic = pair.critic

    def construct(self, pictures, made, kinds):
        return softplus(-self.critic(pictures, kinds)).mean() + softplus(self.critic(made, kinds)).mean()


class Rivals(nn.Cell):
    """The gradients of both nets, each of its own loss, of uint8 pictures (n, 28, 28), their classes, and noise."""

    def __init__(self, pair: Pair) -> None:
        super().__init__(auto_prefix=False)
        makers, critics = (mindspore.ParameterTuple(one.trainable_params()) for one in (pair.maker, pair.critic))
        self.of_maker = ops.value_and_grad(MakerLoss(pair), None, makers, has_aux=True)
        self.of_critic = ops.value_and_grad(CriticLoss(pair), None, critics)

    def construct(self, pictures, kinds, noise):
        real = ops.cast(pictures, mindspore.float32).expand_dims(1) / 127.5 - 1
        (wanted, made), ours = self.of_maker(noise, kinds)
        told, theirs = self.of_critic(real, ops.stop_gradient(made), kinds)
        seen = ops.stack((wanted, told)).reshape(2, 1)
        return (wanted + told, seen, ops.ones_like(wanted).reshape(1)), ours + theirs


def steps(pair: Pair) -> loop.Steps:
    """Return steps of both nets at once, by Adam."""
    found = loop.Steps(pair, "adam", False, even=False)
    found.gradient = Rivals(pair)
    return found


def sample(maker: Maker, kinds: np.ndarray, latent: int, generator: np.random.Generator, size: int = 500) -> np.ndarray:
    """Return a picture uint8 (n, 28, 28) of each of `kinds` float32 (n, classes), by the statistics of all training."""
    maker.set_train(False)
    found = []
    for start in range(0, len(kinds), size):
        wanted = np.resize(kinds[start : start + size], (size, kinds.shape[1]))
        noise = generator.standard_normal((size, latent), np.float32)
        found.append(maker(Tensor(noise), Tensor(wanted)).asnumpy()[: len(kinds) - start, 0])
    return np.rint(127.5 * (np.concatenate(found) + 1)).astype(np.uint8)
