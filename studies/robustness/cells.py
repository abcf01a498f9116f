"""cells: the features of every train photo, corrupted in a few ways. Usage: cells.py --out FILE

Written: float32 (n, each, C), mean-pooled; which ways, `common.plan` says.
"""

import argparse
from pathlib import Path

import numpy as np
from common import PARAMS, ROOT, plan, read, store

from sortline._core import files
from sortline._core.cores import on_all_cores
from sortline._core.errors import run
from sortline.data.datasets import open_picture
from sortline.data.images import resize
from sortline.evaluation.corruptions import KINDS
from sortline.features.mapper import Mapper


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    train, mapper, raw = read(), Mapper(store()), ROOT / "data" / "raw" / PARAMS["task"]
    cells, deal = plan(train)

    def features(number: int) -> np.ndarray:
        picture = resize(open_picture(raw / train.part.images[number]), mapper.size)
        ways = (cells[cell] for cell in deal[number])
        return mapper.pooled(np.stack([KINDS[name].corrupt(picture, severity) for name, severity in ways]))[:, 0]

    found = np.stack(list(on_all_cores(features, range(len(deal)), "corrupted photos")))
    with files.replacing(args.out) as path, path.open("wb") as file:
        np.save(file, found)


if __name__ == "__main__":
    run(main)
