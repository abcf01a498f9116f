"""The arguments of `sortline audit`."""

import argparse

SUMMARY = "look for broken, odd and duplicate photos in a folder of photos"
EPILOG = """examples:
  sortline audit data/raw/garbage
  sortline audit my_photos --json > audit.json

FOLDER holds a folder for each class, or train/ and val/ that do.
exit code: 0 all files could be read, 1 some could not, 2 not such a folder"""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", metavar="FOLDER", help="the folder of photos; nothing in it is changed")
    command.add_argument("--json", action="store_true", help="print the full report as JSON")
