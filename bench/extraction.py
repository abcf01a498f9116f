"""From JPEG files to pooled features, photos a second: ours, PyTorch channels_last, MindSpore capped and as installed.

The same photos, the same decoding and resizing (Pillow), all cores for each. Needs `dvc repro extract@TASK` of the
garbage task, or of the sample, whose drawings are stored as JPEG first.
"""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from bench import _paired
from bench._photos import PLAIN, jpegs
from bench._torch_backbone import mobilenet_v2
from sortline import backbones
from sortline.backbones.weights import fetch
from sortline.config.weights import WeightsParams
from sortline.data.images import open_rgb, resize
from sortline.data.prepared import Photo
from sortline.data.sources.base import data_folder
from sortline.features import engines
from sortline.features.extraction import keep_maps
from sortline.features.store import FeatureStore

SIZE, PHOTOS, BATCH, FEW = 224, 128, 32, 16


def run(repeats: int) -> dict[str, object]:
    task = "garbage" if Path("data/raw/garbage").is_dir() else "sample"
    with tempfile.TemporaryDirectory() as scratch:
        weights = Path(scratch) / "weights"
        fetch("bench", WeightsParams(backbone="mobilenet_v2"), weights, Path(scratch), data_folder())
        photos = jpegs(task, Path(scratch), PHOTOS)
        backbone = backbones.load(weights)
        ours_by = {
            "sortline": engines.onnxruntime_engine(engines.to_onnx(backbone, SIZE)),
            "mindspore_capped": engines.mindspore_engine(backbone),
        }
        net, answers = mobilenet_v2(weights), {}

        def ours(name, count):
            shots = [Photo(photo.name, photo, str(index)) for index, photo in enumerate(photos[:count])]
            keep_maps(shots, PLAIN, SIZE, backbone, ours_by[name], FeatureStore(Path(scratch)))
            answers[name] = np.load(Path(scratch) / "pooled.npy")[:, 0, 0]

        def pytorch():
            answers["pytorch"] = torch_features(photos, backbone.preprocessing, net)

        contestants = {"sortline": lambda: ours("sortline", PHOTOS), "pytorch_channels_last": pytorch}
        taken = _paired.seconds(contestants, repeats)
        few = {"mindspore_capped": lambda: ours("mindspore_capped", 4 * FEW)}
        capped = _paired.seconds(few, max(1, repeats // 2))
        installed = as_installed(weights, photos[:FEW])
        difference = float(np.abs(answers["sortline"] - answers["pytorch"]).max())
    if difference > 1e-3:
        raise RuntimeError(f"PyTorch's features differ by {difference:.1e}: not the same network")
    middle = _paired.medians(taken)
    rates = {f"{name}_photos_per_s": round(PHOTOS / value, 1) for name, value in middle.items()}
    return {
        "task": task, "photos": PHOTOS, "repeats": repeats, **rates,
        "mindspore_capped_photos_per_s": round(4 * FEW / _paired.medians(capped)["mindspore_capped"], 1),
        "mindspore_as_installed_photos_per_s": round(installed, 2),
        "sortline_over_pytorch": _paired.ratio(taken, "pytorch_channels_last", "sortline"),
        "max_abs_diff_pytorch": difference,
    }  # fmt: skip


def torch_features(photos: list[Path], preprocessing, net) -> np.ndarray:
    """Decode on all cores, forward batches of BATCH on all cores: what a PyTorch user would do without a GPU."""

    def load(photo):
        return resize(open_rgb(photo), SIZE)

    found = []
    with ThreadPoolExecutor(os.cpu_count()) as pool, torch.inference_mode():
        for start in range(0, len(photos), BATCH):
            x = preprocessing(np.stack(list(pool.map(load, photos[start : start + BATCH]))))
            x = torch.from_numpy(x).contiguous(memory_format=torch.channels_last)
            found.append(net(x).mean((2, 3)).numpy())
    return np.concatenate(found)


AS_INSTALLED = """
import sys, time
from pathlib import Path
import mindspore, numpy as np
from sortline.backbones import loading
from sortline.data.images import open_rgb, resize
from sortline.features import engines
loaded = loading.load(Path(sys.argv[1]))
engine = engines.mindspore_engine(loaded)
photos = [Path(word) for word in sys.argv[2:]]
def run():
    pictures = np.stack([resize(open_rgb(photo), 224) for photo in photos])
    engine.run(loaded.preprocessing(pictures))
run()
start = time.perf_counter()
run()
print(len(photos) / (time.perf_counter() - start))
"""


def as_installed(weights: Path, photos: list[Path]) -> float:
    """Return photos a second of MindSpore without the cap that sortline sets, in a process of its own."""
    environment = os.environ | {"ONEDNN_MAX_CPU_ISA": "DEFAULT"}
    words = [sys.executable, "-c", AS_INSTALLED, str(weights), *map(str, photos)]
    done = subprocess.run(words, env=environment, capture_output=True, encoding="utf-8", check=True)
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    start = time.perf_counter()
    print(run(1), time.perf_counter() - start)
