"""Several backbones side by side, as one: one picture in, one map of all their channels out."""

from collections.abc import Sequence

import numpy as np
from mindspore import Tensor, nn, ops

from sortline.backbones.preprocessing import Preprocessing


def area_weights(before: int, after: int) -> np.ndarray:
    """Return what resizes a row by area, float32 (after, before): each new place is the mean of what it covers.

    The row's own mean stays what it is, enlarged or made smaller.
    """
    ends = np.arange(after + 1) * before / after
    inside = np.clip(ends[:, None] - np.arange(before), 0, 1)  # of each old place, what lies before each end
    return (np.diff(inside, axis=0) * after / before).astype(np.float32)


class Resized(nn.Cell):
    """(n, C, before, before) to (n, C, after, after), by area."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        weights = area_weights(before, after)
        # A new place covers few old ones, side by side: by their numbers, not as a matrix, which would be a large part
        # of a small model.
        covered = (weights > 0).argmax(1) + np.arange((weights > 0).sum(1).max())[:, None]
        places = np.minimum(covered, before - 1)
        shares = np.where(covered < before, weights[np.arange(after), places], 0)
        # All but the first are subtracted, their sign turned: the 8-bit export would round additions.
        shares[1:] *= -1
        self.places = [Tensor(row.astype(np.int32)) for row in places]
        self.shares = [Tensor(row.astype(np.float32)) for row in shares]

    def construct(self, x: Tensor) -> Tensor:
        return self.along(self.along(x, 2), 3)

    def along(self, x: Tensor, axis: int) -> Tensor:
        total = self.part(x, axis, 0)
        for number in range(1, len(self.places)):
            total = total - self.part(x, axis, number)
        return total

    def part(self, x: Tensor, axis: int, number: int) -> Tensor:
        share = self.shares[number]
        return ops.gather(x, self.places[number], axis) * (share.reshape((-1, 1)) if axis == 2 else share)


class Member(nn.Cell):
    """One of the joined backbones: the picture, 0 to 1, at its own size and in its own scaling, to its map."""

    def __init__(self, net: nn.Cell, preprocessing: Preprocessing, own: int, size: int, cells: int) -> None:
        super().__init__()
        self.net = net
        self.mean = Tensor(np.array(preprocessing.mean, np.float32).reshape(1, -1, 1, 1))
        self.factor = Tensor((1 / np.array(preprocessing.std)).astype(np.float32).reshape(1, -1, 1, 1))
        self.smaller = Resized(size, own) if own != size else None
        self.larger = Resized(_cells(own), cells) if _cells(own) != cells else None

    def construct(self, x: Tensor) -> Tensor:
        if self.smaller is not None:
            x = self.smaller(x)
        # Not folded into the first convolution: its padding is zero after the scaling.
        feature_map = self.net((x - self.mean) * self.factor)
        return feature_map if self.larger is None else self.larger(feature_map)


class JoinedBackbone(nn.Cell):
    """float32 (n, 3, S, S), 0 to 1, to the maps of all `backbones` (net, preprocessing, own size), channel after
    channel.

    Each takes the picture at its own size, where that is smaller. Maps smaller than the largest are enlarged by area,
    so that a channel's mean is that of its own map.
    """

    def __init__(self, backbones: Sequence[tuple[nn.Cell, Preprocessing, int]], size: int) -> None:
        super().__init__()
        self.channels = sum(net.channels for net, _, _ in backbones)
        sides = [min(own, size) for _, _, own in backbones]
        cells = max(map(_cells, sides))
        self.members = nn.CellList(
            [Member(net, how, side, size, cells) for (net, how, _), side in zip(backbones, sides, strict=True)]
        )

    def construct(self, x: Tensor) -> Tensor:
        maps = []
        for member in self.members:
            maps.append(member(x))
        return ops.cat(maps, 1)


def _cells(size: int) -> int:
    """Return the side of the map: five halvings, rounded up."""
    return -(-size // 32)
