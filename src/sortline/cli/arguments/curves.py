"""The arguments of `sortline curves`."""

import argparse

from sortline.cli.arguments import classes, share

SUMMARY = "draw loss and time per epoch out of the logs of MindSpore's LossMonitor and TimeMonitor"
EPILOG = """examples:
  sortline curves train.log
  sortline curves train.log --smoothing 0.1 --classes 26 --out curves.png --csv curves.csv
  sortline curves first.log second.log --task garbage

exit code: 0 drawn, 1 some logs had nothing in them, 2 none had anything"""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("logs", nargs="+", metavar="LOGFILE", help="text in UTF-8, GBK or UTF-16")
    command.add_argument("--out", metavar="FILE.png", help="the picture (default: LOGFILE-curves.png in this folder)")
    command.add_argument("--csv", metavar="FILE", help="also write the numbers, a row an epoch")
    command.add_argument("--smoothing", type=share, metavar="X", help="the run's label smoothing: draws its floor")
    command.add_argument("--classes", type=classes, metavar="N", help="number of classes, with --smoothing")
    command.add_argument("--task", help="take smoothing, classes and number of photos from this task")
