"""A study's report script, whose stages share a module called `common`, and what its page says."""

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


def between(page: Path, name: str) -> str:
    """Return what stands on a page between `<!-- name ... -->` and `<!-- end of name -->`."""
    text = page.read_text(encoding="utf-8")
    return text.split(f"<!-- {name}")[1].split("-->\n", 1)[1].split(f"<!-- end of {name} -->")[0]
