"""Training on several processes of one machine: pictures a second with one and with two, by threads of each.

`python bench/workers.py NET WORKERS THREADS` prints one measurement; with `busy` after it, the cores that were busy.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from bench._apart import apart

# Pictures of an epoch, a side.
NETS = {"lenet5": (4096, 32), "digits_cnn": (1024, 28)}
BATCH = 256
EPOCHS = 4  # the first, which compiles, does not count
WAYS = ((1, 1), (1, 2), (2, 1), (2, 2))  # workers, threads of each


def run(repeats: int) -> dict[str, Any]:
    """Return pictures a second by net, workers and threads, median of `repeats`, ways taking turns; and the cores that
    one process keeps busy, by threads."""
    found: dict[str, list[float]] = {}
    busy: dict[str, float] = {}
    for _ in range(repeats):
        for net in NETS:
            for workers, threads in WAYS:
                speed = apart(__file__, net, str(workers), str(threads))
                assert speed is not None  # it needs no peer
                found.setdefault(f"{net}, {workers} x {threads}", []).append(speed)
    for net in NETS:
        for workers, threads in WAYS:
            if workers == 1:
                cores = apart(__file__, net, "1", str(threads), "busy")
                assert cores is not None
                busy[f"{net}, {workers} x {threads}"] = round(cores, 2)
    speeds = {name: round(statistics.median(values), 1) for name, values in found.items()}
    result = {"batch": BATCH, "pictures_per_s": speeds, "busy_cores": busy, "repeats": repeats}
    return result | {"name": "net, workers x threads of each"}


def speed(name: str, threads: int) -> tuple[float, float]:
    """Return the pictures a second of all workers, of which this is one, and how many cores this one kept busy."""
    from sortline._core import runtime, workers
    from sortline.config.training import TrainParams
    from sortline.nets import fit, registry
    from sortline.nets.inputs import Pictures

    runtime.prepare()
    workers.join()
    runtime.limit_threads(threads)
    (count, side), generator = NETS[name], np.random.default_rng(0)
    images = generator.integers(0, 256, (count, side, side)).astype(np.uint8)
    params = TrainParams(net=name, optimizer="momentum", batch_size=BATCH, epochs=EPOCHS, augment={})
    targets = fit.targets_of(generator.integers(0, 10, count), 10, params)
    net = registry.build(name, 10, {})
    registry.initialize(net, 0)
    times = [(time.perf_counter(), time.process_time())]
    for _ in fit.epochs(net, Pictures(images), targets, params):
        times.append((time.perf_counter(), time.process_time()))
    spent = np.diff(times, axis=0)[1:]
    return count / spent[:, 0].min(), spent[:, 1].sum() / spent[:, 0].sum()


def main(net: str, count: str, threads: str, what: str = "") -> None:
    from sortline._core import workers

    workers.serve()
    if int(count) > 1 and not workers.started():
        with tempfile.TemporaryDirectory() as scratch:
            workers.launch(int(count), [__file__, net, count, threads], Path(scratch, "logs"))
    else:
        print(speed(net, int(threads))[what == "busy"])


if __name__ == "__main__":
    main(*sys.argv[1:])
