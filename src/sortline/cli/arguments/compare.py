"""The arguments of `sortline compare`."""

import argparse

SUMMARY = "say whether one set of predictions is better than another, or whether that may be chance"
EPILOG = """examples:
  sortline compare HEAD:garbage garbage
  sortline compare HEAD~1:plots/garbage/evaluate/predictions.csv plots/garbage/evaluate/predictions.csv
  sortline compare run_a/predictions.csv run_b/predictions.csv --json

A and B: predictions.csv as evaluate writes it, a folder with one, a task, or REVISION: and one of these, out of Git
(for a `dvc exp run`, the revision is what `dvc exp list --sha-only` shows). Only photos in both count."""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("a", metavar="A", help="the first predictions")
    command.add_argument("b", metavar="B", help="the second")
    command.add_argument("--json", action="store_true", help="print everything as JSON, all photos that changed sides")
