"""How fast LeNet-5 trains: our loop, one step a call, and PyTorch, each in a process of its own, in turns.

`python bench/lenet.py WAY BATCH` prints one measurement, digits a second.

Where the time goes, CPU milliseconds of one thread for a step of 256 (AMD EPYC, layers measured one by one): second
layer 19 (half of it MaxPool's gradient), first layer 12 (as convolution and MaxPool: 73 on the same busy machine),
dense layers, loss and optimizer 5. What is left are oneDNN's convolutions and MindSpore's MaxPoolGrad.
"""

import importlib.util
import statistics
import sys
import time
from typing import Any

import numpy as np

from bench._apart import NO_PEER, apart

BATCHES = (32, 256)
DIGITS = 4096  # per epoch
EPOCHS = 3  # the first, which compiles, does not count
WAYS = {
    "ours": "an epoch of steps in one graph call, flat optimizer, pooled first convolution",
    "plain_pool": "the same loop, the first layer as convolution and MaxPool",
    "step_a_call": "as is usual: one compiled step a call, fed from Python, an optimizer cell",
    "torch": "PyTorch, eager, from memory",
}


def run(repeats: int) -> dict[str, Any]:
    """Return digits a second by way and batch size, median of `repeats`, ways taking turns; and ours over PyTorch's."""
    found: dict[str, list[float]] = {}
    for _ in range(repeats):
        for batch in BATCHES:
            for way in WAYS:
                speed = apart(__file__, way, str(batch), peer=way == "torch")
                if speed is not None:
                    found.setdefault(f"{way}_{batch}", []).append(speed)
    result: dict[str, Any] = {key: round(statistics.median(speeds)) for key, speeds in found.items()}
    for batch in BATCHES:
        if f"torch_{batch}" in result:
            result[f"ours_over_torch_{batch}"] = round(result[f"ours_{batch}"] / result[f"torch_{batch}"], 2)
    return result | {"unit": "digits a second", "repeats": repeats, "ways": WAYS}


def digits() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (DIGITS, 32, 32)).astype(np.uint8), generator.integers(0, 10, DIGITS)


def ours(batch: int, plain_pool: bool = False) -> float:
    from mindspore import nn

    from sortline._core import runtime
    from sortline.config.training import TrainParams
    from sortline.nets import fit, registry
    from sortline.nets.inputs import Pictures

    runtime.prepare()
    runtime.limit_threads(2)
    net = registry.build("lenet5", 10, {})
    if plain_pool:
        net.conv1 = nn.SequentialCell(nn.Conv2d(1, 6, 5, pad_mode="valid", has_bias=True), nn.MaxPool2d(2, 2))
    registry.initialize(net, 0)
    params = TrainParams(preset="report_lenet5", batch_size=batch, epochs=EPOCHS)
    times = [time.perf_counter()]
    images, labels = digits()
    for _ in fit.epochs(net, Pictures(images), fit.targets_of(labels, 10, params), params):
        times.append(time.perf_counter())
    return DIGITS / min(np.diff(times)[1:])


def step_a_call(batch: int) -> float:
    import mindspore
    from mindspore import Tensor, nn

    from sortline._core import runtime
    from sortline.backbones.preprocessing import GREY

    runtime.prepare()
    net = nn.SequentialCell(
        nn.Conv2d(1, 6, 5, pad_mode="valid", has_bias=True), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Conv2d(6, 16, 5, pad_mode="valid", has_bias=True), nn.ReLU(), nn.MaxPool2d(2, 2), nn.Flatten(),
        nn.Dense(400, 120), nn.ReLU(), nn.Dense(120, 84), nn.ReLU(), nn.Dense(84, 10),
    )  # fmt: skip
    loss = nn.WithLossCell(net, nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean"))
    step = nn.TrainOneStepCell(loss, nn.Momentum(net.trainable_params(), 0.01, 0.9))
    images, labels = digits()
    x, y = GREY(images), labels.astype(np.int32)

    def epoch() -> None:
        for start in range(0, DIGITS, batch):
            last = step(Tensor(x[start : start + batch]), Tensor(y[start : start + batch]))
        last.asnumpy()
        mindspore.runtime.synchronize()

    return best(epoch)


def by_torch(batch: int) -> float:
    if importlib.util.find_spec("torch") is None:
        sys.exit(NO_PEER)
    import torch
    from torch import nn

    net = nn.Sequential(
        nn.Conv2d(1, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(net.parameters(), 0.01, 0.9)
    images, labels = digits()
    x = torch.from_numpy(images).float().div(255).sub(0.1307).div(0.3081)[:, None]
    y = torch.from_numpy(labels)

    def epoch() -> None:
        order = torch.randperm(DIGITS)
        for start in range(0, DIGITS, batch):
            rows = order[start : start + batch]
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()

    return best(epoch)


def best(epoch) -> float:
    times = []
    for _ in range(EPOCHS):
        begin = time.perf_counter()
        epoch()
        times.append(time.perf_counter() - begin)
    return DIGITS / min(times[1:])


if __name__ == "__main__":
    way, size = sys.argv[1], int(sys.argv[2])
    speed = {
        "ours": ours, "plain_pool": lambda n: ours(n, plain_pool=True), "step_a_call": step_a_call, "torch": by_torch
    }[way](size)  # fmt: skip
    print(speed)
