"""Several backbones side by side, as one: one picture in, one map of all their channels out."""

from collections.abc import Sequence

import numpy as np
from mindspore import Tensor, nn, ops

from sortline._core import runtime
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
        self.net, self.side = net, own
        self.mean = Tensor(np.array(preprocessing.mean, np.float32).reshape(1, -1, 1, 1))
        self.factor = Tensor((1 / np.array(preprocessing.std)).astype(np.float32).reshape(1, -1, 1, 1))
        self.smaller = Resized(size, own) if own != size else None
        self.larger = Resized(_cells(own), cells) if _cells(own) != cells else None

    def construct(self, x: Tensor) -> Tensor:
        return self.of_full_size(self.net(self.scaled(x)))

    def scaled(self, x: Tensor) -> Tensor:
        """Return what the net takes, of the picture."""
        if self.smaller is not None:
            x = self.smaller(x)
        # Not folded into the first convolution: its padding is zero after the scaling.
        return (x - self.mean) * self.factor

    def of_full_size(self, feature_map: Tensor) -> Tensor:
        return feature_map if self.larger is None else self.larger(feature_map)


class JoinedBackbone(nn.Cell):
    """float32 (n, 3, S, S), 0 to 1, to the maps of all `backbones` (net, preprocessing, own size), channel after
    channel.

    Each takes the picture at its own size, where that is smaller. Maps smaller than the largest are enlarged by area,
    so that a channel's mean is that of its own map.
    """

    def __init__(self, backbones: Sequence[tuple[nn.Cell, Preprocessing, int]], size: int) -> None:
        super().__init__()
        # Where each one's channels end, after those before them.
        self.ends = np.cumsum([net.channels for net, _, _ in backbones]).tolist()
        self.channels = self.ends[-1]
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

    def cut(self, blocks: int) -> tuple[nn.Cell, nn.Cell]:
        """Return what lies before the last `blocks` blocks of each, and what from there on; between them go the maps of
        all, whatever their shapes, as channels of one position: float32 (n, numbers, 1, 1)."""
        fronts = [MemberFront(member, blocks) for member in self.members]
        shapes = [front.shape for front in fronts]
        ends = np.cumsum([0, *(np.prod(shape) for shape in shapes)]).tolist()
        backs = [MemberBack(*one, blocks) for one in zip(self.members, ends[:-1], shapes, strict=True)]
        return SideBySide(fronts), SideBySide(backs)


class MemberFront(nn.Cell):
    """The picture to what the last `blocks` blocks of a member take, `shape` (C, h, w), as channels of one position."""

    def __init__(self, member: Member, blocks: int) -> None:
        super().__init__(auto_prefix=False)
        self.member = member
        self.front = member.net.cut(blocks)[0]
        with runtime.eager():
            self.shape = self.front(Tensor(np.zeros((1, 3, member.side, member.side), np.float32))).shape[1:]
        self.size = int(np.prod(self.shape))

    def construct(self, x: Tensor) -> Tensor:
        return self.front(self.member.scaled(x)).reshape((-1, self.size, 1, 1))


class MemberBack(nn.Cell):
    """What a member makes of its own channels, from `begin`, of what all the `MemberFront`s give."""

    def __init__(self, member: Member, begin: int, shape: Sequence[int], blocks: int) -> None:
        super().__init__(auto_prefix=False)
        self.member = member
        self.back = member.net.cut(blocks)[1]
        self.begin, self.end, self.shape = begin, begin + int(np.prod(shape)), (-1, *shape)

    def construct(self, x: Tensor) -> Tensor:
        return self.member.of_full_size(self.back(x[:, self.begin : self.end].reshape(self.shape)))


class SideBySide(nn.Cell):
    """What each of `cells` makes of the same, channel after channel."""

    def __init__(self, cells: Sequence[nn.Cell]) -> None:
        super().__init__(auto_prefix=False)
        self.parts = nn.CellList(cells, auto_prefix=False)

    def construct(self, x: Tensor) -> Tensor:
        found = []
        for cell in self.parts:
            found.append(cell(x))
        return ops.cat(found, 1)


def members(net: nn.Cell) -> list[nn.Cell]:
    """Return the backbones that are joined in `net`; of one alone, that."""
    return [member.net for member in net.members] if isinstance(net, JoinedBackbone) else [net]


def _cells(size: int) -> int:
    """Return the side of the map: five halvings, rounded up."""
    return -(-size // 32)
