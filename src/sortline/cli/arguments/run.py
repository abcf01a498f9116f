"""The arguments of `sortline run`."""

import argparse

SUMMARY = "run the whole line for one task, then show its summary ('make run')"
EPILOG = """examples:
  sortline run
  sortline run --task sample

Without --task: garbage where its photos and weights are there or can be downloaded, otherwise the built-in sample."""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--task", help="a task that params.yaml lists")
