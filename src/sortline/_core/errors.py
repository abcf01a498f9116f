"""Errors that a user can cause and mend, and how a command ends on them."""

import contextlib
import errno
import os
import re
import sys
from collections.abc import Callable
from types import TracebackType

from sortline._core import signals
from sortline._core.text import printable

NEEDED = 2_200_000_000  # bytes of addresses; with fewer MindSpore ends the process as it loads, or waits for ever
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# NumPy's and Pillow's words, without a number of the error.
NOT_ALL_WRITTEN = re.compile(r"\d+ requested and \d+ written|when writing image file")
# What libraries in C++ say where Python raises MemoryError.
NO_MEMORY = re.compile(
    r".*(?:bad_alloc|failed to allocate|cannot allocate|alloc failed|out of memory|insufficient memory|"
    r"failed to map segment|can't start new thread).*",
    re.IGNORECASE,
)


class UserError(Exception):
    """A mistake the user can mend. Its text is the one line shown: what, where, what to do."""


def run(main: Callable[[list[str]], int | None]) -> None:
    """Run a command's `main(argv)` and exit: its own code, 2 where `mended_by_user` has a line, 130 on Ctrl-C,
    143 on SIGTERM, 129 on SIGHUP.

    Exits 1 where nobody reads what it prints any more. `--debug` anywhere on the command line (or SORTLINE_DEBUG=1)
    brings the traceback back.
    """
    # A Windows console or a pipe may not be UTF-8; class names are Chinese.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace")
    argv = sys.argv[1:]
    debug = "--debug" in argv or os.environ.get("SORTLINE_DEBUG") == "1"
    argv = [word for word in argv if word != "--debug"]
    try:
        with signals.raising():
            code = main(argv) or 0
            sys.stdout.flush()
    except BrokenPipeError:
        code = 1
    except BaseException as error:
        stopped = bool(signals.received) or isinstance(error, KeyboardInterrupt)
        line = signals.STOPPED if stopped else mended_by_user(error)
        if debug or line is None:
            raise
        _say(line if stopped else printable(f"error: {' '.join(line.split())}"))
        code = signals.exit_code() if stopped else 2
    _let_go_of_stdout()
    sys.exit(code)


def while_loading() -> None:
    """Until `run`, end in a line on what `mended_by_user` knows, too: memory may be too short for a module to load.

    Where it is limited to less than NEEDED, end at once: MindSpore would not end in a line.
    """
    unknown = sys.excepthook
    with contextlib.suppress(ImportError):  # Windows has no such limit
        import resource

        if 0 <= (allowed := resource.getrlimit(resource.RLIMIT_AS)[0]) < NEEDED:
            have, need = (f"{size / 1e9:.1f} GB" for size in (allowed, NEEDED))
            _say(f"error: {have} of memory are allowed (ulimit -v), stages need {need} to start; raise the limit")
            os._exit(2)

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        line = mended_by_user(error)
        if line is None or os.environ.get("SORTLINE_DEBUG") == "1":
            return unknown(kind, error, trace)
        _say(f"error: {' '.join(line.split())}")
        os._exit(2)

    sys.excepthook = show


def mended_by_user(error: BaseException) -> str | None:
    """Return the line for an error that a user can mend; None for one that is ours."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError):
        cut_short = NOT_ALL_WRITTEN.search(str(error))
        if error.errno is None and not cut_short:  # raised by a library about what we asked of it
            return None
        where = f"{error.filename}: " if error.filename is not None else ""
        what = f"{error} (is the disk full?)" if cut_short else error.strerror
        return f"{where}{what}{'; make room and run the command again' if error.errno in NO_ROOM else ''}"
    said = NO_MEMORY.search(str(error)) if isinstance(error, RuntimeError | ImportError) else None
    if said or isinstance(error, MemoryError):
        what = (said[0] if said else str(error))[:150] or "none left"
        return f"not enough memory ({what}); close other programs and run the command again"
    return None


def _say(line: str) -> None:
    with contextlib.suppress(OSError):  # stderr may lie on a full disk, too
        print(line, file=sys.stderr)


def _let_go_of_stdout() -> None:
    """Have Python not complain at its end of what it cannot write: the reader (`| head`) is gone, or the disk full."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
