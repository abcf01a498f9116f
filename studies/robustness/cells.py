"""cells: the features of every train photo, corrupted in a few ways. Usage: cells.py --out FILE

Written: float32 (n, each, C), mean-pooled; which ways, `common.plan` says.
"""

import argparse
from pathlib import Path

import numpy as np
from common import PARAMS, ROOT, corrupted, plan, read, store

from sortline._core import files
from sortline._core.cores import on_all_cores
from sortline._core.errors import run
from sortline.features.mapper import Mapper


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    train, mapper, raw = read(), Mapper(store()), ROOT / "data" / "raw" / PARAMS["task"]
    cells, deal = plan(train)

    def features(number: int) -> np.ndarray:
        ways = (cells[cell] for cell in deal[number])
        return mapper.pooled(corrupted(raw / train.part.images[number], mapper.size, ways))[:, 0]

    found = np.stack(list(on_all_cores(features, range(len(deal)), "corrupted photos")))
    with files.replacing(args.out) as path, path.open("wb") as file:
        np.save(file, found)


if __name__ == "__main__":
    run(main)
