"""The arguments of `sortline serve`."""

import argparse

SUMMARY = "serve the web app that `make web` built, on this machine"
EPILOG = """examples:
  sortline serve
  sortline serve --port 9000"""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--folder", default="web/dist", help="the built app (default web/dist)")
    command.add_argument("--host", default="localhost", help="the address to listen on (default localhost)")
    command.add_argument("--port", type=int, default=8000, metavar="N", help="0 takes a free one (default 8000)")
