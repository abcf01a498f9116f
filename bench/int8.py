"""Latency of one photo in ONNX Runtime on the CPU: the exported model in fp32 against the same in 8 bits."""

import os
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np

from sortline import sessions
from sortline.data.sample import picture
from sortline.errors import UserError

MODELS = {"fp32": "model.onnx", "int8": "model_int8.onnx"}
WARM_UP = 10
SIDES = (224, 1024)  # of the photo, pixels: as in the data set; as a phone app would hand it over


def run(repeats: int = 200) -> dict[str, Any]:
    """Time each model `repeats` times, in turns so that both meet the same load; ms from pixels to probabilities."""
    task = next((one for one in ("garbage", "sample") if (_folder(one) / MODELS["int8"]).is_file()), None)
    if task is None:
        raise UserError("no exported model with model_int8.onnx; make one: dvc repro export@garbage")
    found: dict[str, Any] = {"task": task, "repeats": repeats}
    for name, file in MODELS.items():
        found[f"{name}_mb"] = round((_folder(task) / file).stat().st_size / 1e6, 2)
    for threads in dict.fromkeys((1, os.cpu_count() or 1)):
        opened = {name: sessions.session(_folder(task) / file, threads) for name, file in MODELS.items()}
        for side in SIDES:
            image = np.asarray(picture("03_03", 0, side, 1))
            found[f"{side}x{side}_{threads}_threads"] = _compare(opened, image, repeats)
    return found


def _folder(task: str) -> Path:
    return Path("models") / task / "export"


def _compare(opened: dict[str, Any], image: np.ndarray, repeats: int) -> dict[str, Any]:
    times: dict[str, list[float]] = {name: [] for name in opened}
    for turn in range(WARM_UP + repeats):
        for name, session in opened.items():
            start = time.perf_counter()
            session.run(["probabilities"], {"image": image})
            if turn >= WARM_UP:
                times[name].append(1000 * (time.perf_counter() - start))
    medians = {f"{name}_ms": round(statistics.median(values), 2) for name, values in times.items()}
    return medians | {"speed_up": round(medians["fp32_ms"] / medians["int8_ms"], 2)}


if __name__ == "__main__":
    for key, value in run().items():
        print(f"{key}: {value}")
