"""Optimizers, by name: their steps are pure functions that a graph can loop over."""

from collections.abc import Callable, Sequence

import numpy as np
from mindspore import Tensor, ops

from sortline.config.training import Recipe

# The columns of a plan: the rate, and what the running means m (of the gradient g) and v (of its square) are made by:
#   m = B1 m + C1 g;  v = B2 v + C2 g^2;  update = (AM m + AG g) / (sqrt(AV v) + EPS)
LR, B1, C1, AM, AG, B2, C2, AV, EPS = range(9)
EPSILON = 1e-8
NADAM_DECAY = 0.004  # as PyTorch's momentum_decay


def plan(recipe: Recipe, rates: np.ndarray) -> np.ndarray:
    """Return the numbers of every step of the recipe's optimizer, float32 (steps, 9), one row a step of `rates`.

    `momentum` is Momentum's and Nesterov's factor and the others' beta1; `sgd` is without.
    Sources: Nesterov as in Sutskever et al. 2013; Adam, Kingma and Ba 2015, arXiv:1412.6980; AdamW, Loshchilov and
    Hutter 2019, arXiv:1711.05101; NAdam, Dozat 2016, with its schedule of the momentum, as PyTorch has it; RMSProp,
    Tieleman and Hinton 2012 (Coursera, lecture 6.5), with momentum of the step, as PyTorch has it.
    """
    t = np.arange(1, len(rates) + 1, dtype=np.float64)
    momentum, beta2 = recipe.momentum, recipe.beta2
    rows = np.zeros((len(t), 9))
    rows[:, LR] = rates
    rows[:, B1] = 0 if recipe.optimizer == "sgd" else momentum
    rows[:, C1], rows[:, B2], rows[:, C2], rows[:, EPS] = 1 - momentum, beta2, 1 - beta2, EPSILON
    rows[:, AM], rows[:, AV] = 1 / (1 - momentum**t), 1 / (1 - beta2**t)
    if recipe.optimizer == "nadam":
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


def _rmsprop(value, gradient, mean, square, c, decay):
    gradient = gradient + decay * value
    square = c[B2] * square + c[C2] * (gradient * gradient)
    mean = c[B1] * mean + gradient / (ops.sqrt(square) + c[EPS])
    return value - c[LR] * mean, mean, square


# The step (value, gradient, mean, square, row of the plan, decay) -> (value, mean, square). `mean` and `square` have
# the value's shape and start at zero; the momentum family leaves `square` alone. `decay` is the weight decay, a number
# or a tensor of the value's shape (0 at a bias): L2 in the gradient, for `adamw` apart from it.
STEPS: dict[str, Callable[..., tuple[Tensor, Tensor, Tensor]]] = {
    "momentum": _momentum, "nesterov": _nesterov, "sgd": _momentum, "adam": _adam, "adamw": _adamw, "nadam": _adam,
    "rmsprop": _rmsprop,
}  # fmt: skip
Parts = Sequence[tuple[int, int, tuple[int, int, int]]]


def clip(gradient: Tensor, limit: Tensor | float, parts: Parts) -> Tensor:
    """Scale each model's part of a flat gradient down to an L2 norm of `limit` (Pascanu et al. 2013, arXiv:1211.5063).

    `parts`: (start, end, shape) of the parameters in the vector; the models lie along axis 1 of the shape.
    """
    squares = 0.0
    for start, end, shape in parts:
        squares = squares + (gradient[start:end].reshape(shape) ** 2).sum((0, 2))
    factor = ops.minimum(limit / (ops.sqrt(squares) + 1e-12), ops.ones_like(squares)).reshape(1, -1, 1)
    return ops.cat([(gradient[start:end].reshape(shape) * factor).reshape(-1) for start, end, shape in parts])
