"""Stage `weights`: the backbone of a task, from the first of its origins that works.

Reads: a file (SORTLINE_DATA), a public address, or nothing (seeded random weights).
Writes: `--out` (the weights as they came, and `backbone.json`: network, release, sha256, width, public address).
Params: `<task>.weights`.
"""

import argparse
from pathlib import Path

from sortline._core.errors import run
from sortline.backbones import weights
from sortline.config.base import load
from sortline.config.weights import WeightsParams
from sortline.data.sources.base import data_folder


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="weights", description=__doc__.splitlines()[0])
    parser.add_argument("task")
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights and backbone.json")
    parser.add_argument("--downloads", type=Path, required=True, help="folder for downloads under way")
    options = parser.parse_args(argv)

    params = load(options.task, "weights", WeightsParams)
    about, passed_over = weights.fetch(options.task, params, options.out, options.downloads, data_folder())
    for reason in passed_over:
        print(f"passed over: {reason}")
    print(
        f"weights for '{options.task}': {about['network']}, release {about['release']}"
        + (f", width {about['width']:g}" if about["width"] else "")
        + (f", from {about['address']}" if about["address"] else "")
    )


if __name__ == "__main__":
    run(main)
