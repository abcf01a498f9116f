"""Extraction by Ray: anonymous memory of who sends and of a worker as the photos grow. 20 minutes, by name alone."""

from typing import Any

from bench.cluster import TASK, apart, check

PHOTOS, SIDE = (10_000, 200_000), 32  # pixels a side, which take a millisecond


def run(repeats: int) -> dict[str, Any]:
    """Two workers, once: the most memory, in MB, of the sender and of the larger worker, by the number of photos."""
    check()
    return {"task": TASK, "side": SIDE, "repeats": 1, "memory": {str(count): apart(2, count, SIDE) for count in PHOTOS}}
