"""From JPEG files to pooled features by ONNX Runtime and by OpenVINO, photos a second on all cores, and CPU seconds.

The same photos of the garbage task, or of the sample, and the same work as `extract`'s of one view. Needs the extra
`openvino`, and `dvc repro extract@TASK`. CPU seconds tell the two apart where other work takes the cores.
"""

import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

from bench import _paired
from bench._photos import PLAIN, jpegs
from sortline import backbones
from sortline._core.sessions import session
from sortline.backbones.weights import fetch
from sortline.config.weights import WeightsParams
from sortline.data.prepared import Photo
from sortline.data.sources.base import data_folder
from sortline.features.engines import EXPORTED, Engine, to_onnx
from sortline.features.extraction import keep_maps
from sortline.features.store import FeatureStore

BACKBONES = ("mobilenet_v2", "efficientnet_lite1")
PHOTOS = 64
VIEWS = 4  # of a photo, one run or one by one


def run(repeats: int) -> dict[str, object]:
    """Return, by backbone, of each engine photos a second and CPU milliseconds a photo, and how far they differ."""
    task = "garbage" if Path("data/raw/garbage").is_dir() else "sample"
    found: dict[str, object] = {"task": task, "photos": PHOTOS, "repeats": repeats}
    with tempfile.TemporaryDirectory() as scratch:
        photos = [Photo(path.name, path, str(index)) for index, path in enumerate(jpegs(task, Path(scratch), PHOTOS))]
        for name in BACKBONES:
            found[name] = _of(name, photos, Path(scratch) / name, repeats)
    return found


def _of(name: str, photos: list[Photo], folder: Path, repeats: int) -> dict[str, object]:
    folder.mkdir()
    fetch("bench", WeightsParams(backbone=name), folder / "weights", folder, data_folder())
    backbone = backbones.load(folder / "weights")
    model, size = to_onnx(backbone, backbone.size), backbone.size
    by: dict[str, Engine] = {engine: opened(model) for engine, (_, opened) in EXPORTED.items()}
    spent: dict[str, list[float]] = {engine: [] for engine in by}
    answers = {}

    def work(engine: str) -> None:
        begun = time.process_time()
        keep_maps(photos, PLAIN, size, backbone, by[engine], FeatureStore(folder))
        spent[engine].append(time.process_time() - begun)
        answers[engine] = np.load(folder / "pooled.npy")

    taken = _paired.seconds({engine: partial(work, engine) for engine in by}, repeats)
    result: dict[str, object] = {"image_size": size}
    for engine, seconds in _paired.medians(taken).items():
        result[f"{engine}_photos_per_s"] = round(len(photos) / seconds, 1)
        result[f"{engine}_cpu_ms"] = round(1000 * float(np.median(spent[engine][1:])) / len(photos), 2)
    result["openvino_times_as_quick"] = _paired.ratio(taken, "onnxruntime", "openvino")
    result["max_abs_diff"] = float(np.abs(answers["onnxruntime"] - answers["openvino"]).max())
    return result | _by_batches(model.SerializeToString(), size, repeats)


def _by_batches(model: bytes, size: int, repeats: int) -> dict[str, float]:
    """Return how many times as quick ONNX Runtime is with pictures one by one as with VIEWS in a run, on one thread."""
    opened = session(model)
    x = np.random.default_rng(0).uniform(-1, 1, (VIEWS, 3, size, size)).astype(np.float32)
    contestants = {
        "together": lambda: [opened.run(["mean"], {"x": x}) for _ in range(4)],
        "one_by_one": lambda: [opened.run(["mean"], {"x": x[i : i + 1]}) for _ in range(4) for i in range(VIEWS)],
    }
    return {"one_by_one_times_as_quick": _paired.ratio(_paired.seconds(contestants, repeats), *contestants)}
