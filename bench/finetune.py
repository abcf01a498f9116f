"""How fast MobileNetV2 is fine-tuned, photos a second: all of it, and the last three blocks with and without cache.

`python bench/finetune.py WAY` prints one measurement; ours and PyTorch's (eager, channels_last, batch norm fixed) in
processes of their own, in turns. Random weights and pictures of 224 pixels, batches of 32; decoding is left out. An
uncached epoch runs the frozen blocks forward too, as it must with other crops every time.

Where the time goes (ONEDNN_VERBOSE, mode full): over nine tenths of a step are oneDNN's convolutions, all by its gemm
kernel: gradients of kernels 52 %, of inputs 28 %, forward 20 %. Tried once, on a busy machine: beta added in place of a
batch norm with fixed statistics took a third off a step (so it is done), batches of 16, 32 and 64 did alike, 1x1
convolutions as matrix products were no quicker, depthwise ones as shifted products several times slower.
"""

import importlib.util
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench._apart import NO_PEER, apart

BATCH, STEPS, EPOCHS, CLASSES, SIZE = 32, 2, 3, 26, 224  # of the epochs the first, which compiles, does not count
WAYS = {
    "full": "the stage train, mode full, norms fixed",
    "full_train_norms": "the same, norms: train",
    "partial_cached": "mode partial, blocks: 3, on maps that extract cached",
    "partial_uncached": "mode partial, blocks: 3, on pictures",
    "torch_full": "PyTorch, everything",
    "torch_partial_cached": "PyTorch, the last three blocks, on the same maps",
}


def run(repeats: int) -> dict[str, Any]:
    """Return photos a second by way, median of `repeats`, ways taking turns; and the ratios that matter."""
    found: dict[str, list[float]] = {}
    for _ in range(repeats):
        for way in WAYS:
            speed = apart(__file__, way, peer=way.startswith("torch"))
            if speed is not None:
                found.setdefault(way, []).append(speed)
    result: dict[str, Any] = {way: round(statistics.median(speeds), 1) for way, speeds in found.items()}
    for name, ours, theirs in (
        ("cached_over_uncached", "partial_cached", "partial_uncached"),
        ("full_over_torch", "full", "torch_full"),
        ("partial_cached_over_torch", "partial_cached", "torch_partial_cached"),
    ):
        if theirs in found:
            ratios = [a / b for a, b in zip(found[ours], found[theirs], strict=True)]
            result[name] = round(statistics.median(ratios), 2)
    return result | {"unit": "photos a second", "batch": BATCH, "repeats": repeats, "ways": WAYS}


def fastest(epoch: Callable[[], object]) -> float:
    times = []
    for _ in range(EPOCHS):
        started = time.perf_counter()
        epoch()
        times.append(time.perf_counter() - started)
    return BATCH * STEPS / min(times[1:])


def pretrained(folder: str) -> Path:
    from sortline._core.files import write_json

    about = {"network": "mobilenet_v2", "release": "random", "file": None, "sha256": None, "width": 1.0, "seed": 1}
    write_json(Path(folder) / "backbone.json", about)
    return Path(folder)


def ours(mode: str, cached: bool, norms: str = "fixed") -> float:
    from sortline._core import runtime
    from sortline.config.training import TrainParams
    from sortline.nets import fit
    from sortline.nets.inputs import Inputs

    runtime.prepare()
    generator, count = np.random.default_rng(0), BATCH * STEPS
    if cached:
        maps = generator.standard_normal((count, 1, 160, 7, 7)).astype(np.float16)
        inputs = Inputs(maps, 3, SIZE, np.zeros((count, 1, 1280), np.float32))
    else:
        inputs = Inputs(generator.integers(0, 256, (count, SIZE, SIZE, 3)).astype(np.uint8), None, SIZE)
    rows, labels = np.arange(count), np.arange(count) % CLASSES
    params = TrainParams(
        net="mobilenet_v2", mode=mode, start="zero", norms=norms, lr=1e-4, batch_size=BATCH, epochs=EPOCHS,
        checkpoint="last", crops={"scale": [1.0, 1.0], "ratio": [1.0, 1.0]},
    )  # fmt: skip
    data = fit.Parts(inputs, rows, labels, rows, labels, CLASSES)
    with tempfile.TemporaryDirectory() as folder:
        net, _ = fit.build(data, params, pretrained(folder))
    epochs = fit.epochs(inputs.part(net), inputs.feed(net, rows), fit.targets_of(labels, CLASSES, params), params)
    return fastest(lambda: next(epochs))


def by_torch(cached: bool) -> float:
    if importlib.util.find_spec("torch") is None:
        sys.exit(NO_PEER)
    import torch
    from torch import nn

    from bench._torch_backbone import mobilenet_v2

    with tempfile.TemporaryDirectory() as folder:
        backbone = mobilenet_v2(pretrained(folder))
    parts = list(backbone)[-4 if cached else 0 :]  # three blocks and the last convolution
    net = nn.Sequential(*parts, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, CLASSES)).eval()
    net = net.to(memory_format=torch.channels_last)
    shape = (BATCH * STEPS, 160, 7, 7) if cached else (BATCH * STEPS, 3, SIZE, SIZE)
    x = torch.randn(shape).to(memory_format=torch.channels_last)
    y = torch.arange(BATCH * STEPS) % CLASSES
    optimizer = torch.optim.SGD(net.parameters(), 1e-4, 0.9)

    def epoch() -> None:
        for start in range(0, len(x), BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[start : start + BATCH]), y[start : start + BATCH]).backward()
            optimizer.step()

    return fastest(epoch)


if __name__ == "__main__":
    way = sys.argv[1]
    if way.startswith("torch"):
        print(by_torch(cached=way.endswith("cached")))
    else:
        mode, _, rest = way.partition("_")
        print(ours(mode, cached=rest == "cached", norms="train" if rest == "train_norms" else "fixed"))
