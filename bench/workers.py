"""Training on several processes of one machine: pictures a second with one and with two, by threads of each.

`python bench/workers.py NET WORKERS THREADS` prints one measurement.
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
    """Return pictures a second by net, workers and threads, median of `repeats`, ways taking turns."""
    found: dict[str, list[float]] = {}
    for _ in range(repeats):
        for net in NETS:
            for workers, threads in WAYS:
                speed = apart(__file__, net, str(workers), str(threads))
                assert speed is not None  # it needs no peer
                found.setdefault(f"{net}, {workers} x {threads}", []).append(speed)
    speeds = {name: round(statistics.median(values), 1) for name, values in found.items()}
    return {"batch": BATCH, "pictures_per_s": speeds, "repeats": repeats, "name": "net, workers x threads of each"}


def speed(name: str, threads: int) -> float:
    """Return the pictures a second of all workers, of which this is one."""
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
    times = [time.perf_counter()]
    for _ in fit.epochs(net, Pictures(images), targets, params):
        times.append(time.perf_counter())
    return count / min(np.diff(times)[1:])


def main(net: str, count: str, threads: str) -> None:
    from sortline._core import workers

    workers.serve()
    if int(count) > 1 and not workers.started():
        with tempfile.TemporaryDirectory() as scratch:
            workers.launch(int(count), [__file__, net, count, threads], Path(scratch, "logs"))
    else:
        print(speed(net, int(threads)))


if __name__ == "__main__":
    main(*sys.argv[1:])
