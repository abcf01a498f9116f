"""Downloads, against a server on this machine that cuts, ignores, refuses and changes as told."""

import hashlib
import random
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from sortline._core.errors import UserError
from sortline.data.sources import download as downloading
from sortline.data.sources.download import download, probe

BODY = random.Random(1).randbytes(1_000_000)
CUT = 600_000
MB = 10**6


class Handler(BaseHTTPRequestHandler):
    """Answers as `self.server.plan` says and keeps each request's Range and each answer's status."""

    def do_GET(self):
        plan = self.server.plan
        wanted = self.headers.get("Range")
        start = 0
        if plan.ranges and wanted and self.headers.get("If-Range", plan.etag) == plan.etag:
            start = int(wanted.removeprefix("bytes=").split("-")[0])
        status = plan.statuses.pop(0) if plan.statuses else (206 if wanted and start else 200)
        if status == 206 and start >= len(plan.body):
            status = 416
        plan.seen.append((wanted, status))
        self.send_response(status)
        if plan.etag:
            self.send_header("ETag", plan.etag)
        if status in (206, 416):
            span = f"{start}-{len(plan.body) - 1}" if status == 206 else "*"
            self.send_header("Content-Range", f"bytes {span}/{len(plan.body)}")
        for header in plan.headers.items():
            self.send_header(*header)
        body = plan.body[start:] if status in (200, 206) else b""
        if plan.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: plan.cuts.pop(0)] if plan.cuts else body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.plan = SimpleNamespace(
            body=BODY, etag='"one"', ranges=True, length=True, headers={}, statuses=[], cuts=[], seen=[]
        )
        http.handle_error = lambda *_: None  # clients that hang up early are what some tests are about
        threading.Thread(target=http.serve_forever, args=[0.02], daemon=True).start()
        http.plan.url = f"http://127.0.0.1:{http.server_port}/photos.zip"
        yield http.plan
        http.shutdown()


def get(plan, path, tries=3, **options):
    with patch.multiple(downloading, TRIES=tries, PAUSE=0):
        download(plan.url, path, **{"max_bytes": 2 * MB, "sha256": None} | options)


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_a_plain_download_is_whole_and_leaves_nothing_else(server, tmp_path):
    get(server, tmp_path / "new" / "a.zip", sha256=hashlib.sha256(BODY).hexdigest())
    assert (tmp_path / "new" / "a.zip").read_bytes() == BODY
    assert names(tmp_path / "new") == ["a.zip"]


def test_a_cut_connection_is_resumed_where_it_broke_off(server, tmp_path):
    server.cuts = [CUT]
    get(server, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == BODY
    (_, first), (wanted, second) = server.seen
    assert (first, second) == (200, 206)
    assert 0 < int(wanted.removeprefix("bytes=").rstrip("-")) <= CUT


def test_a_later_run_resumes_too(server, tmp_path):
    server.cuts = [CUT]
    with pytest.raises(UserError, match=r"broke off at .* \(1 tries; the next run goes on from there\)"):
        get(server, tmp_path / "a.zip", tries=1)
    assert names(tmp_path) == ["a.zip.part", "a.zip.part.json"]
    get(server, tmp_path / "a.zip", tries=1)
    assert (tmp_path / "a.zip").read_bytes() == BODY
    assert [status for _, status in server.seen] == [200, 206]
    assert names(tmp_path) == ["a.zip"]


def test_a_part_of_another_address_is_not_built_on(server, tmp_path):
    server.cuts = [CUT]
    with pytest.raises(UserError):
        get(server, tmp_path / "a.zip", tries=1)
    server.url += "?v=2"
    get(server, tmp_path / "a.zip")
    assert [wanted for wanted, _ in server.seen] == [None, None]
    assert (tmp_path / "a.zip").read_bytes() == BODY


def test_a_file_that_changed_meanwhile_is_fetched_anew(server, tmp_path):
    server.cuts = [CUT]
    with pytest.raises(UserError):
        get(server, tmp_path / "a.zip", tries=1)
    server.body, server.etag = BODY[::-1], '"two"'
    get(server, tmp_path / "a.zip", tries=1)
    assert (tmp_path / "a.zip").read_bytes() == BODY[::-1]


@pytest.mark.parametrize("change", [{"ranges": False}, {"etag": 'W/"weak"'}, {"etag": ""}])
def test_a_server_that_cannot_resume_starts_over(server, tmp_path, change):
    vars(server).update(change, cuts=[CUT])
    get(server, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == BODY
    assert [status for _, status in server.seen] == [200, 200]


def test_a_part_that_was_already_whole_is_taken(server, tmp_path):
    server.cuts = [CUT]
    with pytest.raises(UserError):
        get(server, tmp_path / "a.zip", tries=1)
    (tmp_path / "a.zip.part").write_bytes(BODY)
    get(server, tmp_path / "a.zip", tries=1, sha256=hashlib.sha256(BODY).hexdigest())
    assert (tmp_path / "a.zip").read_bytes() == BODY
    assert server.seen[-1] == (f"bytes={len(BODY)}-", 416)


def test_a_206_that_starts_elsewhere_is_not_appended(server, tmp_path):
    server.cuts = [CUT]
    with pytest.raises(UserError):
        get(server, tmp_path / "a.zip", tries=1)
    server.headers, server.statuses, server.ranges = {"Content-Range": "bytes 0-9/10"}, [206], False
    with pytest.raises(UserError, match="would not resume"):
        get(server, tmp_path / "a.zip", tries=1)
    server.headers = {}
    get(server, tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_bytes() == BODY


def test_a_finished_download_is_not_fetched_again(server, tmp_path):
    (tmp_path / "a.zip").write_bytes(b"whole")
    get(server, tmp_path / "a.zip", sha256=hashlib.sha256(b"whole").hexdigest())
    assert server.seen == []
    get(server, tmp_path / "a.zip", sha256=hashlib.sha256(BODY).hexdigest())
    assert (tmp_path / "a.zip").read_bytes() == BODY


def test_a_wrong_checksum_keeps_the_old_file_and_drops_the_new(server, tmp_path):
    (tmp_path / "a.zip").write_bytes(b"old")
    with pytest.raises(UserError, match=f"wrong checksum: sha256 is {hashlib.sha256(BODY).hexdigest()}"):
        get(server, tmp_path / "a.zip", sha256="0" * 64)
    assert names(tmp_path) == ["a.zip"]
    assert (tmp_path / "a.zip").read_bytes() == b"old"


@pytest.mark.parametrize("length", [True, False])
def test_too_large_is_refused_from_the_header_or_while_streaming(server, tmp_path, length):
    server.length = length
    with pytest.raises(UserError, match="more than max_mb allows"):
        get(server, tmp_path / "a.zip", max_bytes=len(BODY) - 1)
    assert names(tmp_path) == []
    get(server, tmp_path / "a.zip", max_bytes=len(BODY))
    assert (tmp_path / "a.zip").read_bytes() == BODY


def test_bytes_are_saved_as_sent(server, tmp_path):
    server.headers = {"Content-Encoding": "gzip"}
    get(server, tmp_path / "a.tar.gz")
    assert (tmp_path / "a.tar.gz").read_bytes() == BODY


def test_a_busy_server_is_asked_again_a_missing_file_is_not(server, tmp_path):
    server.statuses = [503, 429]
    get(server, tmp_path / "a.zip")
    assert [status for _, status in server.seen] == [503, 429, 200]
    server.statuses = [404]
    with pytest.raises(UserError, match="photos.zip: the server answered 404 Not Found$"):
        get(server, tmp_path / "b.zip")
    assert len(server.seen) == 4


def test_three_cuts_are_enough(server, tmp_path):
    server.cuts = [0, 0, 0, 0]
    with pytest.raises(UserError, match="broke off .*3 tries"):
        get(server, tmp_path / "a.zip")
    assert len(server.seen) == 3


def test_a_login_page_is_not_the_file(server, tmp_path):
    server.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(UserError, match="web page"):
        get(server, tmp_path / "a.zip")


def test_a_refused_connection_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/a.zip"
    with pytest.raises(UserError, match=r"a\.zip: could not connect \(.*refused"):
        download(url, tmp_path / "a.zip", max_bytes=MB)
    with pytest.raises(UserError, match="could not connect"):
        probe(url)
    assert names(tmp_path) == []


def test_a_silent_server_is_given_up(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloading, "PROBE_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(UserError, match=r"no answer in 0\.3 s"):
        probe(f"http://127.0.0.1:{silent.getsockname()[1]}/a.zip")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux drops connections to a full queue")
def test_a_host_that_does_not_connect_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(downloading, "CONNECT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, socket.socket() as other:
        other.connect(full.getsockname())
        with pytest.raises(UserError, match=r"could not connect in 0\.2 s"):
            download(f"http://127.0.0.1:{full.getsockname()[1]}/a.zip", tmp_path / "a.zip", max_bytes=MB)


def test_probe_asks_for_one_byte(server):
    probe(server.url)
    assert server.seen[0][0] == "bytes=0-0"
    server.statuses = [403]
    with pytest.raises(UserError, match="403"):
        probe(server.url)
