"""base: which train photos the base gets right, bool .npy (seeds, n). Usage: base.py --out FILE"""

import argparse
import time
from pathlib import Path

import numpy as np
from common import correct, note_time

from sortline._core import files, runtime
from sortline._core.errors import run


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    started = time.perf_counter()
    runtime.prepare(1)
    with files.replacing(args.out) as out, out.open("wb") as file:
        np.save(file, correct({}))
    note_time("base", started)


if __name__ == "__main__":
    run(main)
