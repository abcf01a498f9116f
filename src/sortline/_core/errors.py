"""Errors that a user can cause and mend, and how a command ends on them."""

import os
import sys
from collections.abc import Callable

from sortline._core import signals


class UserError(Exception):
    """A mistake the user can mend. Its text is the one line shown: what, where, what to do."""


def run(main: Callable[[list[str]], int | None]) -> None:
    """Run a command's `main(argv)` and exit: its own code, 2 on a `UserError` or a file error, 130 on Ctrl-C, 143 on
    SIGTERM.

    `--debug` anywhere on the command line (or SORTLINE_DEBUG=1) brings the traceback back.
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
    except UserError as error:
        if debug:
            raise
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        code = 2
    except OSError as error:
        # A file that is missing, locked or has no room: the user's to mend. Any other OSError is ours.
        if debug or error.filename is None:
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        code = 2
    except BaseException as error:
        if debug or not (signals.received or isinstance(error, KeyboardInterrupt)):
            raise
        print(signals.STOPPED, file=sys.stderr)
        code = signals.exit_code()
    sys.exit(code)
