"""Losses by name, as MindSpore functions of stacked models' logits."""

from mindspore import Tensor, ops


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean over the batch of -sum(targets log softmax(logits)), shape (models,); inputs (models, batch, classes)."""
    return -(targets * ops.log_softmax(logits, -1)).sum(-1).mean(-1)
