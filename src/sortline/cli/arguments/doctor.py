"""The arguments of `sortline doctor`."""

import argparse

SUMMARY = "check this machine: versions, processor, data, weights, models, and a short test run"
EPILOG = """examples:
  sortline doctor
  sortline doctor --json

exit code: 0 usable (warnings say what could be better), 1 something must be mended"""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print the checks as a JSON list")
