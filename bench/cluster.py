"""Extraction by Ray: photos a second with one worker and two, beside one process."""

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from sortline._core.errors import UserError
from sortline.config.augment import ViewParams
from sortline.config.extract import ExtractParams
from sortline.data.prepared import Photo
from sortline.features import ray_engine
from sortline.features.extraction import extract

TASK = "garbage"
PHOTOS, SIZE = 4_000, 224
STARTED = 0.1  # share of the photos after which Ray and its workers are surely up
WORKERS = {"one process": 0, "1 worker": 1, "2 workers": 2}


def run(repeats: int) -> dict[str, Any]:
    """Each contestant in a process of its own, in turns: the best photos a second of `repeats`, of whole runs with
    their start, and of the workers once they are started."""
    check()
    seconds: dict[str, list[float]] = {name: [] for name in WORKERS}
    started: dict[str, list[float]] = {name: [] for name, workers in WORKERS.items() if workers}
    for _ in range(repeats):
        for name, workers in WORKERS.items():
            found = apart(workers, PHOTOS, SIZE)
            seconds[name].append(found["seconds"])
            if workers:
                started[name].append(found["started_photos_per_s"])
    speed = {name: round(PHOTOS / min(taken), 1) for name, taken in seconds.items()}
    steady = {name: max(speeds) for name, speeds in started.items()}
    return {
        "task": TASK, "photos": PHOTOS, "side": SIZE, "repeats": repeats, "photos_per_s": speed,
        "two_to_one": round(speed["2 workers"] / speed["1 worker"], 2), "started_photos_per_s": steady,
        "started_two_to_one": round(steady["2 workers"] / steady["1 worker"], 2),
    }  # fmt: skip


def check() -> None:
    if not (Path("data/raw") / TASK).is_dir() or not (Path("data/weights") / TASK).is_dir():
        raise UserError(f"there are no photos; run: dvc repro weights@{TASK} fetch@{TASK}")


def apart(workers: int, count: int, side: int) -> dict[str, float]:
    words = [sys.executable, "-m", "bench.cluster", str(workers), str(count), str(side)]
    done = subprocess.run(words, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def contestant(workers: int, count: int, side: int) -> dict[str, float]:
    """Extract from `count` photos, real ones again and again under names of their own."""
    real = sorted((Path("data/raw") / TASK).rglob("*.jpg"))
    photos = [Photo(f"{i}.jpg", real[i % len(real)], f"{i:064x}") for i in range(count)]
    ray_engine.cores = lambda: workers
    params = ExtractParams(image_size=side, engine="ray" if workers else "onnxruntime")
    arrived = arrivals()
    with tempfile.TemporaryDirectory(dir=Path("build").absolute()) as temporary, watched() as most:
        scratch = Path(temporary)
        begun = time.perf_counter()
        extract(
            photos, ViewParams(count=1), params, Path("data/weights") / TASK, Path(scratch, "out"), Path(scratch, "c")
        )
        taken = time.perf_counter() - begun
    found = {"seconds": round(taken, 1), "driver_mb": round(most["driver"]), "worker_mb": round(most["worker"])}
    if workers:
        first = int(STARTED * count)
        rate = (count - 1 - first) / (arrived[-1] - arrived[first])
        found["started_photos_per_s"] = round(rate, 1)
    return found


def arrivals() -> list[float]:
    """Return a list that gets the second at which each photo's features come back from a worker."""
    worked_out, seconds = ray_engine._worked_out, list[float]()

    def noted(*args: Any) -> Iterator[Any]:
        for found in worked_out(*args):
            seconds.append(time.perf_counter())
            yield found

    ray_engine._worked_out = noted
    return seconds


@contextlib.contextmanager
def watched():
    """Yield the most anonymous memory, MB, of this process and of a worker of Ray, looked at five times a second."""
    most, done, own = {"driver": 0.0, "worker": 0.0}, threading.Event(), psutil.Process()

    def look() -> None:
        while not done.wait(0.2):
            most["driver"] = max(most["driver"], anonymous(own))
            for child in own.children(recursive=True):
                with contextlib.suppress(psutil.Error, OSError):
                    if child.name().startswith("ray::"):
                        most["worker"] = max(most["worker"], anonymous(child))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield most
    finally:
        done.set()
        thread.join()


def anonymous(process: psutil.Process) -> float:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return next(float(line.split()[1]) / 1000 for line in lines if line.startswith("RssAnon"))


if __name__ == "__main__":
    print(json.dumps(contestant(*map(int, sys.argv[1:]))))
