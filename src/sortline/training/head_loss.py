"""The loss of heads side by side: of their classes, and what it may have besides, of bins and of the hidden layer."""

from dataclasses import dataclass

import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from sortline._core.errors import UserError
from sortline.config.training import TrainHeadParams
from sortline.training import loop, losses
from sortline.training.head_graph import HeadNet, forward
from sortline.training.targets import minimum_loss


@dataclass(frozen=True)
class Besides:
    """What a head's loss has besides that of its classes: a share of the bins' (`bin_of`: each class's) and one of the
    hidden layer's contrast at a temperature."""

    bins: float = 0.0
    bin_of: tuple[int, ...] = ()
    contrast: float = 0.0
    temperature: float = 1.0

    @classmethod
    def of(cls, params: TrainHeadParams, bin_of: np.ndarray | None) -> "Besides":
        """Return what `params` asks for; raise `UserError` where that needs bins and there are none."""
        if params.bin_loss and bin_of is None:
            raise UserError("params.yaml: train_head.bin_loss needs a task whose classes have bins; set it to 0")
        bins = (params.bin_loss, tuple(bin_of.tolist())) if params.bin_loss and bin_of is not None else (0.0, ())
        contrast = params.contrastive
        return cls(*bins, *((contrast.share, contrast.temperature) if contrast.share else (0.0, 1.0)))

    def minimum(self, targets: np.ndarray) -> float | None:
        """Return the lowest loss on `targets` (n, classes), that of the classes a cross-entropy; None: not known."""
        if self.contrast:
            return None
        lowest = minimum_loss(targets)
        if self.bins:
            # What is best for the classes is best for the bins.
            of_bins = targets @ (np.array(self.bin_of)[:, None] == np.arange(max(self.bin_of) + 1))
            lowest = (1 - self.bins) * lowest + self.bins * minimum_loss(of_bins)
        return lowest


NOTHING = Besides()


class HeadLoss(nn.Cell):
    """The loss of `models` heads side by side on the same rows, each over the rows of its own."""

    def __init__(self, net: HeadNet, models: int, loss: losses.Loss) -> None:
        super().__init__()
        self.loss_of = loss
        self.flat = Parameter(Tensor(net.initial(models, 0)), name="flat")
        self.logits_of = forward(net, models)

    def construct(self, rows, targets, shares, keep=None):
        logits, targets = self.logits_of(self.flat, rows, keep), targets.expand_dims(1)
        loss = (self.loss_of(logits, targets) * shares).sum(0)
        seen = ops.stack((loss, (loop.correct(logits, targets) * shares).sum(0)))
        # The models share no parameter, so the sum's gradient is each model's own.
        return loss.sum(), seen, ops.cast(shares.sum(0) > 0, loss.dtype)


class WideLoss(HeadLoss):
    """The same, with what there is besides. A class of its own: the plain loss's graph stays as it is."""

    def __init__(self, net: HeadNet, models: int, loss: losses.Loss, besides: Besides) -> None:
        super().__init__(net, models, loss)
        self.bins, self.contrast, self.temperature = besides.bins, besides.contrast, besides.temperature
        self.rest = 1 - self.bins - self.contrast
        self.of_bins = losses.bin_cross_entropy(besides.bin_of) if self.bins else loss  # not called then
        self.inner = forward(net, models, inner=True)

    def construct(self, rows, targets, shares, keep=None):
        logits, wanted = self.logits_of(self.flat, rows, keep), targets.expand_dims(1)
        each = self.rest * self.loss_of(logits, wanted)
        if self.bins:
            each = each + self.bins * self.of_bins(logits, wanted)
        if self.contrast:
            label, inside = ops.argmax(targets, -1), ops.cast(shares > 0, targets.dtype)
            alike = ops.cast(label.expand_dims(0) == label.expand_dims(1), targets.dtype)
            hidden = self.inner(self.flat, rows)
            each = each + self.contrast * losses.supervised_contrastive(hidden, alike, inside, self.temperature)
        loss = (each * shares).sum(0)
        seen = ops.stack((loss, (loop.correct(logits, wanted) * shares).sum(0)))
        return loss.sum(), seen, ops.cast(shares.sum(0) > 0, loss.dtype)


def of(net: HeadNet, models: int, loss: losses.Loss, besides: Besides) -> HeadLoss:
    return HeadLoss(net, models, loss) if besides == NOTHING else WideLoss(net, models, loss, besides)
