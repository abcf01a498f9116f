"""Batches of a net's inputs: augmented, and mixed, as an epoch's number and the seed have it."""

import numpy as np

from sortline.nets.inputs import Feed


class Batches:
    """Inputs, changed by chance as the epoch's number and the seed have it, and targets; fill-ups count too."""

    def __init__(self, feed: Feed, targets: np.ndarray, seed: int, mixup: float) -> None:
        self.feed, self.targets, self.seed, self.mixup, self.count = feed, targets, seed, mixup, len(feed)
        self.bytes_each = feed.plain(np.arange(1)).nbytes

    def generator(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, number])

    def take(self, rows: np.ndarray, fresh: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
        inputs = self.feed.augmented(rows.ravel(), generator)
        arrays = np.ascontiguousarray(inputs.reshape(*rows.shape, *inputs.shape[1:])), self.targets[rows]
        return mixed(*arrays, self.mixup, generator) if self.mixup else arrays


def mixed(
    inputs: np.ndarray, targets: np.ndarray, strength: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Mix each batch (steps, batch, ...) with itself in another order, a share of Beta(strength, strength) a batch.

    mixup, Zhang et al. 2018, arXiv:1710.09412. Whole numbers stay whole.
    """
    inputs, targets = inputs.copy(), targets.copy()
    for step, share in enumerate(generator.beta(strength, strength, len(inputs)).astype(np.float32)):
        other = generator.permutation(inputs.shape[1])
        values = share * inputs[step] + (1 - share) * inputs[step, other].astype(np.float32)
        inputs[step] = np.rint(values) if inputs.dtype.kind == "u" else values
        targets[step] = share * targets[step] + (1 - share) * targets[step, other]
    return inputs, targets
