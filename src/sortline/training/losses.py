"""Losses of outputs and targets, by name: each takes (..., classes) of both, which broadcast, and returns (...)."""

import functools
from collections.abc import Callable

import mindspore
import numpy as np
from mindspore import Tensor, ops

from sortline.config.training import Recipe

Loss = Callable[[Tensor, Tensor], Tensor]
NEVER = -1e9  # a logit whose exp is 0, and no NaN in the gradient as of -inf


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return -sum(targets log softmax(logits)) over the last axis."""
    return -(targets * ops.log_softmax(logits, -1)).sum(-1)


def squared_error(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean over the last axis of (logits - targets)^2: least squares on the outputs as they are."""
    return ((logits - targets) ** 2).mean(-1)


@functools.cache
def generalised_cross_entropy(q: float) -> Loss:
    """Return sum(targets (1 - p^q) / q), p = softmax(logits): cross-entropy near q = 0, half the absolute error at 1.

    What contradicts the model pulls the less, the larger q. Source: Zhang and Sabuncu 2018, arXiv:1805.07836.
    """

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        return (targets * (1 - ops.exp(q * ops.log_softmax(logits, -1)))).sum(-1) / q

    return loss


@functools.cache
def soft_bootstrapping(beta: float) -> Loss:
    """Return the cross-entropy of beta targets + (1 - beta) p, p = softmax(logits): the model's own view counts too.

    Its gradient goes through both p. Source: Reed et al. 2015, arXiv:1412.6596, "soft".
    """

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        logs = ops.log_softmax(logits, -1)
        own = targets.sum(-1, keepdims=True) * ops.exp(logs)  # weights of classes scale the targets
        return -((beta * targets + (1 - beta) * own) * logs).sum(-1)

    return loss


def bin_cross_entropy(bin_of: tuple[int, ...]) -> Loss:
    """Return the cross-entropy of what targets and softmax(logits) give to the bins of the classes in sum."""
    members = np.array(bin_of)[:, None] == np.arange(max(bin_of) + 1)
    into, outside = Tensor(members.astype(np.float32)), Tensor(np.where(members, 0, NEVER).astype(np.float32))

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        logs = ops.logsumexp(ops.log_softmax(logits, -1).expand_dims(-1) + outside, -2)
        return -(ops.matmul(targets, into) * logs).sum(-1)

    return loss


def supervised_contrastive(rows: Tensor, alike: Tensor, inside: Tensor, temperature: float) -> Tensor:
    """Return how badly each row tells those of its class from the others, by cosine: float32 (batch, models).

    `rows` float32 (batch, models, width); `alike` float32 (batch, batch): 1 where two are of one class; `inside`
    float32 (batch, models): 1 where a row is the model's: no other is compared with. A row that is alone of its class
    has 0. Source: Khosla et al. 2020, arXiv:2004.11362, the loss L_out.
    """
    unit = (rows * ops.rsqrt((rows * rows).sum(-1, keepdims=True) + 1e-12)).transpose(1, 0, 2)
    similar = ops.bmm(unit, unit.transpose(0, 2, 1)) / temperature
    others = inside.transpose(1, 0).expand_dims(1) * (1 - ops.eye(rows.shape[0], rows.shape[0], mindspore.float32))
    logs = similar - ops.logsumexp(ops.where(others > 0, similar, NEVER), -1, True)
    positive = others * alike
    return (-(positive * logs).sum(-1) / ops.maximum(positive.sum(-1), 1.0)).transpose(1, 0)


LOSSES: dict[str, Callable[[Recipe], Loss]] = {
    "cross_entropy": lambda recipe: cross_entropy,
    "mse": lambda recipe: squared_error,
    "gce": lambda recipe: generalised_cross_entropy(recipe.gce_q),
    "bootstrapped": lambda recipe: soft_bootstrapping(recipe.bootstrap_beta),
}


def loss_of(recipe: Recipe) -> Loss:
    """Return the loss of a recipe: the same function for the same settings, so that what it compiles to is kept."""
    return LOSSES[recipe.loss](recipe)
