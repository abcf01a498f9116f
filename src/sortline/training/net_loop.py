"""Training a whole net from pixels: an epoch of steps in one graph call, fed from memory."""

import itertools
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import mindspore
import numpy as np
from mindspore import Tensor, nn, ops

from sortline._core.errors import UserError
from sortline.training import losses, optimizers
from sortline.training.feeds import Feed
from sortline.training.targets import smooth_targets

DECAYED = ("weight", "down", "up")  # the ends of their names
AT_ONCE = 256 * 2**20  # bytes of inputs handed over in one piece


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

    def __init__(self, net: nn.Cell, recipe: Recipe, even: bool) -> None:
        super().__init__(auto_prefix=False)
        self.params = mindspore.ParameterTuple(net.trainable_params())
        self.even = even  # whether all parameters have the same rate
        self.gradient = ops.value_and_grad(_WithLoss(net), None, self.params)
        self.step_function = optimizers.step_function(recipe.optimizer)
        self.limit = recipe.clip_norm
        self.shapes = [parameter.shape for parameter in self.params]
        self.ends = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)]).tolist()
        self.count = len(self.shapes)

    def construct(self, step, inputs, targets, plan, scale, shift, decay, factor, value, mean, square):
        # `step` comes in as a tensor 0: a constant would have the compiler unroll the loop.
        total = ops.zeros_like(plan[0, 0])
        while step < inputs.shape[0]:
            x = ops.cast(inputs[step], mindspore.float32) * scale + shift
            loss, gradients = self.gradient(x, targets[step])
            gradient = ops.cat([gradients[k].reshape(-1) for k in range(self.count)])
            if self.limit is not None:
                gradient = optimizers.clip((gradient,), self.limit)[0]
            stepped, mean, square = self.step_function(value, gradient, mean, square, plan[step], decay)
            # Every update is its rate times something that does not depend on it.
            value = stepped if self.even else value + factor * (stepped - value)
            for k in range(self.count):
                ops.assign(self.params[k], value[self.ends[k] : self.ends[k + 1]].reshape(self.shapes[k]))
            total = total + loss
            step = step + 1
        return value, mean, square, total / inputs.shape[0]


def order(count: int, batch_size: int, generator: np.random.Generator) -> np.ndarray:
    """Return an epoch's indices, int (steps, batch): all in a fresh order, the last batch filled from its start."""
    batch_size = min(batch_size, count)
    steps = -(-count // batch_size)
    return np.resize(generator.permutation(count), (steps, batch_size))


def train(
    net: nn.Cell,
    feed: Feed,
    labels: np.ndarray,
    classes: int,
    recipe: Recipe,
    factors: Mapping[str, float] | None = None,
) -> Iterator[Epoch]:
    """Train `net` in place on the n inputs of `feed` and int labels (n,); yield after each epoch.

    Only parameters that require a gradient change; `factors` multiplies the rate of those that it names. Weights decay,
    biases and batch norm do not. Raises `UserError` when the loss or a parameter turns NaN or Inf.
    """
    net.set_train(True)
    params = net.trainable_params()
    steps = _Steps(net, recipe, even=factors is None)
    value = Tensor(np.concatenate([parameter.asnumpy().ravel() for parameter in params]))
    state = [value, ops.zeros_like(value), ops.zeros_like(value)]
    sizes = [parameter.size for parameter in params]
    decays = [recipe.weight_decay * parameter.name.endswith(DECAYED) for parameter in params]
    rates = [(factors or {}).get(parameter.name, 1.0) for parameter in params]
    constants = [Tensor(array) for array in (feed.scale, feed.shift)]
    constants += [Tensor(np.repeat(each, sizes).astype(np.float32)) for each in (decays, rates)]
    targets = smooth_targets(labels, classes, recipe.label_smoothing)
    zero = Tensor(0, mindspore.int32)
    a_epoch = -(-len(feed) // min(recipe.batch_size, len(feed)))
    plan = _plan(recipe, a_epoch)
    batches = _batches(feed, targets, recipe)
    total = 0.0
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(next, batches)
        while coming is not None:
            number, first, inputs, wanted = coming.result()
            now = plan[(number - 1) * a_epoch + first :][: len(inputs)]
            ended = first + len(inputs) == a_epoch
            coming = None if ended and number == recipe.epochs else pool.submit(next, batches)
            data = [Tensor(array) for array in (inputs, wanted, now)]
            *state, loss = steps(zero, *data, *constants, *state)
            total += float(loss.asnumpy()) * len(inputs) / a_epoch
            if not ended and np.isfinite(total):
                continue
            if not (np.isfinite(total) and np.isfinite(state[0].asnumpy()).all()):
                raise UserError(f"training diverged: NaN or Inf in epoch {number}; lower lr (now {recipe.lr})")
            yield Epoch(number, total, float(now[-1, optimizers.LR]))
            total = 0.0


def _plan(recipe: Recipe, steps: int) -> np.ndarray:
    rates = optimizers.learning_rates(
        recipe.schedule,
        recipe.lr,
        recipe.epochs,
        steps,
        recipe.warmup_epochs,
        lr_end=recipe.lr_end,
        decay_rate=recipe.decay_rate,
        decay_epochs=recipe.decay_epochs,
    )
    return optimizers.plan(recipe.optimizer, rates, momentum=recipe.momentum, beta2=recipe.beta2)


def _batches(feed: Feed, targets: np.ndarray, recipe: Recipe) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
    """Yield (epoch, first step, inputs (steps, batch, ...), targets (steps, batch, classes)) without end.

    An epoch comes whole where it is small, else step by step. What it is depends on the seed and its number.
    """
    for number in itertools.count(1):
        generator = np.random.default_rng([recipe.seed, number])
        rows = order(len(feed), recipe.batch_size, generator)
        whole = rows.size * feed.plain(rows[0, :1]).nbytes <= AT_ONCE
        for first in [0] if whole else range(len(rows)):
            chosen = rows if whole else rows[first : first + 1]
            inputs = feed.augmented(chosen.ravel(), generator)
            inputs = np.ascontiguousarray(inputs.reshape(*chosen.shape, *inputs.shape[1:]))
            yield number, first, inputs, targets[chosen]
