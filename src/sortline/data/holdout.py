"""A held-out part: stratified by class, whole groups of duplicates."""

from collections import Counter

import numpy as np


def hold_out(label: np.ndarray, group: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Draw a stratified validation set of whole groups; return its mask, bool (N,).

    Groups come in seeded random order; one is taken where that overfills none of its classes' shares, which are
    `fraction` of a class, at least one photo. A class still without any gives its smallest group.
    """
    sizes = Counter(label.tolist())
    room = {c: max(1, round(fraction * n)) for c, n in sizes.items()}
    left = dict(sorted(sizes.items()))
    content: dict[int, Counter[int]] = {}
    for number, c in zip(group.tolist(), label.tolist(), strict=True):
        content.setdefault(number, Counter())[c] += 1
    order = np.random.default_rng(seed).permutation(sorted(content)).tolist()
    taken: set[int] = set()

    def take(number: int) -> None:
        taken.add(number)
        for c, n in content[number].items():
            room[c] -= n
            left[c] -= n

    for number in order:
        if all(n <= room[c] and n < left[c] for c, n in content[number].items()):
            take(number)
    for c in left:
        if left[c] == sizes[c]:
            own = [number for number in order if c in content[number]]
            free = [number for number in own if all(n < left[other] for other, n in content[number].items())]
            if free:
                take(min(free, key=lambda number: content[number].total()))
    return np.isin(group, list(taken))
