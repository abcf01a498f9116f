"""Learning-rate schedules and optimiser steps, by name; the steps are pure functions that a graph can loop over."""

from collections.abc import Callable, Sequence

import numpy as np
from mindspore import Tensor, ops


def cosine(x: np.ndarray) -> np.ndarray:
    """Cosine annealing from 1 to 0 (Loshchilov and Hutter 2017, arXiv:1608.03983), no restarts."""
    return (1 + np.cos(np.pi * x)) / 2


def square(x: np.ndarray) -> np.ndarray:
    """Polynomial decay of power 2 from 1 to 0."""
    return (1 - x) ** 2


def linear(x: np.ndarray) -> np.ndarray:
    return 1 - x


# Of the share of the steps that has gone by; `step` and `exponential` go by epochs instead: see `learning_rates`.
TO_THE_END: dict[str, Callable[[np.ndarray], np.ndarray]] = {"cosine": cosine, "square": square, "linear": linear}
SCHEDULES = ("constant", *TO_THE_END, "step", "exponential")


def learning_rates(
    schedule: str,
    lr: float,
    epochs: int,
    steps_per_epoch: int,
    warmup_epochs: float,
    *,
    lr_end: float = 0.0,
    decay_rate: float = 0.9,
    decay_epochs: float = 2.0,
) -> np.ndarray:
    """Return the rate of every step, float32 (epochs * steps_per_epoch,).

    Over the warm-up the rate rises linearly, step i (from 0) at lr * (i + 1) / warm-up steps; the schedule then runs
    over the steps that are left: `cosine`, `square` and `linear` from `lr` towards `lr_end`, which the step after the
    last would have; `step` multiplies by `decay_rate` after every `decay_epochs` epochs, `exponential` spreads that
    evenly over their steps; `constant` stays at `lr`.
    """
    total = epochs * steps_per_epoch
    warmup = min(round(warmup_epochs * steps_per_epoch), total)
    step = np.arange(total - warmup, dtype=np.float64)
    if schedule in TO_THE_END:
        after = lr_end + (lr - lr_end) * TO_THE_END[schedule](step / max(total - warmup, 1))
    else:
        # Rounded, so that 6 steps of 0.1 epochs are not 5.999 of them.
        periods = np.round(step / steps_per_epoch / decay_epochs, 9)
        periods = {"constant": 0 * periods, "step": np.floor(periods), "exponential": periods}[schedule]
        after = lr * decay_rate**periods
    rising = lr * (np.arange(warmup) + 1) / max(warmup, 1)
    return np.concatenate((rising, after)).astype(np.float32)


OPTIMISERS = ("momentum", "nesterov", "sgd", "adam", "adamw", "nadam")
# The columns of a plan: the rate, and what the running means m (of the gradient g) and v (of its square) are made by:
#   m = B1 m + C1 g;  v = B2 v + C2 g^2;  update = (AM m + AG g) / (sqrt(AV v) + EPS)
LR, B1, C1, AM, AG, B2, C2, AV, EPS = range(9)
NADAM_DECAY = 0.004  # as PyTorch's momentum_decay


def plan(
    optimiser: str, rates: np.ndarray, *, momentum: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
) -> np.ndarray:
    """Return the numbers of every step of `optimiser`, float32 (steps, 9), one row a step of `rates` (steps,).

    `momentum` is Momentum's and Nesterov's factor and the others' beta1; `sgd` is without.
    Sources: Nesterov as in Sutskever et al. 2013; Adam, Kingma and Ba 2015, arXiv:1412.6980; AdamW, Loshchilov and
    Hutter 2019, arXiv:1711.05101; NAdam, Dozat 2016, with its schedule of the momentum, as PyTorch has it.
    """
    t = np.arange(1, len(rates) + 1, dtype=np.float64)
    rows = np.zeros((len(t), 9))
    rows[:, LR] = rates
    rows[:, B1] = 0 if optimiser == "sgd" else momentum
    rows[:, C1], rows[:, B2], rows[:, C2], rows[:, EPS] = 1 - momentum, beta2, 1 - beta2, epsilon
    rows[:, AM], rows[:, AV] = 1 / (1 - momentum**t), 1 / (1 - beta2**t)
    if optimiser == "nadam":
        mu = momentum * (1 - 0.5 * 0.96 ** (np.arange(1, len(t) + 2) * NADAM_DECAY))
        product = np.cumprod(mu)
        rows[:, AM] = mu[1:] / (1 - product[1:])
        rows[:, AG] = (1 - mu[:-1]) / (1 - product[:-1])
    return rows.astype(np.float32)


def _momentum(value, gradient, mean, square, c, decay):
    mean = c[B1] * mean + (gradient + decay * value)
    return value - c[LR] * mean, mean, square


def _nesterov(value, gradient, mean, square, c, decay):
    gradient = gradient + decay * value
    mean = c[B1] * mean + gradient
    return value - c[LR] * (gradient + c[B1] * mean), mean, square


def _adaptive(gradient, mean, square, c):
    mean = c[B1] * mean + c[C1] * gradient
    square = c[B2] * square + c[C2] * (gradient * gradient)
    return (c[AM] * mean + c[AG] * gradient) / (ops.sqrt(c[AV] * square) + c[EPS]), mean, square


def _adam(value, gradient, mean, square, c, decay):
    update, mean, square = _adaptive(gradient + decay * value, mean, square, c)
    return value - c[LR] * update, mean, square


def _adamw(value, gradient, mean, square, c, decay):
    update, mean, square = _adaptive(gradient, mean, square, c)
    return value - c[LR] * (update + decay * value), mean, square


STEPS = {"momentum": _momentum, "nesterov": _nesterov, "sgd": _momentum, "adam": _adam, "adamw": _adamw, "nadam": _adam}
Step = Callable[..., tuple[Tensor, Tensor, Tensor]]


def step_function(optimiser: str) -> Step:
    """Return the step (value, gradient, mean, square, row of the plan, decay) -> (value, mean, square).

    `mean` and `square` have the value's shape and start at zero; the momentum family leaves `square` alone. `decay` is
    the weight decay, a number or a tensor of the value's shape (0 at a bias): L2 in the gradient, for `adamw` apart
    from it. A pure function, to be called inside `mindspore.jit` or outside.
    """
    return STEPS[optimiser]


def clip_factor(squares: Tensor, limit: Tensor | float) -> Tensor:
    """Return what to multiply a gradient by, whose sum of squares is `squares`, so that its norm is at most `limit`.

    Source: Pascanu et al. 2013, arXiv:1211.5063.
    """
    return ops.minimum(limit / (ops.sqrt(squares) + 1e-12), ops.ones_like(squares))


def clip(gradients: Sequence[Tensor], limit: Tensor | float) -> tuple[Tensor, ...]:
    """Scale the gradients of a model's parameters down to a norm of `limit` over all of them."""
    squares = 0.0
    for gradient in gradients:
        squares = squares + (gradient * gradient).sum()
    factor = clip_factor(squares, limit)
    clipped: tuple[Tensor, ...] = ()
    for gradient in gradients:
        clipped = clipped + (gradient * factor,)
    return clipped
