"""run: one report, replayed. Usage: run.py NAME --out FILE"""

import argparse
from pathlib import Path

from sortline._core import files
from sortline._core.errors import run
from sortline.config.replay import read_report
from sortline.library.replay import Place, replay

HERE = Path(__file__).parent
DATA = HERE.parents[1] / "data"


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    report = read_report(HERE / f"{args.name}.yaml")
    prepared, features, weights = (DATA / what / str(report.task) for what in ("prepared", "features", "weights"))
    files.write_metrics(args.out, replay(report, Place(prepared, features, weights, HERE)))


if __name__ == "__main__":
    run(main)
