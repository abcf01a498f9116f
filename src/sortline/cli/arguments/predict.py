"""The arguments of `sortline predict`."""

import argparse

from sortline.cli.arguments import count

SUMMARY = "say what is on photos and which bin it goes in"
EPILOG = """examples:
  sortline predict photo.jpg
  sortline predict photos/ --top 1
  sortline predict photos/ --json > predictions.json
  sortline predict photo.jpg --model some/folder/export
  sortline predict photos/ --explain why/

"not sure" stands where the best guess is less probable than the threshold that was chosen out of fold.
A bad file is named on stderr and the rest go on.
exit code: 0 all done, 1 some files failed, 2 nothing could be done"""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("photos", nargs="+", metavar="PHOTO|FOLDER", help="photos, or folders to walk through")
    model = command.add_mutually_exclusive_group()
    model.add_argument("--task", help="use the model of this task (default: the first task that has one)")
    model.add_argument("--model", metavar="FOLDER", help="use the model in this folder (model.onnx, labels.json)")
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON list, for programs")
    form.add_argument("--csv", action="store_true", help="print CSV with a header, for spreadsheets")
    command.add_argument(
        "--explain", metavar="FOLDER", help="also write a picture a photo there: what spoke for the answer, and where"
    )
    command.add_argument("--top", type=count, default=5, metavar="N", help="guesses for each photo (default 5)")
