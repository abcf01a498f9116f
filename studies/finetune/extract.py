"""extract: what a cell trains on, in the form of the line's stage extract. Usage: extract.py NAME --out FOLDER"""

import argparse
from pathlib import Path

from common import DATA, PARAMS, noted

from sortline._core.errors import run
from sortline.config.extract import ExtractParams
from sortline.data.prepared import read_photos, read_views
from sortline.features.extraction import extract


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    photos = read_photos(DATA["prepared"] / "images.csv", DATA["raw"])
    with noted(f"extract@{args.name}"):
        views = read_views(DATA["prepared"] / "views.json")
        extract(photos, views, ExtractParams(**PARAMS[args.name]), DATA["weights"], args.out)


if __name__ == "__main__":
    run(main)
