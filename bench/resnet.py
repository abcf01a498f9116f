"""How fast ResNet-50 gives features at 224 pixels: ONNX Runtime, as `extract` runs it, against MindSpore's own forward.

MindSpore runs with the oneDNN cap that `sortline._core.runtime` sets on AVX-512. Seeded random weights; views of one
photo make a batch, as in `extract`; decoding is left out.
"""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from bench import _paired
from sortline import backbones
from sortline._core.files import write_json
from sortline.features import engines

SIZE, VIEWS, PHOTOS = 224, 4, 8


def run(repeats: int) -> dict[str, object]:
    """Return images a second of both engines in turns, how many times as fast ONNX Runtime is, and their difference."""
    with tempfile.TemporaryDirectory() as folder:
        about = {"network": "resnet50", "release": "random", "file": None, "sha256": None, "width": None, "seed": 1}
        write_json(Path(folder) / "backbone.json", about)
        backbone = backbones.load(Path(folder))
    pictures = np.random.default_rng(1).integers(0, 256, (PHOTOS, VIEWS, SIZE, SIZE, 3), dtype=np.uint8)
    batches = [backbone.preprocessing(views) for views in pictures]
    contestants = {
        "onnxruntime": engines.onnxruntime_engine(engines.to_onnx(backbone, SIZE)),
        "mindspore": engines.mindspore_engine(backbone),
    }
    taken = _paired.seconds({name: partial(work, engine, batches) for name, engine in contestants.items()}, repeats)
    rates = {f"{name}_images_per_s": round(PHOTOS * VIEWS / value, 1) for name, value in _paired.medians(taken).items()}
    return {
        "network": "resnet50",
        "image_size": SIZE,
        "images": PHOTOS * VIEWS,
        **rates,
        "mindspore_by_onnxruntime": _paired.ratio(taken, "mindspore", "onnxruntime"),
        "max_abs_diff": engines.check_engines(backbone, contestants["onnxruntime"], pictures[0][:2]),
    }


def work(engine: engines.Engine, batches: list[np.ndarray]) -> None:
    """Run `batches` float32 (VIEWS, 3, SIZE, SIZE), with as many calls at once as the engine takes."""
    with ThreadPoolExecutor(engine.workers) as pool:
        for _ in pool.map(engine.run, batches):
            pass
