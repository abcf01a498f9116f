"""Told to stop: a command or a stage ends in one line and leaves nothing; a stage ends with the DVC that started it."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psutil

STOPPED = "stopped; nothing half-written was left"
NUMBERS = [signal.SIGINT, signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
BY = {"DVC_STAGE", "MS_ROLE"}  # DVC names the stage to what it starts, msrun a worker's role
STAGES = Path(__file__).resolve().parents[3] / "stages"
SHELLS = {"sh", "dash", "bash", "zsh", "ksh", "fish", "cmd.exe"}
received: list[int] = []  # signals so far: an import that one of them breaks off may end in any exception


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP. What ends in order on Ctrl-C does so on these too."""


def exit_code() -> int:
    """Return what a shell gives for the first signal that came: 130 for Ctrl-C, 143 for SIGTERM."""
    return 128 + (received or [signal.SIGINT])[0]


@contextmanager
def raising() -> Iterator[None]:
    """Within the block Ctrl-C raises `KeyboardInterrupt` and SIGTERM `Terminated`: what cleans up on errors does so."""
    received.clear()
    before = _handle(_raise)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def role() -> str | None:
    """Return "stage" or "command" where the process is one of sortline's, None where another program imports it."""
    program = Path(sys.argv[0] if sys.argv else "")
    if BY & os.environ.keys() or program.resolve().parent == STAGES:
        return "stage"
    as_module = str(program) == "-m" and "sortline.cli" in sys.orig_argv
    return "command" if as_module or program.stem == "sortline" else None


def while_loading() -> None:
    """Until `raising`, end in a line at once, as nothing is written while modules load; a stage of DVC's ends when that
    has gone."""
    _handle(_exit)
    if not BY & os.environ.keys():
        return
    import psutil  # here, as every command loads this module

    with suppress(psutil.Error):
        child = psutil.Process()
        dvc = child.parent()
        # Most shells become the command that they are given; others stand between.
        if dvc and dvc.name() in SHELLS:
            child, dvc = dvc, dvc.parent()
        if dvc:
            threading.Thread(target=_end_with, args=[dvc, child], daemon=True).start()


def _end_with(dvc: "psutil.Process", child: "psutil.Process") -> None:
    """Wait until DVC has ended: its child then has another parent, or on Windows one that does not run."""
    import psutil

    with suppress(psutil.Error):
        while child.ppid() == dvc.pid and dvc.is_running():
            time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)


def _handle(handler: Callable[[int, FrameType | None], None]) -> dict[signal.Signals, Any]:
    """Set the handler; return what there was. Signals that are ignored (`nohup`, `command &`) still are."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    numbers = [number for number in NUMBERS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    return {number: signal.signal(number, handler) for number in numbers}


def _raise(number: int, _: FrameType | None) -> None:
    received.append(number)
    raise KeyboardInterrupt if number == signal.SIGINT else Terminated


def _exit(number: int, _: FrameType | None) -> None:
    print(STOPPED, file=sys.stderr, flush=True)
    os._exit(128 + number)
