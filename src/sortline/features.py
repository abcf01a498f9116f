"""Photos to Feature Maps: the frozen backbone, once over every view of every photo."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import mindspore
import numpy as np
import onnx
from tqdm import tqdm

from sortline import graphs, sessions
from sortline.backbone import Backbone
from sortline.data.images import open_rgb
from sortline.data.views import ViewPlan, render
from sortline.nets.mobilenetv2 import Pooled

TOLERANCE = 1e-3


@dataclass(frozen=True)
class Photo:
    """A photo to extract: its file, and the key its views are drawn from (its sha256)."""

    path: Path
    key: str


@dataclass(frozen=True)
class Engine:
    """What runs the backbone: float32 (n, 3, S, S) to mean (n, C), max (n, C) and map (n, C, h, w), float32."""

    run: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
    workers: int


def mindspore_engine(backbone: Backbone) -> Engine:
    """Run the network in MindSpore, one call at a time (its graph executor uses all cores itself)."""
    net = Pooled(backbone.net)
    net.set_train(False)
    return Engine(lambda x: tuple(output.asnumpy() for output in net(mindspore.Tensor(x))), workers=1)


def to_onnx(backbone: Backbone, size: int) -> onnx.ModelProto:
    """Return the network as ONNX: input `x` float32 (n, 3, S, S), preprocessed; outputs `mean`, `max` and `map`."""
    net = Pooled(backbone.net)
    net.set_train(False)
    return graphs.to_onnx(net, (1, 3, size, size), ("mean", "max", "map"))


def onnxruntime_engine(model: onnx.ModelProto) -> Engine:
    """Run the network's `to_onnx`, one single-threaded call a core: no waiting between decoding and convolving."""
    opened = sessions.session(model)
    return Engine(lambda x: tuple(opened.run(["mean", "max", "map"], {"x": x})), workers=_cores())


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_engines(backbone: Backbone, engine: Engine, images: np.ndarray) -> float:
    """Return the largest difference of `engine`'s pooled features from MindSpore's on uint8 `images` (n, S, S, 3).

    Raises RuntimeError above TOLERANCE: features of the two engines must be interchangeable.
    """
    x = backbone.preprocessing(images)
    ours, reference = engine.run(x), mindspore_engine(backbone).run(x)
    # Not Python's max, which lets a NaN slip by.
    difference = float(np.max([np.abs(a - b).max() for a, b in zip(ours[:2], reference[:2], strict=True)]))
    if not difference <= TOLERANCE:
        raise RuntimeError(f"the exported backbone differs from MindSpore's by {difference:.2e} (limit {TOLERANCE})")
    return difference


def extract(
    photos: Sequence[Photo],
    plan: ViewPlan,
    size: int,
    backbone: Backbone,
    engine: Engine,
    pooled: Path,
    maps: Path | None,
) -> None:
    """Write the Feature Maps of `photos`, in their order, each as one block.

    `pooled`: float32 .npy (N photos, K views, 2 poolings (mean, max), C). `maps`, unless None: float16 .npy
    (N, 1, C, S/32, S/32) of the plain view. Both go through memory maps, so memory does not grow with N.
    """
    channels, side = backbone.net.channels, size // 32
    shape = (len(photos), plan.count, 2, channels)
    pooled_map = np.lib.format.open_memmap(pooled, "w+", np.float32, shape)
    maps_map = None
    if maps is not None:
        maps_map = np.lib.format.open_memmap(maps, "w+", np.float16, (len(photos), 1, channels, side, side))

    def work(index: int) -> None:
        photo = photos[index]
        image = open_rgb(photo.path)
        views = np.stack([render(image, plan, view, photo.key, size) for view in range(plan.count)])
        mean, maximum, feature_map = engine.run(backbone.preprocessing(views))
        if not (np.isfinite(mean).all() and np.isfinite(maximum).all()):
            raise RuntimeError(f"{photo.path}: the backbone gave NaN or Inf")
        pooled_map[index] = np.stack((mean, maximum), 1)
        if maps_map is not None:
            maps_map[index] = feature_map[:1]

    try:
        with ThreadPoolExecutor(engine.workers) as pool:
            results = pool.map(work, range(len(photos)))
            for _ in tqdm(results, total=len(photos), unit="photo", desc="extract", disable=None):
                pass
    finally:
        # Unmapped even while an error is on its way: Windows can neither rename nor remove a mapped file.
        pooled_map = maps_map = None
