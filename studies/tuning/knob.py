"""knob: every value of one knob, all else as in `base`, over the seeds. Usage: knob.py NAME --out FILE"""

import argparse
import time
from pathlib import Path

import numpy as np
from common import HERE, PARAMS, correct, note_time, score
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
    values, base = PARAMS[args.knob], np.load(HERE / "base.npy")
    (default,) = [value for value, changes in values.items() if not changes]
    bar = tqdm(values.items(), desc=args.knob, disable=None)
    scores = {value: score(correct(changes) if changes else base, base) for value, changes in bar}
    files.write_metrics(args.out, {"knob": args.knob, "default": default, "values": scores, "order": list(values)})
    note_time(f"knob@{args.knob}", started)


if __name__ == "__main__":
    run(main)
