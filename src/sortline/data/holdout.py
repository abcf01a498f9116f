"""A held-out part: stratified by class, whole groups of duplicates."""

from collections import Counter

import numpy as np


def hold_out(label: np.ndarray, group: np.ndarray, fraction: float, seed: int) -> np.ndarray:
    """Draw a stratified validation set of whole groups; return its mask, bool (N,).

    Groups come in seeded random order; one is taken where that overfills none of its classes' shares, which are
    `fraction` of a class, at least one photo. A class still without any gives its smallest group.
    """
    classes, sizes = np.unique(label, return_counts=True)
    room = {c: max(1, round(fraction * n)) for c, n in zip(classes.tolist(), sizes.tolist(), strict=True)}
    left = dict(zip(classes.tolist(), sizes.tolist(), strict=True))
    content: dict[int, Counter[int]] = {}
    for number, c in zip(group.tolist(), label.tolist(), strict=True):
        content.setdefault(number, Counter())[c] += 1
    numbers = sorted(content)
    order = [numbers[i] for i in np.random.default_rng(seed).permutation(len(numbers))]
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
        if any(c in content[number] for number in taken):
            continue
        free = [number for number in order if number not in taken and c in content[number]]
        free = [number for number in free if all(n < left[other] for other, n in content[number].items())]
        if free:
            take(min(free, key=lambda number: content[number].total()))
    return np.isin(group, list(taken))
