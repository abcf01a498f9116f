"""The loop of all training by gradient steps: heads and nets give it a cell that computes the loss, and batches."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import mindspore
import numpy as np
from mindspore import Tensor, nn, ops

from sortline._core import workers
from sortline._core.arrays import log_loss
from sortline._core.errors import UserError
from sortline.config.training import Recipe
from sortline.training import optimizers, schedules
from sortline.training.keeping import Arrays, Keeper

HUGE = 1e20  # no weight of a model that learns gets near; float32 ends at 3.4e38
BATCH_BYTES = 256 * 2**20  # of inputs that are handed over in one piece
# What steps change.
STATE = ("value", "mean", "square", "average", "scale", "good", "total", "counted")
AVERAGE = STATE.index("average")


class Diverged(UserError):
    """A training whose loss or weights are no numbers any more."""


def correct(logits: Tensor, targets: Tensor) -> Tensor:
    """Return 1.0 where the highest of `logits` (..., classes) is that of `targets`, else 0.0, float32 (...)."""
    return ops.cast(ops.argmax(logits, -1) == ops.argmax(targets, -1), mindspore.float32)


@dataclass(frozen=True)
class Epoch:
    """What an epoch left: its number, from 1; each model's mean loss and train accuracy, float64 (models,), of each
    step before it changed the model; the last learning rate; all parameters that train, float32, flat: with
    `Recipe.ema` their moving averages. `seconds` and `steps` are what this process spent on it, 0 where another did."""

    number: int
    loss: np.ndarray
    accuracy: np.ndarray
    lr: float
    parameters: np.ndarray
    seconds: float = 0
    steps: int = 0


class Batches(Protocol):
    """`count` examples of `bytes_each`."""

    count: int
    bytes_each: int

    def generator(self, number: int) -> np.random.Generator:
        """Return what draws the order of epoch `number`, and whatever else of it is left to chance.

        Asked for epoch after epoch; the first may be a later one, where a training goes on.
        """

    def take(self, rows: np.ndarray, fresh: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
        """Return what the loss takes of `rows` int (steps, batch), each array (steps, batch, ...).

        `fresh` bool (steps, batch): not a row that only fills up the last batch.
        """


class Steps(nn.Cell):
    """All steps of an epoch; the optimizer works on one flat vector of all parameters: ten kernels, not hundreds.

    `loss` maps the tensors of a batch to the sum of the models' losses; each loss and share of correct rows, float32
    (2, models); and 1 for each model that has rows in the batch, else 0, float32 (models,). What of it is trainable
    trains. `parts`: see `optimizers.clip`; None: one model. `even`: all parameters have the same rate. What else steps
    may do: `wide_steps`.
    """

    workers, first_scale = 1, 1.0

    def __init__(
        self, loss: nn.Cell, optimizer: str, clipped: bool, parts: optimizers.Parts | None = None, even: bool = True
    ) -> None:
        super().__init__(auto_prefix=False)  # or the parameters' names would begin with `loss.`
        self.params = mindspore.ParameterTuple(loss.trainable_params())
        self.gradient = ops.value_and_grad(loss, None, self.params, has_aux=True)
        self.step_function, self.clipped, self.even = optimizers.STEPS[optimizer], clipped, even
        self.shapes = [parameter.shape for parameter in self.params]
        self.ends = np.cumsum([0, *(parameter.size for parameter in self.params)]).tolist()
        self.count = len(self.shapes)
        self.parts = parts or ((0, self.ends[-1], (self.ends[-1], 1, 1)),)

    def construct(
        self, step, batches, plan, decay, factor, limit, value, mean, square, average, scale, good, total, counted
    ):
        # The parameters are only where the loss finds the value of now: a cell can serve several trainings in turns.
        self.put(value)
        # `step` comes in as a tensor 0: a constant would have the compiler unroll the loop, at 0.1 s a step.
        while step < plan.shape[0]:
            (_, seen, present), gradients = self.gradient(*[array[step] for array in batches])
            gradient = ops.cat([gradients[k].reshape(-1) for k in range(self.count)])
            if self.clipped:
                gradient = optimizers.clip(gradient, limit, self.parts)
            stepped, mean, square = self.step_function(value, gradient, mean, square, plan[step], decay)
            # Every update is its rate times something that does not depend on it.
            value = stepped if self.even else value + factor * (stepped - value)
            self.put(value)
            total, counted = total + seen, counted + present
            step = step + 1
        return value, mean, square, average, scale, good, total, counted

    def put(self, value):
        for k in range(self.count):
            ops.assign(self.params[k], value[self.ends[k] : self.ends[k + 1]].reshape(self.shapes[k]))


def train(
    steps: Steps,
    batches: Batches,
    recipe: Recipe,
    start: np.ndarray,
    decayed: np.ndarray,
    factors: np.ndarray | None = None,
    models: int = 1,
    start_share: float = 0,
    keeper: Keeper | None = None,
) -> Iterator[Epoch]:
    """Train the models of `steps` from `start`; yield after each epoch.

    `start` float32, flat; in the same order `decayed`: 1 where weight decay applies, else 0, and `factors` of the rate.
    `start_share` of the start is in the parameters that an epoch leaves, not in those that training goes on from. What
    `keeper` has kept of a training that broke off goes on: its epochs are not yielded again. Raises `Diverged` when a
    loss or a weight turns NaN or Inf.
    """
    size = min(recipe.batch_size, batches.count)
    if size % steps.workers:
        raise UserError(f"batches of {size} cannot be shared by {steps.workers} workers evenly; change batch_size")
    a_epoch = -(-batches.count // size)
    plan = optimizers.plan(recipe, schedules.learning_rates(recipe, a_epoch))
    averaged = recipe.ema is not None
    zeros, none, nothing_seen = np.zeros_like(start), np.zeros(models, np.float32), np.zeros((2, models), np.float32)
    scale, good, average = np.float32(steps.first_scale), np.float32(0), start if averaged else zeros[:1]
    begin = dict(zip(STATE, (start, zeros, zeros, average, scale, good, nothing_seen, none), strict=True))
    first, done, arrays = _begin(keeper, {name: np.asarray(array) for name, array in begin.items()})
    *state, total, counted = (Tensor(arrays[name]) for name in STATE)
    factor = np.ones(1, np.float32) if factors is None else factors
    constants = [Tensor(np.float32(recipe.weight_decay) * decayed), Tensor(factor)]
    constants.append(Tensor(recipe.clip_norm or 0.0, mindspore.float32))
    zero, nothing = Tensor(0, mindspore.int32), (Tensor(nothing_seen), Tensor(none))

    def keep(number: int, done: int) -> None:
        if keeper is not None and keeper.is_due:
            found = dict(zip(STATE, (*state, total, counted), strict=True))
            keeper.write({name: one.asnumpy() for name, one in found.items()}, {"epoch": number, "done": done})

    with ThreadPoolExecutor(1) as pool:
        pieces = _pieces(batches, recipe, first, done, steps.workers)
        coming = pool.submit(next, pieces, None)
        for number in range(first, recipe.epochs + 1):
            finite, began, before = True, time.perf_counter(), done
            while done < a_epoch and finite:
                keep(number, done)
                piece = coming.result()
                assert piece is not None  # the plan has no more steps than there are pieces
                coming = pool.submit(next, pieces, None)
                now = plan[(number - 1) * a_epoch + done :][: len(piece[0])]
                # A plain tuple would be a constant, for which the graph is compiled anew.
                data = mindspore.mutable(tuple(Tensor(array) for array in piece))
                *state, total, counted = steps(zero, data, Tensor(now), *constants, *state, total, counted)
                finite = bool(np.isfinite(total.asnumpy()).all())
                done += len(now)
            value = state[AVERAGE if averaged else 0].asnumpy()
            if start_share:
                value = np.float32(start_share) * start + np.float32(1 - start_share) * value
            if averaged or start_share:
                steps.put(Tensor(value))  # what the epoch is judged by; training goes on from where it was
            # The loss is of before the step: weights and logits would overflow one step earlier than it shows.
            if not (finite and np.abs(value).max() < HUGE):
                raise Diverged(f"training diverged: NaN or Inf in epoch {number}; lower lr (now {recipe.lr})")
            loss, accuracy = total.asnumpy().astype(np.float64) / counted.asnumpy()
            spent = time.perf_counter() - began, done - before
            yield Epoch(number, loss, accuracy, float(now[-1, optimizers.LR]), value, *spent)
            (total, counted), done = nothing, 0


def _begin(keeper: Keeper | None, arrays: Arrays) -> tuple[int, int, Arrays]:
    """Return the epoch to begin with, how many of its steps are done, and the state: `arrays`, or what was kept."""
    kept = keeper and keeper.read()
    if not kept:
        return 1, 0, arrays
    (arrays, facts), _ = kept
    print(f"going on where a run was broken off: epoch {facts['epoch']}, step {facts['done']}", flush=True)
    return facts["epoch"], facts["done"], arrays


def order(count: int, batch_size: int, generator: np.random.Generator) -> np.ndarray:
    """Return an epoch's rows, int (steps, batch): all in a fresh order, the last batch filled from its start."""
    batch_size = min(batch_size, count)
    return np.resize(generator.permutation(count), (-(-count // batch_size), batch_size))


def _pieces(batches: Batches, recipe: Recipe, first: int, done: int, several: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield the arrays of epoch after epoch: one comes whole where it is small, else step by step.

    From epoch `first` on, of which `done` steps are drawn, but not yielded. Of `several` workers each has a part of
    every batch.
    """
    own, _ = workers.place()
    for number in range(first, recipe.epochs + 1):
        generator = batches.generator(number)
        rows = order(batches.count, recipe.batch_size, generator)
        fresh = (np.arange(rows.size) < batches.count).reshape(rows.shape)
        a_piece = len(rows) if rows.size * batches.bytes_each <= BATCH_BYTES else 1
        for step in range(0, len(rows), a_piece):
            piece = slice(step, step + a_piece)
            arrays = batches.take(rows[piece], fresh[piece], generator)
            if number > first or step >= done:
                # Every worker draws what is drawn, and takes its part: together they see what one would.
                yield arrays if several == 1 else tuple(np.ascontiguousarray(one[:, own::several]) for one in arrays)


def curve_row(epoch: Epoch, logits: np.ndarray, labels: np.ndarray, held: str, final: int = 0) -> dict[str, float]:
    """Return an epoch's point of the curves; `logits` (n, classes) of photos not trained on, `held` names their part.

    Model `final` is the one on all of train. Those before it are the folds': beside what they are worth out of fold
    stands the mean of their own train accuracies.
    """
    losses = {"train_loss": float(epoch.loss[final])}
    scores = {f"{held}_loss": log_loss(labels, logits), f"{held}_accuracy": float((logits.argmax(1) == labels).mean())}
    if final:
        losses, scores = scores, losses  # the order of the columns
        losses = {"fold_train_loss": float(epoch.loss[:final].mean())} | losses
    accuracy = float(epoch.accuracy[: final or 1].mean())
    return {"epoch": epoch.number, "lr": epoch.lr} | losses | scores | {"train_accuracy": accuracy}


def best_row(curve: list[dict[str, float]], held: str) -> int:
    """Return the place of the row with the highest accuracy, then the lowest log-loss."""
    return min(range(len(curve)), key=lambda i: (-curve[i][f"{held}_accuracy"], curve[i][f"{held}_loss"]))


def note(curve: list[dict[str, float]], row: dict[str, float], held: str) -> tuple[str, ...]:
    """Append an epoch's row; return the checkpoints that the epoch is: the last so far, and maybe the best."""
    curve.append(row)
    return ("last", "best") if best_row(curve, held) == len(curve) - 1 else ("last",)
