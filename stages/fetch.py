"""Stage `fetch`: the photos of a task, from the first of its sources that works.

Reads: a folder (SORTLINE_DATA), a public archive, or nothing (drawn shapes, digits); photos that a person has labelled
since (corrections/, data/inbox/).
Writes: `--out` (the photos as they came) and `--source` (what they are: kind, public address, content hash, counts;
hash and count of those that a person has labelled apart).
Params: `<task>.fetch`.
"""

import argparse
from pathlib import Path

from sortline._core.errors import run
from sortline._core.files import read_yaml, replacing, write_json
from sortline._core.text import printable
from sortline.config.base import load
from sortline.config.prepare import PrepareParams
from sortline.config.tasks import check_listed
from sortline.data import corrections
from sortline.data.added import add_labelled, labelled
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
    table = load(options.task, "prepare", PrepareParams).table
    decisions, inbox = Path("corrections") / f"{options.task}.csv", Path("data/inbox") / options.task
    corrections.create(decisions)  # prepare depends on it, and a task may have been written by hand
    new = labelled(decisions, inbox)
    with replacing(options.out) as out:
        about, passed_over = fetch_photos(options.task, params.sources, out, options.downloads, data_folder())
        add_labelled(out, new.photos, decisions, table, Path("tables"))
    if new.about:
        about["added"] = new.about
    write_json(options.source, about)
    for reason in passed_over:
        print(printable(f"passed over: {reason}"))
    for path, what in about.get("left_out", []):
        print(printable(f"left out: {path}: {what}"))
    origin = about["address"] or about["name"]
    print(f"photos for '{options.task}': {about['files']:,} files from {about['kind']} {printable(origin)}")
    if new.photos:
        print(f"with {len(new.photos):,} photos of {inbox.as_posix()} that a person has labelled")
    if new.missing:
        print(f"left out: {len(new.missing):,} photos that a person has labelled; they are not in {inbox.as_posix()}")
    if about["note"]:
        print(f"NOTE: {about['note']}")


if __name__ == "__main__":
    run(main)
