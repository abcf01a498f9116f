"""A study's report script, whose stages share a module called `common`."""

import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def report_of(study: Path) -> Iterator[dict[str, Any]]:
    """Yield what report.py of the study defines."""
    sys.path.insert(0, str(study))
    sys.modules.pop("common", None)
    try:
        yield runpy.run_path(str(study / "report.py"))
    finally:
        sys.path.remove(str(study))
        sys.modules.pop("common", None)
