"""Latency of one photo in ONNX Runtime on the CPU: the exported model in fp32 against the same in 8 bits."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from bench._paired import medians, ratio, seconds
from sortline._core import sessions
from sortline._core.errors import UserError
from sortline.data.sources.toy import picture

MODELS = {"fp32": "model.onnx", "int8": "model_int8.onnx"}
PHOTOS = 40  # a round
SIDES = (224, 1024)  # of the photo, pixels: as in the data set; as an app may hand it over


def run(repeats: int) -> dict[str, Any]:
    """Time rounds of PHOTOS calls, from pixels to probabilities; milliseconds a photo, and how many times as quick."""
    task = next((one for one in ("garbage", "sample") if (_folder(one) / MODELS["int8"]).is_file()), None)
    if task is None:
        raise UserError("no exported model with model_int8.onnx; make one: dvc repro export@garbage")
    files = {name: _folder(task) / file for name, file in MODELS.items()}
    found: dict[str, Any] = {"task": task, "repeats": repeats, "photos_a_round": PHOTOS}
    found |= {f"{name}_mb": round(file.stat().st_size / 1e6, 2) for name, file in files.items()}
    for threads in dict.fromkeys((1, os.cpu_count() or 1)):
        opened = {name: sessions.session(file, threads) for name, file in files.items()}
        for side in SIDES:
            image = np.asarray(picture("star", 0, side, 1))
            taken = seconds({name: _round(session, image) for name, session in opened.items()}, repeats)
            found[f"{side}x{side}, {threads} thread{'s' * (threads > 1)}"] = {
                f"{name}_ms": round(1000 * value / PHOTOS, 2) for name, value in medians(taken).items()
            } | {"int8_times_as_quick": ratio(taken, "fp32", "int8")}
    return found


def _folder(task: str) -> Path:
    return Path("models") / task / "export"


def _round(session: Any, image: np.ndarray) -> Any:
    def work() -> None:
        for _ in range(PHOTOS):
            session.run(["probabilities"], {"image": image})

    return work
