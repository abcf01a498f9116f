"""inner: maps before the last block of the photos that have maps, corrupted. Usage: inner.py --before FOLDER --out FILE

Written: float16 (n, each, C, h, w), in the ways that cells.npy has of these photos.
"""

import argparse
from pathlib import Path

import numpy as np
from common import PARAMS, ROOT, corrupted, mapped, plan, read

from sortline._core import files
from sortline._core.cores import on_all_cores
from sortline._core.errors import run
from sortline.features.mapper import Mapper
from sortline.features.store import FeatureStore


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--before", "--out"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    train, raw = read(), ROOT / "data" / "raw" / PARAMS["task"]
    mapper = Mapper(FeatureStore(args.before))
    cells, deal = plan(train)

    def maps(number: int) -> np.ndarray:
        ways = (cells[cell] for cell in deal[number])
        return mapper.inner(corrupted(raw / train.part.images[number], mapper.size, ways)).astype(np.float16)

    found = np.stack(list(on_all_cores(maps, np.flatnonzero(mapped(train)).tolist(), "corrupted photos")))
    with files.replacing(args.out) as path, path.open("wb") as file:
        np.save(file, found)


if __name__ == "__main__":
    run(main)
