"""Losses as MindSpore functions."""

from mindspore import Tensor, ops


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return -sum(targets log softmax(logits)) over the last axis; inputs broadcast to (..., classes)."""
    return -(targets * ops.log_softmax(logits, -1)).sum(-1)
