"""The arguments of `sortline remove`."""

import argparse

SUMMARY = "take a task of your own out of params.yaml and dvc.lock again"
EPILOG = """examples:
  sortline remove cups
  sortline remove cups --files

Your own folder of photos is never touched."""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="a task; not one that is built in")
    command.add_argument("--files", action="store_true", help="also delete what the line made of it in this project")
