"""run: one report, replayed. Usage: run.py NAME --out FILE

Runs that a replay broken off has done lie in build/kept/ until it is done.
"""

import argparse
from pathlib import Path

from sortline._core import files, unfinished
from sortline._core.errors import run
from sortline._core.origin import origin
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
    place = Place(prepared, features, weights, HERE)
    made_of = origin(report.model_dump(mode="json"), [prepared / "split.csv"])
    with unfinished.kept(HERE / unfinished.FOLDER / args.name, made_of) as work:
        files.write_metrics(args.out, replay(report, place, work))


if __name__ == "__main__":
    run(main)
