"""How many processor cores this process may use, and work on all of them."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")


def cores() -> int:
    """Return the cores that the process may run on, as its affinity and its container's share of the CPU say."""
    import joblib  # it takes a while to load

    return joblib.cpu_count()


def on_all_cores(
    work: Callable[[Item], Result], items: Sequence[Item], what: str, workers: int | None = None, unit: str = "photo"
) -> Iterator[Result]:
    """Yield `work(item)` of each item, in order, on `workers` threads, with a progress bar; None: one a core.

    The first error ends the work.
    """
    with ThreadPoolExecutor(workers or cores()) as pool:
        yield from tqdm(pool.map(work, items), total=len(items), desc=what, unit=unit, disable=None)
