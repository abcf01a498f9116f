"""Photos to Feature Maps: the frozen backbone, once over every view of every photo."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import mindspore
import numpy as np
import onnx
from tqdm import tqdm

from sortline._core import graphs, sessions
from sortline._core.cores import cores
from sortline.backbones.loading import Backbone
from sortline.config.augment import ViewParams
from sortline.data.augment.views import render
from sortline.data.images import open_rgb

TOLERANCE = 1e-3


@dataclass(frozen=True)
class Photo:
    """A photo to extract: its file, and the key its views are drawn from (its sha256)."""

    path: Path
    key: str


@dataclass(frozen=True)
class Engine:
    """What runs the backbone: float32 (n, 3, S, S) to what `Pooled` puts out, float32."""

    run: Callable[[np.ndarray], tuple[np.ndarray, ...]]
    workers: int


def mindspore_engine(backbone: Backbone, upto: int | None = None) -> Engine:
    """Run the network in MindSpore, one call at a time (its graph executor uses all cores itself)."""
    net = backbone.pooled(upto)
    return Engine(lambda x: tuple(output.asnumpy() for output in net(mindspore.Tensor(x))), workers=1)


def to_onnx(backbone: Backbone, size: int, upto: int | None = None) -> onnx.ModelProto:
    """Return the network as ONNX: input `x` float32 (n, 3, S, S), preprocessed; outputs `mean`, `max`, `map` and, with
    `upto`, `inner`."""
    net = backbone.pooled(upto)
    return graphs.to_onnx(net, (1, 3, size, size), ("mean", "max", "map", "inner")[: 3 if upto is None else 4])


def onnxruntime_engine(model: onnx.ModelProto) -> Engine:
    """Run the network's `to_onnx`, one single-threaded call a core: no waiting between decoding and convolving."""
    opened = sessions.session(model)
    return Engine(lambda x: tuple(opened.run(None, {"x": x})), workers=cores())


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
    plan: ViewParams,
    size: int,
    backbone: Backbone,
    engine: Engine,
    pooled: Path,
    maps: Path | None = None,
    inner: Path | None = None,
) -> None:
    """Write the Feature Maps of `photos`, in their order, each as one block.

    `pooled`: float32 .npy (N photos, K views, 2 poolings (mean, max), C). `maps`, unless None: float16 .npy
    (N, 1, C, S/32, S/32) of the plain view. `inner`, unless None: float16 .npy (N, K, C, h, w), the engine's fourth
    output. All go through memory maps, so memory does not grow with N.
    """
    shapes = [output.shape[1:] for output in engine.run(np.zeros((1, 3, size, size), np.float32))]
    kept = {"pooled": _create(pooled, np.float32, (len(photos), plan.count, 2, *shapes[0]))}
    if maps is not None:
        kept["maps"] = _create(maps, np.float16, (len(photos), 1, *shapes[2]))
    if inner is not None:
        kept["inner"] = _create(inner, np.float16, (len(photos), plan.count, *shapes[3]))

    def work(index: int) -> None:
        photo = photos[index]
        image = open_rgb(photo.path)
        views = np.stack([render(image, plan, view, photo.key, size) for view in range(plan.count)])
        mean, maximum, feature_map, *rest = engine.run(backbone.preprocessing(views))
        if not (np.isfinite(mean).all() and np.isfinite(maximum).all()):
            raise RuntimeError(f"{photo.path}: the backbone gave NaN or Inf")
        kept["pooled"][index] = np.stack((mean, maximum), 1)
        if maps is not None:
            kept["maps"][index] = feature_map[:1]
        if inner is not None:
            kept["inner"][index] = rest[0]

    try:
        with ThreadPoolExecutor(engine.workers) as pool:
            results = pool.map(work, range(len(photos)))
            for _ in tqdm(results, total=len(photos), unit="photo", desc="extract", disable=None):
                pass
    finally:
        # Unmapped even while an error is on its way: Windows can neither rename nor remove a mapped file.
        kept.clear()


def _create(path: Path, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    return np.lib.format.open_memmap(path, "w+", dtype, shape)
