"""extract: the line's features once more, at another size or with more views. Usage: extract.py NAME --out FOLDER"""

import argparse
import time
from pathlib import Path

from common import LINE, PARAMS, PREPARED, note_time

from sortline._core.errors import run
from sortline.config.extract import ExtractParams
from sortline.data.prepared import read_photos, read_views
from sortline.features.extraction import extract
from sortline.features.store import FeatureStore


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    started, task = time.perf_counter(), PARAMS["task"]
    changes, line = PARAMS[args.name], FeatureStore(LINE / "data" / "features" / task).about
    params = ExtractParams(image_size=changes.get("image_size", line["image_size"]))
    views = read_views(PREPARED / "views.json")
    views = views.model_copy(update={"count": changes.get("views", views.count)})
    photos = read_photos(PREPARED / "images.csv", LINE / "data" / "raw" / task)
    extract(photos, views, params, LINE / "data" / "weights" / task, args.out)
    note_time(f"extract@{args.name}", started)


if __name__ == "__main__":
    run(main)
