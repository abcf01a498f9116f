"""Several processes that train one net together: MindSpore's launcher, `msrun`, and its collectives."""

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from sortline._core import runtime
from sortline._core.errors import UserError
from sortline._core.files import remove

COUNT = "SORTLINE_WORKERS"
# What msrun tells those that it starts.
ROLE, SCHEDULER, NUMBER, ALL = "MS_ROLE", "MS_SCHED", "RANK_ID", "MS_WORKER_NUM"
ENDED = re.compile(r"Worker process (\d+) exit with exception. Error code: (-?\d+)")  # in what msrun says
SILENCE = "10"  # seconds after which one that says nothing counts as dead


def asked() -> int:
    """Return how many workers the user wants to train on; raise `UserError` where that is no number from 1 on."""
    text = os.environ.get(COUNT) or "1"
    if not re.fullmatch("[1-9][0-9]{0,3}", text):
        raise UserError(f"{COUNT} is {text!r}: it should be a number of workers, 1 or more")
    return int(text)


def started() -> bool:
    """Whether msrun has started this process, as one of the workers or to bring them together."""
    return ROLE in os.environ


def serve() -> None:
    """Bring the workers together, if that is what msrun has started this process for: it ends here, when they have."""
    if os.environ.get(ROLE) == SCHEDULER:
        runtime.prepare()
        _meet()
        sys.exit()


def join() -> None:
    """Meet the other workers, if there are any; return when all have come as far.

    After `runtime.prepare`, before the first graph.
    """
    if started():
        _meet()


def _meet() -> None:
    from mindspore import communication

    communication.init()


def place() -> tuple[int, int]:
    """Return this worker's number, from 0, and how many there are: (0, 1) for one that is alone."""
    if not started():
        return 0, 1
    if NUMBER not in os.environ:
        raise UserError("msrun gives the workers no numbers where it is not told its own machine's: add --node_rank")
    return int(os.environ[NUMBER]), int(os.environ[ALL])


def average(parameters: Sequence[Any]) -> None:
    """Give each of MindSpore's `parameters` the mean of its values on all workers."""
    count = place()[1]
    if count == 1 or not parameters:
        return
    import numpy as np  # here, as the command line loads this module
    from mindspore import Tensor, ops

    mean = ops.AllReduce()(ops.cat([parameter.reshape(-1) for parameter in parameters])).asnumpy() / count
    ends = np.cumsum([parameter.size for parameter in parameters])
    for parameter, values in zip(parameters, np.split(mean, ends[:-1]), strict=True):
        parameter.set_data(Tensor(values.reshape(parameter.shape).astype(np.float32)))


def launch(count: int, command: Sequence[str], logs: Path) -> None:
    """Run a Python script on `count` workers of this machine, and then show what the first one said.

    Raises `UserError` where one of them has ended otherwise than well: msrun ends the others then.
    """
    remove(logs)
    logs.mkdir(parents=True)
    msrun = Path(sys.executable).with_name("msrun")
    options = [f"--worker_num={count}", f"--local_worker_num={count}", f"--master_port={_free_port()}", "--join=True"]
    options.append(f"--log_dir={logs}")
    environment = {"MS_NODE_TIMEOUT": SILENCE, "GLOG_v": "3", **os.environ}
    # It starts whichever `python` comes first there.
    environment["PATH"] = os.pathsep.join([str(msrun.parent), environment.get("PATH", os.defpath)])
    said = logs / "msrun.log"
    with said.open("wb") as own, subprocess.Popen(
        [msrun, *options, *command], stdout=own, stderr=own, env=environment
    ) as started:  # fmt: skip
        try:
            while started.poll() is None and not ENDED.search(said.read_text("utf-8", "replace")):
                time.sleep(0.5)
        finally:  # msrun itself would wait ten minutes for one that dies before all have met
            _end(started)
    if started.returncode:
        raise UserError(_why(logs))
    lines = (logs / "worker_0.log").read_text("utf-8", "replace").splitlines()
    print(*(line for line in lines if not line.startswith("[")), sep="\n")  # those are MindSpore's own


def _end(msrun: subprocess.Popen) -> None:
    """Kill what msrun has started, and it, unless all have ended."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        for process in [*psutil.Process(msrun.pid).children(recursive=True), msrun]:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _why(logs: Path) -> str:
    """Return the line of the first worker that says what is wrong, else which one has ended."""
    said = {path.stem: path.read_text("utf-8", "replace") for path in sorted(logs.glob("*.log"))}
    for text in said.values():
        if found := re.findall(r"^error: (.+)$", text, re.MULTILINE):
            return found[-1]
    ended = ENDED.search(said.get("msrun", ""))
    which = f"a worker (process {ended[1]}) ended with code {ended[2]}" if ended else "a worker ended"
    return f"{which}, and the others with it; what they said is in {logs.as_posix()}"
