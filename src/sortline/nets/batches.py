"""Batches of a net's inputs: augmented, and mixed, as an epoch's number and the seed have it."""

import numpy as np

from sortline.nets.inputs import Feed
from sortline.training import mixing


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
        if not self.mixup:
            return arrays
        steps, size = rows.shape
        shares, others = mixing.drawn(steps, size, self.mixup, generator)
        return tuple(mixing.mixed(array, shares, others) for array in arrays)
