"""Stage `fetch`: the photos of a task, from the first of its sources that works.

Reads: a folder (SORTLINE_DATA), a public archive, or nothing (drawn shapes, digits); photos that a person has labelled
since (corrections/, data/inbox/).
Writes: `--out` (the photos as they came) and `--source` (what they are: kind, public address, content hash, counts).
Params: `<task>.fetch`.
"""

import argparse
from pathlib import Path

from sortline._core.errors import run
from sortline._core.files import read_yaml, write_json
from sortline._core.text import printable
from sortline.config.base import load
from sortline.config.prepare import PrepareParams
from sortline.config.tasks import check_listed
from sortline.data import corrections
from sortline.data.added import add_labelled
from sortline.data.sources import FetchParams
from sortline.data.sources.base import data_folder
from sortline.data.sources.fetching import fetch_photos


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="fetch", description=__doc__.splitlines()[0])
    parser.add_argument("task")
    parser.add_argument("--out", type=Path, required=True, help="folder for the photos")
    parser.add_argument("--source", type=Path, required=True, help="JSON file about them")
    parser.add_argument("--downloads", type=Path, required=True, help="folder for downloads under way")
    options = parser.parse_args(argv)

    params = load(options.task, "fetch", FetchParams)
    check_listed(options.task, read_yaml(Path("params.yaml")))
    about, passed_over = fetch_photos(options.task, params.sources, options.out, options.downloads, data_folder())
    table = load(options.task, "prepare", PrepareParams).table
    decisions = Path("corrections") / f"{options.task}.csv"
    corrections.create(decisions)  # prepare depends on it, and a task may have been written by hand
    if added := add_labelled(options.out, decisions, Path("data/inbox") / options.task, table, Path("tables")):
        about["added"] = added
    write_json(options.source, about)
    for reason in passed_over:
        print(printable(f"passed over: {reason}"))
    for path, what in about.get("left_out", []):
        print(printable(f"left out: {path}: {what}"))
    origin = about["address"] or about["name"]
    print(f"photos for '{options.task}': {about['files']:,} files from {about['kind']} {printable(origin)}")
    if about["note"]:
        print(f"NOTE: {about['note']}")


if __name__ == "__main__":
    run(main)
