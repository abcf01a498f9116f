"""knob: every value of one knob, all else as in `base`, over the seeds. Usage: knob.py NAME --out FILE

FILE, .npz: by value, which train photos it gets right, bool (seeds, n).
"""

import argparse
import time
from pathlib import Path

import numpy as np
from common import HERE, PARAMS, correct, note_time
from tqdm import tqdm

from sortline._core import files, runtime
from sortline._core.errors import run


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("knob")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    started = time.perf_counter()
    runtime.prepare(1)
    base = np.load(HERE / "base.npy")
    bar = tqdm(PARAMS[args.knob].items(), desc=args.knob, disable=None)
    right = {value: correct(changes) if changes else base for value, changes in bar}
    args.out.parent.mkdir(exist_ok=True)
    with files.replacing(args.out) as out, out.open("wb") as file:
        np.savez(file, **right)
    note_time(f"knob@{args.knob}", started)


if __name__ == "__main__":
    run(main)
