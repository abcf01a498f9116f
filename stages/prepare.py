"""Stage prepare: audit the raw photos, split them, plan their views.

Reads the photos, the JSON file about them, the class tables and a person's corrections; params: `<task>.prepare`.
Writes into --out images.csv, views.json, split.csv, classes.json, audit.json; data.json; a chart and contact sheets.
What is found in each photo lies in build/kept/ too, for a run after a kill, with more photos, or dealt otherwise.
"""

import argparse
from pathlib import Path

from sortline._core import files, unfinished
from sortline._core.errors import run
from sortline.config.base import load
from sortline.config.prepare import PrepareParams
from sortline.data.preparation import prepare
from sortline.report import preparation


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="prepare", description=__doc__.splitlines()[0])
    parser.add_argument("task")
    for option in ("--raw", "--source", "--tables", "--out", "--metrics", "--plots"):
        parser.add_argument(option, type=Path, required=True)
    parser.add_argument("--corrections", type=Path)
    args = parser.parse_args(argv)
    params = load(args.task, "prepare", PrepareParams)
    source = files.read_json(args.source)

    cache = unfinished.FOLDER / args.task / "prepare"
    prepared = prepare(args.raw, args.tables, params, source.get("left_out", []), args.corrections, cache)
    prepared.write(args.out)
    note = {"note": source["note"]} if source["note"] else {}
    files.write_metrics(args.metrics, prepared.metrics | {"source": source["name"]} | note)
    preparation.draw(prepared, args.plots)
    print(f"{args.task}: {prepared.dataset.headline(prepared.metrics)}")
    print("".join(f"{line}\n" for line in preparation.remarks(prepared, args.plots)), end="")


if __name__ == "__main__":
    run(main)
