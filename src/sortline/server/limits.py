"""What a request may ask for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Above `body_mb` (2**20 bytes), `photos` a request or `pixels` a photo the answer is 413; above `per_client`
    requests of one address at a time (0: any number) 429; above `waiting` photos of all requests 503.

    `upload_seconds` has the body to arrive (else 408), `seconds` the answer to be there (else 503).
    """

    body_mb: int = 32
    photos: int = 64
    pixels: int = 50_000_000
    per_client: int = 16
    waiting: int = 256
    upload_seconds: float = 60
    seconds: float = 30
