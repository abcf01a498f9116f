"""extract: run the frozen backbone once over every view of every photo.

Reads `images.csv` and `views.json` (never the split), the raw photos and the backbone; writes `pooled.npy`, `maps.npy`
where the head is to pool, `inner.npy` where the backbone's last blocks are to train, all in images.csv order,
`features.json`, and the backbone as `backbone.onnx`. Of a task that is trained from pixels it keeps the pictures
themselves, `pixels.npy`. Params: `<task>.extract`. What is worked out of each photo lies in build/kept/ too, for a run
that goes on after a kill, or with more photos.
"""

import argparse
from pathlib import Path

from sortline._core import runtime, unfinished
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.device import chosen
from sortline.config.extract import ExtractParams
from sortline.data.prepared import read_photos, read_views
from sortline.features.extraction import extract


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    for option in ("--prepared", "--raw", "--weights", "--out"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "extract", ExtractParams)
    runtime.use(chosen())
    photos = read_photos(args.prepared / "images.csv", args.raw)
    cache = unfinished.FOLDER / args.task / "extract"
    extract(photos, read_views(args.prepared / "views.json"), params, args.weights, args.out, cache)


if __name__ == "__main__":
    run(main)
