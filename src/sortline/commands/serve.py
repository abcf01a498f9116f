"""`sortline serve`: the built web app on this machine, with the headers that it needs."""

import argparse
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sortline.errors import UserError

# Ours, not the system's: Windows may call .js plain text, and browsers then refuse it.
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json; charset=utf-8",
    ".webmanifest": "application/manifest+json; charset=utf-8",
    ".wasm": "application/wasm",
    ".png": "image/png",
    ".onnx": "application/octet-stream",
}
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


class Handler(SimpleHTTPRequestHandler):
    """Serves files of one folder; no listings."""

    extensions_map = TYPES
    protocol_version = "HTTP/1.1"

    def end_headers(self) -> None:
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def list_directory(self, path: str) -> None:
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a line a file is noise."""


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


def start(folder: Path, host: str, port: int) -> ThreadingHTTPServer:
    """Return a listening server of the app in `folder`; port 0 takes a free one. Raises `UserError`."""
    if not (folder / "index.html").is_file():
        raise UserError(f"{folder.as_posix()}: no app there; build it: make web (or: node web/build.mjs MODEL_FOLDER)")
    try:
        return ThreadingHTTPServer((host, port), partial(Handler, directory=str(folder)))
    except OSError as error:
        raise UserError(f"{host}:{port} cannot be used ({error.strerror}); choose another: --port 8001") from None
