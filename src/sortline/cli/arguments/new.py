"""The arguments of `sortline new`."""

import argparse

from sortline.cli.arguments import bits

SUMMARY = "make a folder of your own photos a task of the line, by a section in params.yaml"
EPILOG = """examples:
  sortline new cups ~/Pictures/cups
  sortline new parts D:/scans/parts --threshold 30

FOLDER holds a folder for each class, named by it in any script, or train/ and val/ that do. Nothing in it is changed;
dvc repro copies the photos. After they have changed: dvc repro -s -f fetch@NAME
exit code: 0 added, 2 not possible (params.yaml is as it was)"""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="letters, digits, - and _, a letter first")
    command.add_argument("folder", metavar="FOLDER", help="the folder of photos")
    command.add_argument(
        "--threshold", type=bits, metavar="N",
        help="most of 256 bits of the hash in which two nearly alike photos differ (default 76); lower where photos "
        "of different things look alike to it",
    )  # fmt: skip
