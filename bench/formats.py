"""The formats that the model of `garbage` (or `sample`) has been converted to: milliseconds, size, agreement."""

from pathlib import Path
from typing import Any

import numpy as np

from bench._paired import medians, seconds
from sortline._core.errors import UserError
from sortline._core.files import read_json
from sortline.data.sources.toy import picture
from sortline.export.classifier import Classifier

PHOTOS, SIDE = 20, 400  # a round; pixels


def run(repeats: int) -> dict[str, Any]:
    """Time rounds of PHOTOS photos on one thread, from pixels to probabilities; milliseconds a photo, megabytes, and
    how often it predicts as the ONNX does, as `export --to` found."""
    task = next((one for one in ("garbage", "sample") if (Path("models") / one / "export/model.onnx").is_file()), None)
    if task is None:
        raise UserError("no exported model; make one: dvc repro export@garbage")
    folders = {name: Path("models") / task / name for name in ("export", "openvino", "litert")}
    there = {name: folder for name, folder in folders.items() if (folder / "labels.json").is_file()}
    opened = {name: Classifier(folder, threads=1) for name, folder in there.items()}
    image = picture("star", 0, SIDE, 1)

    def work(name: str) -> Any:
        return lambda: [opened[name].probabilities(image) for _ in range(PHOTOS)]

    taken = medians(seconds({name: work(name) for name in opened}, repeats))
    found: dict[str, Any] = {"task": task, "side": SIDE, "repeats": repeats, "threads": 1}
    for name, one in opened.items():
        files = [one.path, one.path.with_suffix(".bin")]
        size = np.sum([path.stat().st_size for path in files if path.is_file()])
        found[name] = {"ms": round(1000 * taken[name] / PHOTOS, 2), "mb": round(float(size) / 1e6, 2)}
        if (one.folder / "about.json").is_file():
            found[name]["agreement"] = read_json(one.folder / "about.json")["agreement"]
    return found
