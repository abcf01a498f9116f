"""of_blocks: what each way through the last block is worth, against tuning it without more.

Usage: of_blocks.py --answers FOLDER --out FILE --table FILE. As `report.py`, which has the ways that leave the backbone
as it is; p is corrected for the ways here.
"""

import argparse
from pathlib import Path

from common import PARAMS, Train, mapped, plan, read
from report import correct, scored, table

from sortline._core import files
from sortline._core.errors import run


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--answers", "--out", "--table"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    train, blocks = read(), PARAMS["blocks"]
    _, deal = plan(train)
    chosen = mapped(train)
    part, folds, features = train.part.some(chosen), train.folds[chosen], train.features[chosen]
    rows = scored(Train(part, folds, features, train.classes), deal[chosen], blocks, args.answers)
    tried = correct([row for row in rows.values() if "clean_against" in row])
    files.write_metrics(args.out, {"tried": tried, "base": blocks["base"], "ways": rows})
    written = files.read_json(args.out)["ways"]
    files.write_text(args.table, "\n".join(table({name: written[name] for name in blocks["ways"]})) + "\n")


if __name__ == "__main__":
    run(main)
