"""`sortline serve`: the built web app on this machine, with the headers that it needs."""

import argparse
import contextlib
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
    host = f"[{options.host}]" if ":" in options.host else options.host
    with contextlib.suppress(KeyboardInterrupt):  # waitress ends in order on Ctrl-C and on SIGTERM, once it runs
        print(f"{options.folder} at http://{host}:{server.effective_port}/    Ctrl-C stops", flush=True)
        server.run()
    server.close()
    if signals.exit_code() != 130:
        raise signals.Terminated
    print()
    return 0


def start(folder: Path, host: str, port: int, patience: int = PATIENCE) -> Any:
    """Return waitress's server of the app in `folder`, listening; port 0 takes a free one. Raises `UserError`."""
    if not (folder / "index.html").is_file():
        raise UserError(f"{folder.as_posix()}: no app there; build it: make web (or: node web/build.mjs MODEL_FOLDER)")
    listening = _listening(host, port)
    logging.getLogger("waitress").setLevel(logging.ERROR)  # a client that went away is no news
    return waitress.create_server(
        AppFiles(folder, host), sockets=[listening], threads=THREADS, connection_limit=CONNECTIONS,
        channel_timeout=patience, cleanup_interval=max(1, patience // 4), ident=None,
    )  # fmt: skip


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket at an address of this machine, IPv4 where `host` has both."""
    ours = "name an address of this machine: --host localhost, or --host 0.0.0.0 for all it has"
    if not host:
        raise UserError(f"--host is empty; {ours}")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    except (OSError, UnicodeError) as error:
        raise UserError(f"{host}: no address ({getattr(error, 'strerror', None) or error}); {ours}") from None
    listening = socket.socket(family)
    if os.name == "posix":  # elsewhere it would let a second server take the port too
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
    except OSError as error:
        listening.close()
        taken = "choose another port: --port 0 takes a free one"
        advice = ours if error.errno == errno.EADDRNOTAVAIL else taken
        raise UserError(f"{host}, port {port}, cannot be used ({error.strerror}); {advice}") from None
    return listening
