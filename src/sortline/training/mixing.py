"""Examples mixed with others of their batch: mixup and CutMix. No MindSpore."""

import math
from dataclasses import dataclass

import numpy as np


def drawn(steps: int, size: int, strength: float, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return each batch's share of itself, of Beta(strength, strength), float32 (steps,), and in which order it is
    mixed with itself, int (steps, size)."""
    shares = generator.beta(strength, strength, steps).astype(np.float32)
    return shares, np.stack([generator.permutation(size) for _ in range(steps)])


def mixed(examples: np.ndarray, shares: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mix each batch of `examples` (steps, size, ...) with itself in the order `others`, as mixup (Zhang et al. 2018,
    arXiv:1710.09412) does. Whole numbers stay whole."""
    found = examples.copy()
    for batch, share, other in zip(found, shares, others, strict=True):
        values = share * batch + (1 - share) * batch[other].astype(np.float32)
        batch[:] = np.rint(values) if examples.dtype.kind == "u" else values
    return found


def boxes(shares: np.ndarray, side: int, generator: np.random.Generator) -> np.ndarray:
    """Return where each batch takes the other's positions, bool (steps, side * side): a box of 1 - share of a square
    map, cut off at its edges, round a centre drawn evenly, as CutMix (Yun et al. 2019, arXiv:1905.04899) has it."""
    length = np.rint(np.sqrt(1 - shares) * side)[:, None]
    low = generator.integers(side, size=(2, len(shares), 1)) - length // 2
    rows, columns = (low <= np.arange(side)) & (np.arange(side) < low + length)
    return (rows[:, :, None] & columns[:, None]).reshape(len(shares), -1)


@dataclass(frozen=True)
class Mixing:
    """How rows of features are mixed: the a of Beta(a, a) for mixup, or for CutMix of maps; 0: not."""

    mixup: float = 0
    cutmix: float = 0

    def __call__(
        self, features: np.ndarray, targets: np.ndarray, masks: np.ndarray, generator: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Mix batches of features (steps, size, ...), targets (steps, size, classes), float32, and masks, bool (steps,
        size, models): a row teaches a model only where its mask has both rows that it was mixed of, so that no model
        learns of a row that is held out from it."""
        if not (self.mixup or self.cutmix):
            return features, targets, masks
        steps, size = masks.shape[:2]
        shares, others = drawn(steps, size, self.mixup or self.cutmix, generator)
        if self.cutmix:
            cut = boxes(shares, math.isqrt(features.shape[2]), generator)
            shares = 1 - cut.mean(1, dtype=np.float32)
            partners = np.take_along_axis(features, others[:, :, None, None], 1)
            features = np.where(cut[:, None, :, None], partners, features)
        else:
            features = mixed(features, shares, others)
        return features, mixed(targets, shares, others), masks & np.take_along_axis(masks, others[..., None], 1)
