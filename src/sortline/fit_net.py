"""Training a whole net from pixels: an epoch of steps in one graph call, fed from memory."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import mindspore
import numpy as np
from mindspore import Tensor, nn, ops

from sortline import losses, optim
from sortline.data.augment import Distortion, distort
from sortline.data.crops import Crops, crop
from sortline.errors import UserError
from sortline.nets import small
from sortline.smoothing import smooth_targets

AT_ONCE = 256 * 2**20  # bytes of pictures handed over in one piece


@dataclass(frozen=True)
class Recipe:
    """How to train: everything that the loop needs beside data."""

    optimizer: str
    lr: float
    schedule: str
    warmup_epochs: float
    lr_end: float
    decay_rate: float
    decay_epochs: float
    momentum: float
    beta2: float
    weight_decay: float
    clip_norm: float | None
    label_smoothing: float
    batch_size: int
    epochs: int
    seed: int


@dataclass(frozen=True)
class Epoch:
    """What an epoch was: its number, from 1, mean training loss, last learning rate."""

    number: int
    loss: float
    lr: float


class _WithLoss(nn.Cell):
    def __init__(self, net: nn.Cell) -> None:
        super().__init__(auto_prefix=False)  # or the parameters' names would begin with `net.`
        self.net = net

    def construct(self, x: Tensor, targets: Tensor) -> Tensor:
        return losses.cross_entropy(self.net(x), targets).mean()


class _Steps(nn.Cell):
    """All steps of an epoch; the optimiser works on one flat vector of all parameters: ten kernels, not hundreds."""

    def __init__(self, net: nn.Cell, recipe: Recipe) -> None:
        super().__init__(auto_prefix=False)
        self.params = mindspore.ParameterTuple(net.trainable_params())
        self.gradient = ops.value_and_grad(_WithLoss(net), None, self.params)
        self.step_function = optim.step_function(recipe.optimizer)
        self.limit = recipe.clip_norm
        self.shapes = [parameter.shape for parameter in self.params]
        self.ends = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)]).tolist()
        self.count = len(self.shapes)

    def construct(self, step, images, targets, plan, scale, shift, decay, value, mean, square):
        # `step` comes in as a tensor 0: a constant would have the compiler unroll the loop.
        total = ops.zeros_like(plan[0, 0])
        while step < images.shape[0]:
            x = ops.cast(images[step], mindspore.float32) * scale + shift
            loss, gradients = self.gradient(x, targets[step])
            gradient = ops.cat([gradients[k].reshape(-1) for k in range(self.count)])
            if self.limit is not None:
                gradient = optim.clip((gradient,), self.limit)[0]
            value, mean, square = self.step_function(value, gradient, mean, square, plan[step], decay)
            for k in range(self.count):
                ops.assign(self.params[k], value[self.ends[k] : self.ends[k + 1]].reshape(self.shapes[k]))
            total = total + loss
            step = step + 1
        return value, mean, square, total / images.shape[0]


def order(count: int, batch_size: int, generator: np.random.Generator) -> np.ndarray:
    """Return an epoch's indices, int (steps, batch): all in a fresh order, the last batch filled from its start."""
    batch_size = min(batch_size, count)
    steps = -(-count // batch_size)
    return np.resize(generator.permutation(count), (steps, batch_size))


def train(
    net: nn.Cell, images: np.ndarray, labels: np.ndarray, classes: int, recipe: Recipe, change: Distortion | Crops
) -> Iterator[Epoch]:
    """Train `net` in place on uint8 images (n, S, S) or, in colour, (n, S, S, 3), and int labels (n,).

    `change` is what happens to each picture in each epoch: a Distortion of grey ones, Crops of photos. Yields after
    each epoch.

    Weights decay, biases and batch norm do not. Raises `UserError` when the loss or a parameter turns NaN or Inf.
    """
    net.set_train(True)
    steps = _Steps(net, recipe)
    params = net.trainable_params()
    value = Tensor(np.concatenate([parameter.asnumpy().ravel() for parameter in params]))
    state = [value, ops.zeros_like(value), ops.zeros_like(value)]
    decays = [recipe.weight_decay * parameter.name.endswith("weight") for parameter in params]
    decay = Tensor(np.repeat(decays, [parameter.size for parameter in params]).astype(np.float32))
    targets = smooth_targets(labels, classes, recipe.label_smoothing)
    scaling = small.preprocessing(net)
    constants = [Tensor(array.reshape(-1, 1, 1)) for array in (scaling.scale, scaling.shift)]
    zero = Tensor(0, mindspore.int32)
    a_epoch = -(-len(images) // min(recipe.batch_size, len(images)))
    plan = _plan(recipe, a_epoch)
    feed = _batches(images, targets, recipe, change)
    total = 0.0
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, feed)
        while coming is not None:
            number, first, pictures, wanted = coming.result()
            now = plan[(number - 1) * a_epoch + first :][: len(pictures)]
            ended = first + len(pictures) == a_epoch
            coming = None if ended and number == recipe.epochs else pool.submit(next, feed)
            data = [Tensor(array) for array in (pictures, wanted, now)]
            *state, loss = steps(zero, *data, *constants, decay, *state)
            total += float(loss.asnumpy()) * len(pictures) / a_epoch
            if not ended and np.isfinite(total):
                continue
            if not (np.isfinite(total) and np.isfinite(state[0].asnumpy()).all()):
                raise UserError(f"training diverged: NaN or Inf in epoch {number}; lower lr (now {recipe.lr})")
            yield Epoch(number, total, float(now[-1, optim.LR]))
            total = 0.0


def _plan(recipe: Recipe, steps: int) -> np.ndarray:
    rates = optim.learning_rates(
        recipe.schedule,
        recipe.lr,
        recipe.epochs,
        steps,
        recipe.warmup_epochs,
        lr_end=recipe.lr_end,
        decay_rate=recipe.decay_rate,
        decay_epochs=recipe.decay_epochs,
    )
    return optim.plan(recipe.optimizer, rates, momentum=recipe.momentum, beta2=recipe.beta2)


def _batches(
    images: np.ndarray, targets: np.ndarray, recipe: Recipe, change: Distortion | Crops
) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
    """Yield (epoch, first step, pictures uint8 (steps, batch, C, S, S), targets (steps, batch, classes)) without end.

    An epoch comes whole where it is small, else step by step. What it is depends on the seed and its number.
    """
    for number in itertools.count(1):
        generator = np.random.default_rng([recipe.seed, number])
        rows = order(len(images), recipe.batch_size, generator)
        size = rows.size * images[0].nbytes
        for first in [0] if size <= AT_ONCE else range(len(rows)):
            chosen = rows if size <= AT_ONCE else rows[first : first + 1]
            pictures = images[chosen.ravel()]
            if images.ndim == 3:
                pictures = distort(pictures, change, generator)[:, None]
            else:
                pictures = crop(pictures, change, generator).transpose(0, 3, 1, 2)
            pictures = np.ascontiguousarray(pictures.reshape(*chosen.shape, *pictures.shape[1:]))
            yield number, first, pictures, targets[chosen]
