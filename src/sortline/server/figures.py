"""What the server counts, for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Figures:
    """`waiting`: returns how many photos wait or are being worked on."""

    content_type = CONTENT_TYPE_PLAIN_0_0_4

    def __init__(self, waiting: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)  # memory, processor time, open files
        labels = ["path", "status"]
        self.requests = Counter("sortline_requests", "Answers, by path and status", labels, registry=self.registry)
        self.seconds = Histogram(
            "sortline_request_seconds", "Seconds of POST /predict", buckets=SECONDS, registry=self.registry
        )
        self.photos = Counter("sortline_photos", "Photos, by what became of them", ["outcome"], registry=self.registry)
        for outcome in ("predicted", "refused"):
            self.photos.labels(outcome)
        Gauge("sortline_photos_waiting", "Photos in line", registry=self.registry).set_function(waiting)

    def text(self) -> bytes:
        return generate_latest(self.registry)
