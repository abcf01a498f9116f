"""What the study's stages share: its parameters, the line's folders, and notes of time, memory and CPU use."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from sortline._core import files
from sortline.config.base import read_yaml

HERE = Path(__file__).parent
LINE = HERE.parents[1]
PARAMS = read_yaml(HERE / "params.yaml")
PREPARED = LINE / "data" / "prepared" / PARAMS["task"]
WEIGHTS = HERE / "weights"
INTERVAL = 2.0  # seconds between two looks at the process


@contextmanager
def noted(name: str) -> Iterator[dict]:
    """Note in timings.json, which is no output of a stage, what the block took.

    Seconds, peak memory in MB, and the process's CPU use, in per cent of one core, every INTERVAL seconds. The block
    may put more into the dictionary that it gets.
    """
    process, ended = psutil.Process(), threading.Event()
    more: dict[str, Any] = {}
    started, memory, use = time.perf_counter(), [], []
    process.cpu_percent()

    def watch() -> None:
        while not ended.wait(INTERVAL):
            use.append(round(process.cpu_percent()))
            memory.append(process.memory_info().rss)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield more
    finally:
        ended.set()
        thread.join()
    path = HERE / "timings.json"
    timings = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    peak = max([*memory, process.memory_info().rss]) / 1e6
    timings[name] = more | {
        "seconds": round(time.perf_counter() - started, 1),
        "peak_mb": round(peak),
        "cpu_percent": use,
    }
    files.write_json(path, timings)
