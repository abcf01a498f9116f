"""For all tests."""

from hypothesis import settings

# The same examples in every run.
settings.register_profile("sortline", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("sortline")
