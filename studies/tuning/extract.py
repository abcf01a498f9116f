"""extract: the line's features once more, at another size. Usage: extract.py PIXELS --out FOLDER"""

import argparse
import time
from pathlib import Path

import numpy as np
from common import LINE, PARAMS, PREPARED, note_time

from sortline import backbone as backbones
from sortline import features, files
from sortline.data.views import ViewPlan
from sortline.errors import run


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pixels", type=int)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    started, task = time.perf_counter(), PARAMS["task"]
    rows = files.read_csv(PREPARED / "images.csv")
    plan = ViewPlan(**files.read_json(PREPARED / "views.json"))
    photos = [features.Photo(LINE / "data" / "raw" / task / row["path"], row["sha256"]) for row in rows]
    backbone = backbones.load(LINE / "data" / "weights" / task)
    engine = features.onnxruntime_engine(features.to_onnx(backbone, args.pixels))
    with files.replacing(args.out) as out:
        out.mkdir()
        features.extract(photos, plan, args.pixels, backbone, engine, out / "pooled.npy", None)
        about = files.read_json(LINE / "data" / "features" / task / "features.json")
        files.write_json(out / "features.json", about | {"image_size": args.pixels})
        assert np.load(out / "pooled.npy", mmap_mode="r").shape[0] == len(rows)
    note_time(f"extract@{args.pixels}", started)


if __name__ == "__main__":
    run(main)
