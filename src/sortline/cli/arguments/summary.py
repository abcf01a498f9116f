"""The arguments of `sortline summary`."""

import argparse

SUMMARY = "show a task's accuracy, worst confusions, and where model and pictures are"
EPILOG = """examples:
  sortline summary
  sortline summary --task sample"""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--task", help="a task that params.yaml lists (default: the first that was measured)")
