"""A download that shows progress, resumes, keeps to a size, checks the checksum and appears whole or not at all."""

import http.client
import json
import re
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import requests
import urllib3
from tqdm import tqdm

from sortline._core.errors import UserError
from sortline._core.files import sha256_file, write_json

_CHUNK = 1 << 18
CONNECT_SECONDS = 5.0
READ_SECONDS, PROBE_SECONDS = 60.0, 15.0  # between two parts of a file; for the first byte, asked for alone
TRIES, PAUSE = 3, 1.0  # seconds between the first and the second
# On the mean of a transfer, after the first minute: a server that sends a byte now and then would keep us for ever.
MINIMUM_RATE, GRACE_SECONDS = 2000, 60.0  # bytes a second
ANSWER_SECONDS = 120.0  # until all headers are there, redirects and all
_MB = 10**6


class _Cut(Exception):
    """The transfer ended early in a way that another try may mend."""


def download(url: str, path: Path, *, max_bytes: int, sha256: str | None = None) -> None:
    """Download `url` to `path`, which appears only once all of it is there and its sha256 (if given) is correct.

    Bytes gather in `<path>.part`; a transfer that broke off is resumed from there, by Range with If-Range (RFC 9110,
    13.1.5), where the server names a strong validator, else begun again. A refused connection is not tried again. Raise
    `UserError`, its text starting with the address.
    """
    if path.is_file() and (sha256 is None or sha256_file(path) == sha256):
        return
    part = path.with_name(f"{path.name}.part")
    for attempt in range(1, TRIES + 1):
        try:
            _transfer(url, part, max_bytes)
            break
        except _Cut as error:
            if attempt == TRIES:
                again = "; the next run goes on from there" if _resumable(url, part)[1] else ""
                raise UserError(f"{public(url)}: {error} ({TRIES} tries{again})") from None
            time.sleep(PAUSE * attempt)
    if sha256 is not None and (found := sha256_file(part)) != sha256:
        _forget(part)
        raise UserError(f"{public(url)}: wrong checksum: sha256 is {found}, expected {sha256}")
    part.replace(path)
    _forget(part)


def public(url: str) -> str:
    """Return an address as it may be shown and kept: without a name and password, and what a query may hold of them."""
    return re.sub(r"(?<=//)[^/]*@", "", re.sub(r"\?.*", "?...", url))


def probe(url: str) -> None:
    """Ask for the first byte only; raise `UserError` if nothing connects in `CONNECT_SECONDS` or it is refused."""
    with _get(url, {"Range": "bytes=0-0"}, PROBE_SECONDS) as response:
        _refuse(url, response)


def _transfer(url: str, part: Path, max_bytes: int) -> None:
    start, validator = _resumable(url, part)
    headers = {"Range": f"bytes={start}-", "If-Range": validator} if validator else {}
    with _get(url, headers, READ_SECONDS) as response:
        span = response.headers.get("Content-Range", "")
        if response.status_code == 416 and span == f"bytes */{start}":
            return
        goes_on = span.startswith(f"bytes {start}-") and _validator(response) in (None, validator)
        if response.status_code == 416 or (response.status_code == 206 and not goes_on):
            _forget(part)
            raise _Cut("the server would not resume")
        if response.status_code == 429 or response.status_code >= 500:
            raise _Cut(_answer(response))
        _refuse(url, response)
        part.parent.mkdir(parents=True, exist_ok=True)
        if response.status_code != 206:
            start = 0
            _forget(part)
            if validator := _validator(response):
                write_json(_tag(part), {"url": url, "validator": validator})
        _receive(url, response, part, start, max_bytes)


def _receive(url: str, response: requests.Response, part: Path, start: int, max_bytes: int) -> None:
    """Append the body to `part`, which holds `start` bytes; raise `_Cut` if it ends before its stated length."""
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if re.fullmatch(r"[0-9]{1,15}", length) else None
    if total is not None and total > max_bytes:
        _forget(part)
        raise UserError(f"{public(url)}: {total / _MB:,.1f} MB, more than max_mb allows ({max_bytes / _MB:g})")
    have = start
    begun = time.monotonic()
    bar = tqdm(desc=part.stem[-30:], total=total, initial=start, unit="B", unit_scale=True, disable=None)
    with bar, part.open("ab") as stream:
        try:
            # The raw stream: requests would unpack a .tar.gz sent with `Content-Encoding: gzip`.
            while chunk := response.raw.read1(_CHUNK, decode_content=False):
                have += len(chunk)
                if have > max_bytes:
                    break
                if (seconds := time.monotonic() - begun) > GRACE_SECONDS and have - start < MINIMUM_RATE * seconds:
                    raise UserError(f"{public(url)}: {have - start:,} bytes in {seconds:.0f} s, too slow to wait for")
                stream.write(chunk)
                bar.update(len(chunk))
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, ConnectionError, TimeoutError):
            raise _Cut(f"the connection broke off at {have / _MB:,.1f} MB") from None
    if have > max_bytes:
        _forget(part)
        raise UserError(f"{public(url)}: more than max_mb allows ({max_bytes / _MB:g})")
    if total is not None and have < total:
        raise _Cut(f"the connection broke off at {have / _MB:,.1f} of {total / _MB:,.1f} MB")


def _get(url: str, headers: dict[str, str], read_seconds: float) -> requests.Response:
    headers, where = {"Accept-Encoding": "identity", **headers}, public(url)
    ask = partial(requests.get, url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, read_seconds))
    try:
        return _in_time(ask, ANSWER_SECONDS)
    except requests.ConnectTimeout:
        raise UserError(f"{where}: could not connect in {CONNECT_SECONDS:g} s") from None
    except requests.ReadTimeout:
        raise UserError(f"{where}: no answer in {read_seconds:g} s") from None
    except TimeoutError:
        raise UserError(f"{where}: no whole answer in {ANSWER_SECONDS:g} s") from None
    except requests.TooManyRedirects:
        raise UserError(f"{where}: the server sends from one address to the next without end") from None
    # A redirect may lead to what is no address at all.
    except (requests.RequestException, urllib3.exceptions.HTTPError, http.client.HTTPException, ValueError) as error:
        raise UserError(f"{where}: could not connect ({_root_cause(error)})") from None


def _in_time(ask: Callable[[], requests.Response], seconds: float) -> requests.Response:
    """Return `ask()`, or raise TimeoutError: a time-out of the socket begins anew with every byte."""
    found: list[requests.Response | BaseException] = []

    def work() -> None:
        try:
            found.append(ask())
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if not found:
        raise TimeoutError
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


def _root_cause(error: BaseException | None) -> str:
    """Return the system's words for what went wrong ("Connection refused"), found below requests' and urllib3's."""
    words = type(error).__name__
    while error is not None:
        if isinstance(error, OSError) and error.strerror:
            words = error.strerror
        error = error.__cause__ or error.__context__
    return words


def _answer(response: requests.Response) -> str:
    reason = re.sub(r"[^ -~]", "", str(response.reason or ""))  # what a server sends may be anything
    return f"the server answered {response.status_code} {reason[:60]}".rstrip()


def _refuse(url: str, response: requests.Response) -> None:
    """Raise `UserError` where the server sends something else than the file."""
    if response.status_code not in (200, 206):
        raise UserError(f"{public(url)}: {_answer(response)}")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise UserError(f"{public(url)}: the server sent a web page instead of the file (a login page?)")


def _validator(response: requests.Response) -> str | None:
    etag = response.headers.get("ETag")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")


def _resumable(url: str, part: Path) -> tuple[int, str | None]:
    """Return the bytes there and the validator they came with; (0, None) where they cannot be built on."""
    try:
        size, tag = part.stat().st_size, json.loads(_tag(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0, None
    return (size, tag["validator"]) if size and tag["url"] == url else (0, None)


def _tag(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _tag(part).unlink(missing_ok=True)
