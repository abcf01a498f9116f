"""The files of the web app over HTTP, as a WSGI app: with the headers that it needs, and nothing outside its folder."""

from collections.abc import Callable, Iterable
from email.utils import formatdate, parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Any

from sortline.server.hosts import Hosts

# Ours, not the system's: Windows may call .js plain text, and browsers then refuse it.
TEXTS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript"}
TEXTS |= {".json": "application/json", ".webmanifest": "application/manifest+json"}
TYPES = {suffix: f"{kind}; charset=utf-8" for suffix, kind in TEXTS.items()}
TYPES |= {".wasm": "application/wasm", ".png": "image/png"}
HEADERS = {
    # Ask again each time; what did not change is not sent again.
    "Cache-Control": "no-cache",
    # No other host, whatever the page or a file in it might ask for.
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; img-src 'self' blob: data:; object-src 'none'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    # A page of its own, cut off from others: only then may WebAssembly use threads.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class AppFiles:
    """Answers GET and HEAD for the regular files in `folder`, to requests for one of `hosts`."""

    def __init__(self, folder: Path, hosts: Hosts):
        self.folder, self.hosts = folder.resolve(), hosts

    def __call__(self, request: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        def answer(status: HTTPStatus, headers: dict[str, str], body: Iterable[bytes] = ()) -> Iterable[bytes]:
            start(f"{status.value} {status.phrase}", [*{**HEADERS, **headers}.items()])
            return body

        if not self.hosts.are_ours(request.get("HTTP_HOST", "")):
            return answer(HTTPStatus.FORBIDDEN, {"Content-Length": "0"})
        if request["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return answer(HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": "GET, HEAD", "Content-Length": "0"})
        path = self.find(request["PATH_INFO"])
        if path is None:
            return answer(HTTPStatus.NOT_FOUND, {"Content-Length": "0"})
        about = path.stat()
        dated = {"Last-Modified": formatdate(about.st_mtime, usegmt=True)}
        if _has(request.get("HTTP_IF_MODIFIED_SINCE"), int(about.st_mtime)):
            return answer(HTTPStatus.NOT_MODIFIED, dated)
        kind = {"Content-Type": TYPES.get(path.suffix, "application/octet-stream")}
        headers = {**dated, **kind, "Content-Length": str(about.st_size)}
        if request["REQUEST_METHOD"] == "HEAD":
            return answer(HTTPStatus.OK, headers)
        return answer(HTTPStatus.OK, headers, request["wsgi.file_wrapper"](path.open("rb"), 1 << 16))

    def find(self, text: str) -> Path | None:
        """Return the file of a request's path; None for folders, pipes, links that lead outside and what is no path."""
        try:
            inside = PurePosixPath(text.encode("latin-1").decode("utf-8").lstrip("/") or "index.html")
            path = (self.folder / inside).resolve()
            return path if path.is_relative_to(self.folder) and path.is_file() else None
        except (ValueError, OSError):
            return None


def _has(since: str | None, changed: int) -> bool:
    """Whether a browser that was given the file at the time `since` has it as it is."""
    try:
        return since is not None and parsedate_to_datetime(since).timestamp() >= changed
    except (ValueError, OverflowError):
        return False
