"""extract: the line's features once more, at another size or with more views. Usage: extract.py NAME --out FOLDER"""

import argparse
import time
from pathlib import Path

import numpy as np
from common import LINE, PARAMS, PREPARED, note_time

from sortline import backbones
from sortline._core import files
from sortline._core.errors import run
from sortline.config.augment import ViewParams
from sortline.features import extraction


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    started, task = time.perf_counter(), PARAMS["task"]
    rows = files.read_csv(PREPARED / "images.csv")
    about, changes = files.read_json(LINE / "data" / "features" / task / "features.json"), PARAMS[args.name]
    plan = ViewParams(**files.read_json(PREPARED / "views.json"))
    plan, size = (
        plan.model_copy(update={"count": changes.get("views", plan.count)}),
        changes.get("image_size", about["image_size"]),
    )
    photos = [extraction.Photo(LINE / "data" / "raw" / task / row["path"], row["sha256"]) for row in rows]
    backbone = backbones.load(LINE / "data" / "weights" / task)
    engine = extraction.onnxruntime_engine(extraction.to_onnx(backbone, size))
    with files.replacing(args.out) as out:
        out.mkdir()
        extraction.extract(photos, plan, size, backbone, engine, out / "pooled.npy", None)
        files.write_json(out / "features.json", about | {"image_size": size})
        assert np.load(out / "pooled.npy", mmap_mode="r").shape[0] == len(rows)
    note_time(f"extract@{args.name}", started)


if __name__ == "__main__":
    run(main)
