"""The arguments of `sortline export`."""

import argparse

SUMMARY = "convert an exported model for MindSpore Lite, where its converter_lite is on the PATH"
EPILOG = """examples:
  sortline export --ms
  sortline export --ms --task garbage --out lite

`dvc repro export@TASK` makes the model itself."""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--ms", action="store_true", required=True, help="to MindSpore Lite's format: model.ms")
    model = command.add_mutually_exclusive_group()
    model.add_argument("--task", help="convert the model of this task (default: the first task that has one)")
    model.add_argument("--model", metavar="FOLDER", help="convert the model in this folder (model.mindir)")
    command.add_argument("--out", metavar="FOLDER", help="where to (default: models/TASK/lite)")
