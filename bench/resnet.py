"""How fast ResNet-50 gives features at 224 pixels: ONNX Runtime, as `extract` runs it, against MindSpore's own forward.

MindSpore runs with the oneDNN cap that `sortline.runtime` sets on AVX-512. Seeded random weights; views of one photo
make a batch, as in `extract`; decoding is left out.
"""

import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from sortline import backbone as backbones
from sortline import features
from sortline.files import write_json

SIZE, VIEWS, PHOTOS = 224, 4, 8


def rate(engine: features.Engine, batches: list[np.ndarray]) -> float:
    """Return images a second over `batches` float32 (VIEWS, 3, SIZE, SIZE), with as many calls at once as it takes."""
    start = time.perf_counter()
    with ThreadPoolExecutor(engine.workers) as pool:
        for _ in pool.map(engine.run, batches):
            pass
    return sum(map(len, batches)) / (time.perf_counter() - start)


def run(repeats: int) -> dict[str, object]:
    """Return images a second of both engines (median of `repeats`, after one round to warm up) and their difference."""
    with tempfile.TemporaryDirectory() as folder:
        about = {"network": "resnet50", "release": "random", "file": None, "sha256": None, "width": None, "seed": 1}
        write_json(Path(folder) / "backbone.json", about)
        backbone = backbones.load(Path(folder))
    pictures = np.random.default_rng(1).integers(0, 256, (PHOTOS, VIEWS, SIZE, SIZE, 3), dtype=np.uint8)
    batches = [backbone.preprocessing(views) for views in pictures]
    engines = {
        "onnxruntime": features.onnxruntime_engine(features.to_onnx(backbone, SIZE)),
        "mindspore": features.mindspore_engine(backbone),
    }
    result: dict[str, object] = {"network": "resnet50", "image_size": SIZE, "images": PHOTOS * VIEWS}
    for name, engine in engines.items():
        rate(engine, batches)
        rates = [rate(engine, batches) for _ in range(repeats)]
        result[f"{name}_images_per_s"] = round(statistics.median(rates), 2)
    result["max_abs_diff"] = features.check_engines(backbone, engines["onnxruntime"], pictures[0][:2])
    return result


if __name__ == "__main__":
    print(run(3))
