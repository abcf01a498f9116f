"""Training linear heads on Feature Maps: one loop, a whole epoch of steps in one graph call, many models at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import mindspore
import numpy as np
from mindspore import Tensor, ops

from sortline import losses, optim
from sortline.errors import UserError
from sortline.smoothing import smooth_targets

HUGE = 1e20  # no weight of a head that learns gets near; float32 ends at 3.4e38


@dataclass(frozen=True)
class Recipe:
    """How to train: everything that the loop needs beside data."""

    lr: float
    schedule: str
    warmup_epochs: float
    momentum: float
    weight_decay: float
    label_smoothing: float
    batch_size: int
    epochs: int
    seed: int


@dataclass(frozen=True)
class Epoch:
    """The models after an epoch: weight (models, classes, D), bias (models, classes), mean training loss (models,)."""

    number: int
    weight: np.ndarray
    bias: np.ndarray
    loss: np.ndarray
    lr: float


def _loss(weight: Tensor, bias: Tensor, rows: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    loss = losses.cross_entropy(ops.bmm(rows, weight) + bias, targets)
    # The models share no parameter, so the sum's gradient is each model's own.
    return loss.sum(), loss


_gradient = ops.value_and_grad(_loss, (0, 1), has_aux=True)


@mindspore.jit
def _run_epoch(step, rows, targets, order, rates, factor, decay, weight, bias, weight_velocity, bias_velocity):
    # `step` comes in as a tensor 0: a constant would have the compiler unroll the loop, at 0.1 s a step.
    total = ops.zeros_like(weight[:, 0, 0])
    while step < order.shape[0]:
        index = order[step]
        (_, loss), (weight_grad, bias_grad) = _gradient(weight, bias, rows[index], targets[index])
        weight, weight_velocity = optim.momentum(weight, weight_grad, weight_velocity, rates[step], factor, decay)
        bias, bias_velocity = optim.momentum(bias, bias_grad, bias_velocity, rates[step], factor, decay * 0)
        total = total + loss
        step = step + 1
    return weight, bias, weight_velocity, bias_velocity, total / order.shape[0]


def batches(members: Sequence[np.ndarray], batch_size: int, generator: np.random.Generator) -> np.ndarray:
    """Return an epoch's row indices, int32 (steps, models, batch): each model's `members` in a fresh order.

    All models take as many steps as the largest needs; a model's last batches are filled up from the start
    of its order, so no row is ever dropped. A batch is never larger than the largest model's members.
    """
    batch_size = min(batch_size, max(map(len, members)))
    steps = -(-max(map(len, members)) // batch_size)
    orders = [np.resize(generator.permutation(rows), steps * batch_size) for rows in members]
    return np.stack(orders).reshape(len(members), steps, batch_size).transpose(1, 0, 2).astype(np.int32)


def train(
    features: np.ndarray, labels: np.ndarray, members: Sequence[np.ndarray], classes: int, recipe: Recipe
) -> Iterator[Epoch]:
    """Train one linear head per entry of `members` (row indices into `features`), all side by side; yield each epoch.

    `features` float32 (rows, D), `labels` int (rows,). Heads start at zero (the loss is convex). Raises
    `UserError` when a loss or a weight turns NaN or Inf.
    """
    models, dimension = len(members), features.shape[1]
    rows = Tensor(features)
    targets = Tensor(smooth_targets(labels, classes, recipe.label_smoothing))
    state = [Tensor(np.zeros(shape, np.float32)) for shape in 2 * ((models, dimension, classes), (models, 1, classes))]
    factor, decay = (Tensor(value, mindspore.float32) for value in (recipe.momentum, recipe.weight_decay))
    zero = Tensor(0, mindspore.int32)
    generator = np.random.default_rng(recipe.seed)
    rates = None
    for number in range(1, recipe.epochs + 1):
        order = batches(members, recipe.batch_size, generator)
        steps = len(order)
        if rates is None:
            rates = optim.learning_rates(recipe.schedule, recipe.lr, recipe.epochs, steps, recipe.warmup_epochs)
        now = rates[(number - 1) * steps : number * steps]
        *state, loss = _run_epoch(zero, rows, targets, Tensor(order), Tensor(now), factor, decay, *state)
        epoch = Epoch(
            number, state[0].asnumpy().transpose(0, 2, 1), state[1].asnumpy()[:, 0], loss.asnumpy(), float(now[-1])
        )
        # The loss is of before the step: weights and logits would overflow one step earlier than it shows.
        if not (np.isfinite(epoch.loss).all() and np.abs(epoch.weight).max() < HUGE):
            raise UserError(f"training diverged: NaN or Inf in epoch {number}; lower lr (now {recipe.lr})")
        yield epoch
