"""For all tests."""

import os

# Before any library loads: its threads sleep while they wait. With a worker a core they would take the cores from one
# another; what they compute is the same.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

from hypothesis import settings  # noqa: E402

# The same examples in every run.
settings.register_profile("sortline", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("sortline")
