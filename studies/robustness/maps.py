"""maps: whole Feature Maps of some train photos, of the line's views and corrupted. Usage: maps.py --out FOLDER

Which photos, `common.mapped` says. Written, float16: `views.npy` (n, K views, C, h, w) and `cells.npy` (n, each, C, h,
w), corrupted in the ways that cells.npy has of these photos.
"""

import argparse
from pathlib import Path

import numpy as np
from common import PARAMS, ROOT, SPLIT, corrupted, mapped, plan, read, store

from sortline._core import files
from sortline._core.cores import on_all_cores
from sortline._core.errors import run
from sortline.data.augment.views import decoded_side, render
from sortline.data.images import open_rgb
from sortline.data.prepared import read_photos, read_views
from sortline.features.mapper import Mapper


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    train, mapper, raw = read(), Mapper(store()), ROOT / "data" / "raw" / PARAMS["task"]
    views = read_views(SPLIT.with_name("views.json"))
    photos = {photo.name: photo for photo in read_photos(SPLIT.with_name("images.csv"), raw)}
    cells, deal = plan(train)
    chosen, side = np.flatnonzero(mapped(train)), decoded_side(views, mapper.size)

    def maps(number: int) -> tuple[np.ndarray, np.ndarray]:
        photo = photos[train.part.images[number]]
        # As the line's extract makes them: the plain view is decoded as for a prediction.
        opened = [open_rgb(photo.path, side=mapper.size), *[open_rgb(photo.path, side=side)] * (views.count - 1)]
        seen = [render(one, views, view, photo.sha256, mapper.size) for view, one in enumerate(opened)]
        ways = (cells[cell] for cell in deal[number])
        pictures = np.concatenate((np.stack(seen), corrupted(photo.path, mapper.size, ways)))
        found = mapper.features(pictures, "attention").astype(np.float16)
        return found[: len(seen)], found[len(seen) :]

    kept = zip(*on_all_cores(maps, chosen.tolist(), "maps"), strict=True)
    with files.replacing(args.out) as folder:
        folder.mkdir()
        for name, one in zip(("views", "cells"), kept, strict=True):
            np.save(folder / f"{name}.npy", np.stack(one))


if __name__ == "__main__":
    run(main)
