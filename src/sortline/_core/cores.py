"""How many processor cores this process may use."""

import os


def cores() -> int:
    """Return the cores that the process may run on; where the system does not say, all that there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
