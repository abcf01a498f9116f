"""The HTTP API under load: 8 clients, 1,000 photos each, one a request, to `serve --api` on the same machine."""

import http.client
import io
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil

from sortline._core.errors import UserError
from sortline.data.sources.base import data_folder
from sortline.data.sources.toy import SHAPES, picture

CLIENTS, PHOTOS, WARM = 8, 1000, 50
MODEL = "release/garbage"


def run(repeats: int) -> dict[str, Any]:
    """Return photos a second, milliseconds a request, errors, and the server's memory in the course of it, in MB."""
    command = [sys.executable, "-m", "sortline.cli", "serve", "--api", "--model", MODEL, "--port", "0"]
    bodies, source = _bodies()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            address = urlsplit(next(word for word in server.stdout.readline().split() if word.startswith("http")))
            memory = psutil.Process(server.pid).memory_info
            for begun in range(WARM):
                _ask(http.client.HTTPConnection(address.netloc), bodies[begun % len(bodies)])
            seen = [memory().rss]
            took: list[list[float]] = [[] for _ in range(CLIENTS)]
            errors: list[int] = []
            begin = time.perf_counter()
            clients = [
                threading.Thread(target=_client, args=[address.netloc, bodies, number, took[number], errors])
                for number in range(CLIENTS)
            ]
            for one in clients:
                one.start()
            while any(one.is_alive() for one in clients):
                time.sleep(1)
                seen.append(memory().rss)
            seconds = time.perf_counter() - begin
        finally:
            server.terminate()
    each = 1000 * np.concatenate([np.array(one) for one in took])
    if len(each) + len(errors) != CLIENTS * PHOTOS:
        raise UserError(f"{len(each)} answers and {len(errors)} errors to {CLIENTS * PHOTOS} requests")
    quarters = [round(np.mean(part) / 1e6) for part in np.array_split(np.array(seen[1:]), 4)]
    return {
        "model": MODEL, "photos": source, "clients": CLIENTS, "photos_a_client": PHOTOS, "errors": len(errors),
        "photos_per_s": round(len(each) / seconds, 1), "p50_ms": round(float(np.percentile(each, 50)), 1),
        "p99_ms": round(float(np.percentile(each, 99)), 1), "memory_mb_before": round(seen[0] / 1e6),
        "memory_mb_by_quarter": quarters,
    }  # fmt: skip


def _client(place: str, bodies: list[bytes], number: int, took: list[float], errors: list[int]) -> None:
    connection = http.client.HTTPConnection(place, timeout=60)
    for index in range(PHOTOS):
        begin = time.perf_counter()
        try:
            status = _ask(connection, bodies[(number * PHOTOS + index) % len(bodies)])
        except (OSError, http.client.HTTPException):
            connection.close()
            status = 0
        (took if status == 200 else errors).append(time.perf_counter() - begin if status == 200 else status)


def _ask(connection: http.client.HTTPConnection, body: bytes) -> int:
    connection.request("POST", "/predict", body, {"Content-Type": "image/jpeg"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def _bodies() -> tuple[list[bytes], str]:
    """Return JPEG files: the photos of garbage where they are in reach, else drawings."""
    folder = (data_folder() or Path()) / "garbage26/train"
    if found := sorted(folder.glob("*/*.jp*g")):
        return [path.read_bytes() for path in found[:PHOTOS]], "garbage"
    drawn = []
    for number in range(100):
        stream = io.BytesIO()
        picture(list(SHAPES)[number % len(SHAPES)], number, 400, 1).save(stream, "JPEG")
        drawn.append(stream.getvalue())
    return drawn, "drawings"
