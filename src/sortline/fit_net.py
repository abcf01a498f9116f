"""Training a whole net from pixels: an epoch of steps in one graph call, fed from memory."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import mindspore
import numpy as np
from mindspore import Tensor, nn, ops

from sortline import losses, optim
from sortline.data.augment import Distortion, distort
from sortline.errors import UserError
from sortline.nets.grey import GREY
from sortline.smoothing import smooth_targets


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
        total = ops.zeros_like(scale)
        while step < images.shape[0]:
            x = (ops.cast(images[step], mindspore.float32) * scale + shift).expand_dims(1)
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
    net: nn.Cell, images: np.ndarray, labels: np.ndarray, classes: int, recipe: Recipe, distortion: Distortion
) -> Iterator[Epoch]:
    """Train `net` in place on uint8 images (n, S, S) and int labels (n,); yield after each epoch.

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
    constants = [Tensor(array[0]) for array in (GREY.scale, GREY.shift)]
    zero = Tensor(0, mindspore.int32)
    a_epoch = -(-len(images) // min(recipe.batch_size, len(images)))
    plan = _plan(recipe, a_epoch)
    batches = partial(_batches, images, targets, recipe, distortion)
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(batches, 1)
        for number in range(1, recipe.epochs + 1):
            pictures, wanted = coming.result()
            if number < recipe.epochs:
                coming = pool.submit(batches, number + 1)
            now = plan[(number - 1) * a_epoch : number * a_epoch]
            data = [Tensor(array) for array in (pictures, wanted, now)]
            *state, loss = steps(zero, *data, *constants, decay, *state)
            loss = float(loss.asnumpy())
            if not (np.isfinite(loss) and np.isfinite(state[0].asnumpy()).all()):
                raise UserError(f"training diverged: NaN or Inf in epoch {number}; lower lr (now {recipe.lr})")
            yield Epoch(number, loss, float(now[-1, optim.LR]))


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
    images: np.ndarray, targets: np.ndarray, recipe: Recipe, distortion: Distortion, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return epoch `number`'s pictures uint8 (steps, batch, S, S) and targets (steps, batch, classes), by its seed."""
    generator = np.random.default_rng([recipe.seed, number])
    rows = order(len(images), recipe.batch_size, generator)
    pictures = distort(images[rows.ravel()], distortion, generator)
    return pictures.reshape(*rows.shape, *images.shape[1:]), targets[rows]
