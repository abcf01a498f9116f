"""The search itself: candidates, each laid on its other, on all cores."""

from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from sortline._core.cores import on_all_cores
from sortline.data.copies.candidates import candidates
from sortline.data.copies.geometry import Overlay, overlay
from sortline.data.copies.sketch import Sketch

KINDS = ("mirrored", "turned", "cropped", "recoloured")  # bit i of a pair's kind is set


def find_copies(sketches: Sequence[Sketch]) -> np.ndarray:
    """Return the pairs of photos that are copies of one picture: int64 (P, 4).

    Rows are (a, b, distance, kind): a < b index `sketches`; `distance` is the percentage of the common area that does
    not agree; `kind` the sum of 2**i for KINDS[i]. Sorted by distance, then a, then b.
    """
    pairs = [(a, b, mirrored) for mirrored, some in candidates(sketches).items() for a, b in some.tolist()]

    def compare(pair: tuple[int, int, bool]) -> Overlay | None:
        a, b, mirrored = pair
        return overlay(sketches[a], sketches[b], mirrored)

    with threadpool_limits(1):  # pairs are looked at in threads of our own
        found = list(on_all_cores(compare, pairs, "copies", unit="pair"))
    rows = [(a, b, *_row(one)) for (a, b, _), one in zip(pairs, found, strict=True) if one is not None]
    every = np.array(rows, np.int64).reshape(-1, 4)
    every = every[np.lexsort((every[:, 1], every[:, 0], every[:, 2]))]
    # A symmetrical picture may be found both ways: the closer one counts.
    _, first = np.unique(every[:, :2], axis=0, return_index=True)
    return every[np.sort(first)]


def _row(one: Overlay) -> tuple[int, int]:
    kind = sum(getattr(one, name) << bit for bit, name in enumerate(KINDS))
    return round(100 * (1 - one.agreement)), kind
