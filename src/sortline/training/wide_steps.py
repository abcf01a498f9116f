"""What steps of the loop may do besides: scale the loss, share a batch among workers, average the parameters."""

from typing import Any

from mindspore import nn, ops

from sortline.training import loop, optimizers

FIRST_SCALE, LARGEST_SCALE = 2.0**16, 2.0**24  # of the loss, where it is dynamic
PATIENCE = 1000  # steps without overflow after which it is doubled


class Scaled(nn.Cell):
    """A loss times `scale`, so that its gradients do not vanish in float16."""

    def __init__(self, loss: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.loss = loss

    def construct(self, scale, *batch):
        loss, seen, present = self.loss(*batch)
        return loss * scale, seen, present


class WideSteps(loop.Steps):
    """`loop.Steps` with a `scale` of the loss (a number, "dynamic", or None), of several `workers`, with `ema`.

    A step whose scaled gradient overflows is left out; the scale "dynamic" is then halved, and doubled after PATIENCE
    steps without (as MindSpore's DynamicLossScaleManager; Micikevicius et al. 2018, arXiv:1710.03740). Of several
    workers each has a part of every batch and the mean of all gradients. `ema`: as `Recipe` has it. A class of its own,
    as each `if` of a graph counts in the names that MindSpore gives to what it exports later.
    """

    def __init__(
        self,
        loss: nn.Cell,
        optimizer: str,
        clipped: bool,
        parts: optimizers.Parts | None = None,
        even: bool = True,
        ema: float | None = None,
        scale: float | str | None = None,
        workers: int = 1,
    ) -> None:
        super().__init__(Scaled(loss), optimizer, clipped, parts, even)
        self.scaled, self.dynamic, self.fresh = scale is not None, scale == "dynamic", None if ema is None else 1 - ema
        self.first_scale = FIRST_SCALE if isinstance(scale, str) else scale or 1.0
        self.workers = workers
        self.sum: Any = ops.AllReduce() if workers > 1 else None

    def construct(
        self, step, batches, plan, decay, factor, limit, value, mean, square, average, scale, good, total, counted
    ):
        self.put(value)
        while step < plan.shape[0]:
            (_, seen, present), gradients = self.gradient(scale, *[array[step] for array in batches])
            gradient = ops.cat([gradients[k].reshape(-1) for k in range(self.count)])
            if self.workers > 1:
                # In one piece: two could meet in another order on another worker.
                means = self.sum(ops.cat([gradient, seen.reshape(-1)])) / self.workers
                gradient, seen = means[: self.ends[-1]], means[self.ends[-1] :].reshape(seen.shape)
            if self.scaled:
                gradient = gradient / scale
            fits, before = ops.isfinite(gradient).all(), (value, mean, square)
            if self.clipped:
                gradient = optimizers.clip(gradient, limit, self.parts)
            stepped, mean, square = self.step_function(value, gradient, mean, square, plan[step], decay)
            value = stepped if self.even else value + factor * (stepped - value)
            if self.scaled:
                value, mean, square = [ops.where(fits, (value, mean, square)[k], before[k]) for k in range(3)]
            if self.dynamic:
                good = ops.where(fits, good + 1, 0 * good)
                grown = ops.where(good >= PATIENCE, ops.minimum(2 * scale, LARGEST_SCALE), scale)
                scale = ops.where(fits, grown, scale / 2)
                good = ops.where(good >= PATIENCE, 0 * good, good)
            self.put(value)
            if self.fresh is not None:
                average = average + self.fresh * (value - average)
            total, counted = total + seen, counted + present
            step = step + 1
        return value, mean, square, average, scale, good, total, counted


def steps(
    loss: nn.Cell,
    optimizer: str,
    clipped: bool,
    parts: optimizers.Parts | None = None,
    even: bool = True,
    ema: float | None = None,
    scale: float | str | None = None,
    workers: int = 1,
) -> loop.Steps:
    """Return the plain steps where they do, else the wide ones."""
    if ema is None and scale is None and workers == 1:
        return loop.Steps(loss, optimizer, clipped, parts, even)
    return WideSteps(loss, optimizer, clipped, parts, even, ema, scale, workers)
