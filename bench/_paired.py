"""Contestants in turns, so that they meet the same load."""

import statistics
import time
from collections.abc import Callable, Mapping


def seconds(contestants: Mapping[str, Callable[[], object]], repeats: int, warm_up: int = 1) -> dict[str, list[float]]:
    """Return each contestant's seconds, one a round."""
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(warm_up + repeats):
        for name, work in contestants.items():
            start = time.perf_counter()
            work()
            if turn >= warm_up:
                taken[name].append(time.perf_counter() - start)
    return taken


def medians(taken: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: statistics.median(values) for name, values in taken.items()}


def ratio(taken: Mapping[str, list[float]], slower: str, faster: str) -> float:
    """Return the median over the rounds of how many times as long `slower` took."""
    pairs = zip(taken[slower], taken[faster], strict=True)
    return round(statistics.median(a / b for a, b in pairs), 2)
