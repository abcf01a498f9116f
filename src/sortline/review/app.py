"""The page of `sortline review` over HTTP, as a WSGI app: for this machine's browser alone, behind a random address."""

import io
import json
import secrets
from collections.abc import Callable, Iterable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from PIL import Image

from sortline._core.errors import UserError
from sortline.data.corrected import added
from sortline.data.corrections import DROP, MAX_WHY, UNDONE, UNSURE, Decision
from sortline.data.datasets import open_picture
from sortline.data.images import BadImage, frame
from sortline.report.overlay import overlay
from sortline.review.journal import Taken
from sortline.review.work import Work

HERE = Path(__file__).parent
FILES = {"": "page.html", "page.html": "page.html", "page.css": "page.css"}
FILES |= {name: name for name in ("page.js", "choose.js", "elements.js", "keys.js", "server.js")}
TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
SIDE, MAX_BODY, MAX_NAME = 720, 2**14, 80  # pixels of a photo on the page; bytes of a request; characters of a class
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
Answer = tuple[HTTPStatus, str, bytes]


class Refused(Exception):
    """A request that is not answered: its status, and a line why."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


class ReviewApp:
    """Answers to who knows the token in its path, and asks for 127.0.0.1 or localhost by `port`."""

    def __init__(self, work: Work, port: int, token: str | None = None) -> None:
        self.work, self.token = work, token or secrets.token_urlsafe(16)
        self.hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}
        self.routes: dict[tuple[str, str], Callable[..., Any]] = {
            ("GET", "state"): self.work.state,
            ("GET", "decisions"): self.work.decisions,
            ("GET", "photo"): self.work.photo,
            ("GET", "rerun"): self.work.progress,
            ("POST", "rerun"): self.work.rerun,
        }

    @property
    def path(self) -> str:
        return f"/{self.token}/"

    def __call__(self, request: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        try:
            status, kind, body = self._answer(request)
        except Refused as error:
            status, kind, body = error.status, "application/json", _json({"error": str(error)})
        except UserError as error:
            status, kind, body = HTTPStatus.INTERNAL_SERVER_ERROR, "application/json", _json({"error": str(error)})
        headers = HEADERS | {"Content-Type": kind, "Content-Length": str(len(body))}
        start(f"{status.value} {status.phrase}", [*headers.items()])
        return [] if request["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, request: dict[str, Any]) -> Answer:
        method, parts = request["REQUEST_METHOD"], request["PATH_INFO"].split("/")
        self._check(request, parts)
        what, rest = (parts[2:3] or [""])[0], parts[3:]
        if method in ("GET", "HEAD") and what in FILES and not rest:
            path = HERE / FILES[what]
            return HTTPStatus.OK, f"{TYPES[path.suffix]}; charset=utf-8", path.read_bytes()
        if method == "GET" and what in ("image", "map"):
            return HTTPStatus.OK, "image/jpeg", self._picture(what, *self._numbers(rest, 1 if what == "image" else 2))
        if method == "POST" and what == "decide":
            return self._decide(_body(request))
        if (method, what) not in self.routes:
            raise Refused(HTTPStatus.NOT_FOUND, "no such page")
        arguments = self._numbers(rest, 1) if what == "photo" else []
        return HTTPStatus.OK, "application/json", _json(self.routes[method, what](*arguments))

    def _check(self, request: dict[str, Any], parts: list[str]) -> None:
        """Raise `Refused` for who came by another name, from another site's page, or without the token."""
        host = request.get("HTTP_HOST", "")
        site, origin = request.get("HTTP_SEC_FETCH_SITE", "none"), request.get("HTTP_ORIGIN")
        foreign = origin is not None and origin != f"http://{host}"
        if host not in self.hosts or foreign or site not in ("none", "same-origin"):
            raise Refused(HTTPStatus.FORBIDDEN, "asked for by another name, or by a page of another site")
        if len(parts) < 3 or not secrets.compare_digest(parts[1].encode(), self.token.encode()):
            raise Refused(HTTPStatus.NOT_FOUND, "no such page")

    def _numbers(self, parts: list[str], count: int) -> list[int]:
        """Return a photo's number, and with `count` 2 a class's."""
        limits = [len(self.work.album.photos), len(self.work.album.names)][:count]
        if len(parts) != count or not all(part.isascii() and part.isdecimal() and len(part) < 9 for part in parts):
            raise Refused(HTTPStatus.NOT_FOUND, "no such photo")
        numbers = [int(part) for part in parts]
        if any(number >= limit for number, limit in zip(numbers, limits, strict=True)):
            raise Refused(HTTPStatus.NOT_FOUND, "no such photo")
        return numbers

    def _picture(self, what: str, number: int, label: int = 0) -> bytes:
        try:
            picture = open_picture(self.work.album.photos[number].file)
            picture.thumbnail((SIDE, SIDE))
            if min(picture.size) < 64:
                picture = picture.resize((picture.width * 4, picture.height * 4), Image.Resampling.NEAREST)
            if what == "map":
                evidence = self.work.album.evidence(number, label)
                if evidence is None:
                    raise Refused(HTTPStatus.NOT_FOUND, "this model does not tell where it looked")
                picture = overlay(frame(picture, self.work.album.model.framed), evidence)
        except (BadImage, FileNotFoundError) as error:
            raise Refused(HTTPStatus.GONE, str(error)) from None
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=88)
        return stream.getvalue()

    def _decide(self, asked: dict[str, Any]) -> Answer:
        (number,) = self._numbers([str(asked.get("photo"))], 1)
        new, seen, why = (asked.get(key, "") for key in ("new", "seen", "why"))
        if not all(isinstance(one, str) for one in (new, seen, why)) or len(new) > MAX_NAME or len(why) > MAX_WHY:
            raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, "no decision: photo, new, seen, why")
        photo, classes, new = self.work.album.photos[number], self.work.album.classes, new.strip()
        if new not in (DROP, UNSURE, UNDONE, *classes.names):
            try:
                added(new, classes.names, classes.bins)
            except UserError as error:
                raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, str(error)) from None
        try:
            self.work.journal.decide(Decision(photo.sha256, photo.name, photo.given, new, why), seen)
        except Taken as taken:
            return HTTPStatus.CONFLICT, "application/json", _json({"now": taken.now})
        return HTTPStatus.OK, "application/json", _json({"now": new})


def _json(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode()


def _body(request: dict[str, Any]) -> dict[str, Any]:
    if request.get("CONTENT_TYPE", "").partition(";")[0] != "application/json":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send JSON")
    length = request.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > MAX_BODY:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"more than {MAX_BODY} bytes")
    try:
        content = json.loads(request["wsgi.input"].read(int(length)))
    except (ValueError, RecursionError):
        raise Refused(HTTPStatus.BAD_REQUEST, "no JSON") from None
    if not isinstance(content, dict):
        raise Refused(HTTPStatus.BAD_REQUEST, "no JSON object")
    return content
