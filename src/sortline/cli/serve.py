"""`sortline serve`: the built web app on this machine, with the headers that it needs."""

import argparse
import errno
import os
import socket
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sortline._core.errors import UserError
from sortline.cli._shared.numbers import whole

SUMMARY = "serve the web app that `make web` built, on this machine"
EPILOG = """examples:
  sortline serve
  sortline serve --port 9000"""

# Ours, not the system's: Windows may call .js plain text, and browsers then refuse it.
TEXTS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript"}
TEXTS |= {".json": "application/json", ".webmanifest": "application/manifest+json"}
TYPES = {suffix: f"{kind}; charset=utf-8" for suffix, kind in TEXTS.items()}
TYPES |= {".wasm": "application/wasm", ".png": "image/png", ".onnx": "application/octet-stream"}
HEADERS = {
    # Ask again each time; what did not change is not sent again.
    "Cache-Control": "no-cache",
    # No other host, whatever the page or a file in it might ask for.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--folder", default="web/dist", help="the built app (default web/dist)")
    command.add_argument("--host", default="localhost", help="the address to listen on (default localhost)")
    command.add_argument(
        "--port", type=whole(0, 65535), default=8000, metavar="N", help="0 takes a free one (default 8000)"
    )


class Handler(SimpleHTTPRequestHandler):
    """Serves files of one folder; no listings."""

    extensions_map = TYPES
    protocol_version = "HTTP/1.1"

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def list_directory(self, path: str | os.PathLike[str]) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a line a file is noise."""


class Server(ThreadingHTTPServer):
    """Says nothing of a client that went away in the middle of a file: browsers do that at every reload."""

    def handle_error(self, request: Any, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def main(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C; return 0."""
    server = start(Path(options.folder), options.host, options.port)
    print(f"{options.folder} at http://{options.host}:{server.server_port}/    Ctrl-C stops", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()
    finally:
        server.server_close()
    return 0


def start(folder: Path, host: str, port: int) -> Server:
    """Return a listening server of the app in `folder`; port 0 takes a free one. Raises `UserError`."""
    if not (folder / "index.html").is_file():
        raise UserError(f"{folder.as_posix()}: no app there; build it: make web (or: node web/build.mjs MODEL_FOLDER)")
    try:
        return Server((host, port), partial(Handler, directory=str(folder)))
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        if isinstance(error, (socket.gaierror, UnicodeError)) or error.errno == errno.EADDRNOTAVAIL:
            advice = "name an address of this machine: --host localhost, or --host 0.0.0.0 for all it has"
        else:
            advice = "choose another port: --port 0 takes a free one"
        raise UserError(f"{host}:{port} cannot be used ({why}); {advice}") from None
