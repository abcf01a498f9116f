"""uvicorn with an app, patient with silent clients for a while only."""

import asyncio
import logging
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

# As `sortline serve` has them for the app.
CONNECTIONS, PATIENCE = 100, 20
MAX_HEADER = 2**14  # bytes of a request before its body


class Patient(H11Protocol):
    """Closes a connection that for `patience` seconds sends no request: uvicorn itself waits without end for the rest
    of a first line."""

    patience: float = PATIENCE
    _timer: asyncio.TimerHandle | None = None
    _seen: Any = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.patience, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        silent = self.cycle is None or self.cycle.response_complete
        if silent and self.cycle is self._seen:  # as it was `patience` seconds ago
            self.transport.abort()
            return
        self._seen = self.cycle if silent else self
        self._timer = self.loop.call_later(self.patience, self._look)


def server(app: Any, patience: float = PATIENCE) -> uvicorn.Server:
    """Return a server that `run(sockets=[...])` starts; it ends on Ctrl-C and SIGTERM, and then raises them again."""
    protocol = type("Patient", (Patient,), {"patience": patience})
    logging.getLogger("uvicorn").setLevel(
        logging.CRITICAL
    )  # a client that went away, or that sent nonsense, is no news
    return uvicorn.Server(
        uvicorn.Config(
            app, http=protocol, ws="none", loop="asyncio", lifespan="on", limit_concurrency=CONNECTIONS,
            timeout_keep_alive=int(patience), timeout_graceful_shutdown=10, h11_max_incomplete_event_size=MAX_HEADER,
            proxy_headers=False, server_header=False, access_log=False, log_config=None,
        )
    )  # fmt: skip
