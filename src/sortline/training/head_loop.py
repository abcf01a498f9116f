"""Training heads on Feature Maps: one loop, a whole epoch of steps in one graph call, many models at once."""

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import mindspore
import numpy as np
from mindspore import Tensor, ops

from sortline._core.errors import UserError
from sortline.features.heads import Head
from sortline.training import losses, optimizers
from sortline.training.head_graph import HeadNet, forward

HUGE = 1e20  # no weight of a head that learns gets near; float32 ends at 3.4e38


@dataclass(frozen=True)
class Recipe:
    """How to train: everything that the loop needs beside data and net. See `optim` for the numbers."""

    optimiser: str
    lr: float
    schedule: str
    warmup_epochs: float
    momentum: float
    weight_decay: float
    batch_size: int
    epochs: int
    seed: int
    lr_end: float = 0.0
    decay_rate: float = 0.9
    decay_epochs: float = 2.0
    beta2: float = 0.999
    clip_norm: float | None = None
    dropout: float = 0.0

    def plan(self, steps_per_epoch: int) -> np.ndarray:
        """Return `optim.plan` of all steps, a row a step."""
        rates = optimizers.learning_rates(
            self.schedule, self.lr, self.epochs, steps_per_epoch, self.warmup_epochs,
            lr_end=self.lr_end, decay_rate=self.decay_rate, decay_epochs=self.decay_epochs,
        )  # fmt: skip
        return optimizers.plan(self.optimiser, rates, momentum=self.momentum, beta2=self.beta2)


@dataclass(frozen=True)
class Epoch:
    """The models after an epoch: parameters float32, flat; mean training loss (models,), last rate."""

    number: int
    net: HeadNet
    parameters: np.ndarray
    loss: np.ndarray
    lr: float

    def head(self, model: int) -> Head:
        return self.net.head(self.parameters, model)


@functools.cache
def _epoch_loop(net: HeadNet, models: int, optimiser: str, clipped: bool, dropout: bool):
    apply, step_function = forward(net, models), optimizers.step_function(optimiser)
    parts = [(start, end, shape) for _, start, end, shape in net.parts(models)]

    def loss_of(parameters, rows, targets, shares, keep):
        each = losses.cross_entropy(apply(parameters, rows, keep), targets.expand_dims(1))
        loss = (each * shares).sum(0)
        # The models share no parameter, so the sum's gradient is each model's own.
        return loss.sum(), loss

    gradient_of = ops.value_and_grad(loss_of, 0, has_aux=True)

    def clip(gradient, limit):
        """Give each model's gradient a norm of its own."""
        squares = 0.0
        for start, end, shape in parts:
            squares = squares + (gradient[start:end].reshape(shape[0], models, shape[1]) ** 2).sum((0, 2))
        factor = optimizers.clip_factor(squares, limit).reshape(1, models, 1)
        scaled: tuple[Tensor, ...] = ()
        for start, end, shape in parts:
            scaled = scaled + ((gradient[start:end].reshape(shape[0], models, shape[1]) * factor).reshape(-1),)
        return ops.cat(scaled)

    @mindspore.jit
    def run_epoch(step, rows, targets, order, shares, keep, plan, decay, limit, parameters, mean, square):
        # `step` comes in as a tensor 0: a constant would have the compiler unroll the loop, at 0.1 s a step.
        total = ops.zeros_like(shares[0, 0])
        while step < order.shape[0]:
            index = order[step]
            kept = keep[step] if dropout else None
            (_, loss), gradient = gradient_of(parameters, rows[index], targets[index], shares[step], kept)
            if clipped:
                gradient = clip(gradient, limit)
            parameters, mean, square = step_function(parameters, gradient, mean, square, plan[step], decay)
            total = total + loss
            step = step + 1
        return parameters, mean, square, total

    return run_epoch


def batches(rows: int, batch_size: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return an epoch's row indices, int32 (steps, batch), all rows once in a fresh order, and which of them count.

    bool (steps, batch): the last batch is filled up with rows that do not.
    """
    batch_size = min(batch_size, rows)
    steps = -(-rows // batch_size)
    order = np.zeros(steps * batch_size, np.int32)
    order[:rows] = generator.permutation(rows)
    counts = np.arange(len(order)) < rows
    return order.reshape(steps, batch_size), counts.reshape(steps, batch_size)


def batch_shares(masks: np.ndarray, order: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return each row's share in its batch's mean loss, float32 (steps, batch, models); `masks` bool (rows, models)."""
    inside = masks[order] & counts[..., None]
    return inside / np.maximum(inside.sum(1, keepdims=True), 1).astype(np.float32)


def dropout_masks(shape: Sequence[int], rate: float, generator: np.random.Generator) -> np.ndarray:
    """Return float32 of `shape`: 0 with probability `rate`, else 1 / (1 - rate) (Srivastava et al. 2014)."""
    return (generator.random(shape, np.float32) >= rate) / np.float32(1 - rate)


def train(
    features: np.ndarray,
    targets: np.ndarray,
    masks: np.ndarray,
    net: HeadNet,
    recipe: Recipe,
    start: np.ndarray | None = None,
) -> Iterator[Epoch]:
    """Train one head per column of `masks` bool (rows, models), all side by side on the same batches; yield each epoch.

    A model learns from the rows of its mask alone. `features` float32 (rows, D), for attention (rows, positions, C);
    `targets` float32 (rows, classes). All heads start from `start` float32, flat, by default from `net.initial`.
    Raises `UserError` when a loss or a weight turns NaN or Inf.
    """
    models = masks.shape[1]
    rows, goals = Tensor(net.rows(features)), Tensor(targets)
    decay = Tensor(np.float32(recipe.weight_decay) * net.decayed(models))
    start = net.initial(models, recipe.seed) if start is None else start
    state = [Tensor(start), Tensor(np.zeros_like(start)), Tensor(np.zeros_like(start))]
    zero, limit = Tensor(0, mindspore.int32), Tensor(recipe.clip_norm or 0.0, mindspore.float32)
    run_epoch = _epoch_loop(net, models, recipe.optimiser, recipe.clip_norm is not None, recipe.dropout > 0)
    generator, droppings = np.random.default_rng(recipe.seed), np.random.default_rng([recipe.seed, 1])
    plan = keep = None
    for number in range(1, recipe.epochs + 1):
        order, counts = batches(len(features), recipe.batch_size, generator)
        steps = len(order)
        shares = batch_shares(masks, order, counts)
        plan = recipe.plan(steps) if plan is None else plan
        if recipe.dropout or keep is None:
            shape = (*order.shape, net.last_width) if recipe.dropout else (1,)
            keep = Tensor(net.rows(dropout_masks(shape, recipe.dropout, droppings)))
        now = plan[(number - 1) * steps : number * steps]
        *state, total = run_epoch(
            zero, rows, goals, Tensor(order), Tensor(shares), keep, Tensor(now), decay, limit, *state
        )
        # A model has no loss in a batch with none of its rows.
        loss = total.asnumpy() / (shares > 0).any(1).sum(0)
        epoch = Epoch(number, net, state[0].asnumpy(), loss, float(now[-1, optimizers.LR]))
        # The loss is of before the step: weights and logits would overflow one step earlier than it shows.
        if not (np.isfinite(epoch.loss).all() and np.abs(epoch.parameters).max() < HUGE):
            raise UserError(f"training diverged: NaN or Inf in epoch {number}; lower lr (now {recipe.lr})")
        yield epoch
