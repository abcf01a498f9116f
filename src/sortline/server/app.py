"""The HTTP API, as an ASGI app: predictions, its description, its health and its figures."""

import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sortline import __version__
from sortline._core.cores import cores
from sortline._core.text import json_text, printable
from sortline.data.images import BadImage, TooLarge, read_rgb
from sortline.export.classifier import Classifier, outcome
from sortline.export.prediction import Prediction
from sortline.server.body import photos
from sortline.server.figures import Figures
from sortline.server.hosts import Hosts
from sortline.server.limits import Limits
from sortline.server.line import Full, Line

HERE = Path(__file__).parent
MAX_TOP = 1000
PATHS = ("/", "/page.js", "/page.css", "/openapi.json", "/health", "/metrics", "/predict")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
Job = tuple[str, BinaryIO, int]  # a photo's name, its content, and how many guesses are wanted


class Api:
    """Answers for one model, which works on one thread a photo."""

    def __init__(self, classifier: Classifier, limits: Limits) -> None:
        self.classifier, self.limits = classifier, limits
        self.line: Line[Job, Prediction | BadImage] = Line(self._predict, limits.waiting, cores())
        self.figures = Figures(lambda: self.line.waiting)
        self.of_client: Counter[str] = Counter()
        self.description = json.loads((HERE / "openapi.json").read_text(encoding="utf-8"))
        self.description["info"]["version"] = __version__

    def _predict(self, job: Job) -> Prediction | BadImage:
        name, content, top = job

        def predict() -> Prediction:
            content.seek(0)
            return self.classifier.predict(read_rgb(content, Path(name), self.limits.pixels, self.classifier.side), top)

        return outcome(predict, Path(name))

    async def predict(self, request: Request) -> Response:
        begin, client = time.perf_counter(), request.client.host if request.client else ""
        if self.limits.per_client and self.of_client[client] >= self.limits.per_client:
            raise HTTPException(429, f"more than {self.limits.per_client} requests at a time", {"Retry-After": "1"})
        self.of_client[client] += 1
        try:
            return await self._answer(request)
        finally:
            self.of_client[client] -= 1
            if not self.of_client[client]:
                del self.of_client[client]
            self.figures.seconds.observe(time.perf_counter() - begin)

    async def _answer(self, request: Request) -> Response:
        top = _top(request)
        async with photos(request, self.limits) as found:
            jobs = [(name, content, top) for name, content in found]
            try:
                outcomes = await self.line.results(jobs, self.limits.seconds)
            except Full:
                raise HTTPException(503, "too many photos are waiting", {"Retry-After": "1"}) from None
            except TimeoutError:
                late = f"not done in {self.limits.seconds:g} s; the server is busy"
                raise HTTPException(503, late, {"Retry-After": "5"}) from None
        rows = [_row(name, one) for (name, _), one in zip(found, outcomes, strict=True)]
        bad = [one for one in outcomes if isinstance(one, BadImage)]
        self.figures.photos.labels("refused").inc(len(bad))
        self.figures.photos.labels("predicted").inc(len(rows) - len(bad))
        if len(bad) < len(rows):
            return _json(rows)
        status = max(413 if isinstance(one, TooLarge) else 422 for one in bad)
        return _json({"error": f"no photo that can be used: {printable(str(bad[0]))}"}, status)

    async def health(self, request: Request) -> Response:
        about = {"task": self.classifier.labels.task, "classes": len(self.classifier.classes)}
        return _json({"status": "ok", **about, "model": self.classifier.path.name, "version": __version__})

    async def metrics(self, request: Request) -> Response:
        return Response(self.figures.text(), headers={"Content-Type": self.figures.content_type})

    async def openapi(self, request: Request) -> Response:
        return _json(self.description)

    @asynccontextmanager
    async def life(self, app: Starlette) -> AsyncIterator[None]:
        yield
        self.line.close()


def build(classifier: Classifier, hosts: Hosts, limits: Limits | None = None) -> Starlette:
    """Return the app of a model that is asked for by one of `hosts`; the model is to work on one thread."""
    api = Api(classifier, limits or Limits())

    def file(name: str) -> Any:
        return lambda request: FileResponse(HERE / name)

    routes = [
        Route("/", file("page.html")),
        Route("/page.js", file("page.js")),
        Route("/page.css", file("page.css")),
        Route("/openapi.json", api.openapi),
        Route("/health", api.health),
        Route("/metrics", api.metrics),
        Route("/predict", api.predict, methods=["POST"]),
    ]
    handlers: dict[Any, Any] = {HTTPException: _error, MemoryError: _no_memory, Exception: _ours}
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=api.life)
    app.add_middleware(Guard, hosts=hosts, figures=api.figures)
    return app


class Guard:
    """Refuses requests that name another machine, or that a page of another one makes; counts and marks answers."""

    def __init__(self, app: ASGIApp, hosts: Hosts, figures: Figures) -> None:
        self.app, self.hosts, self.figures = app, hosts, figures

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
                path = scope["path"] if scope["path"] in PATHS else "other"
                self.figures.requests.labels(path, message["status"]).inc()
            await send(message)

        headers = Headers(scope=scope)
        if not self.hosts.are_ours(headers.get("host", "")):
            answer: ASGIApp = _json({"error": "not a name of this server; start it with --allow-host NAME"}, 403)
        elif headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            answer = _json({"error": "asked for by a page of another site"}, 403)
        else:
            answer = self.app
        await answer(scope, receive, marked)


def _top(request: Request) -> int:
    text = request.query_params.get("top", "5")
    if not (text.isascii() and text.isdecimal() and len(text) < 5 and 1 <= int(text) <= MAX_TOP):
        raise HTTPException(422, f"top: '{text[:40]}' is not a whole number from 1 to {MAX_TOP}")
    return int(text)


def _row(name: str, one: Prediction | BadImage) -> dict[str, Any]:
    return {"photo": name, **({"error": one.what} if isinstance(one, BadImage) else one.as_dict())}


def _json(content: Any, status: int = 200, headers: Any = None) -> Response:
    return Response(json_text(content), status, headers, "application/json")


async def _error(request: Request, error: Any) -> Response:
    return _json({"error": printable(error.detail)}, error.status_code, error.headers)


async def _no_memory(request: Request, error: Exception) -> Response:
    return _json({"error": "not enough memory"}, 503, {"Retry-After": "5"})


async def _ours(request: Request, error: Exception) -> Response:
    return _json({"error": "an error of the server's own; its log has it"}, 500)
