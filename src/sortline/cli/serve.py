"""`sortline serve`: the built web app on this machine, with the headers that it needs."""

import argparse
import errno
import logging
import os
import socket
from pathlib import Path
from typing import Any

import waitress

from sortline._core import signals
from sortline._core.errors import UserError
from sortline.cli._shared.app_files import AppFiles
from sortline.cli._shared.numbers import whole

SUMMARY = "serve the web app that `make web` built, on this machine"
EPILOG = """examples:
  sortline serve
  sortline serve --port 9000"""

# A browser opens 6 connections. One that says nothing for PATIENCE seconds is closed, so that none can use them up.
CONNECTIONS, THREADS, PATIENCE = 100, 4, 20


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--folder", default="web/dist", help="the built app (default web/dist)")
    command.add_argument("--host", default="localhost", help="the address to listen on (default localhost)")
    command.add_argument(
        "--port", type=whole(0, 65535), default=8000, metavar="N", help="0 takes a free one (default 8000)"
    )


def main(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C; return 0."""
    server = start(Path(options.folder), options.host, options.port)
    print(f"{options.folder} at http://{options.host}:{server.effective_port}/    Ctrl-C stops", flush=True)
    server.run()  # ends on Ctrl-C and on SIGTERM alike
    server.close()
    if signals.exit_code() != 130:
        raise signals.Terminated
    print()
    return 0


def start(folder: Path, host: str, port: int, patience: int = PATIENCE) -> Any:
    """Return waitress's server of the app in `folder`, listening; port 0 takes a free one. Raises `UserError`."""
    if not (folder / "index.html").is_file():
        raise UserError(f"{folder.as_posix()}: no app there; build it: make web (or: node web/build.mjs MODEL_FOLDER)")
    listening = socket.socket()
    if os.name == "posix":  # elsewhere it would let a second server take the port too
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, UnicodeError) as error:
        listening.close()
        why = getattr(error, "strerror", None) or error
        if isinstance(error, (socket.gaierror, UnicodeError)) or error.errno == errno.EADDRNOTAVAIL:
            advice = "name an address of this machine: --host localhost, or --host 0.0.0.0 for all it has"
        else:
            advice = "choose another port: --port 0 takes a free one"
        raise UserError(f"{host}:{port} cannot be used ({why}); {advice}") from None
    logging.getLogger("waitress").setLevel(logging.ERROR)  # a client that went away is no news
    return waitress.create_server(
        AppFiles(folder, host), sockets=[listening], threads=THREADS, connection_limit=CONNECTIONS,
        channel_timeout=patience, cleanup_interval=max(1, patience // 4), ident=None,
    )  # fmt: skip
