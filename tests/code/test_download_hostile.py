"""Servers that never end, that answer what no server should, and addresses with a password: one line, in time."""

import contextlib
import socket
import threading
import time
from unittest.mock import patch

import pytest

from sortline._core.errors import UserError
from sortline.backbones.weights import WeightsOrigin
from sortline.data.sources import download as downloading
from sortline.data.sources.base import first_that_works, reachable
from sortline.data.sources.download import download, probe, public

OK = b"HTTP/1.1 200 OK\r\n"


@contextlib.contextmanager
def answering(*parts, pause=0.0, again=False):
    """A server that sends `parts` to whoever connects, one after the other, the last one for ever with `again`; its
    address."""
    stop = threading.Event()

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            while again and not stop.is_set():
                connection.sendall(parts[-1])
                time.sleep(pause)

    def listen():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=[listener.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=listen, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/photos.zip"
        stop.set()
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    with patch.multiple(downloading, GRACE_SECONDS=0.3, ANSWER_SECONDS=0.5, TRIES=1):
        yield


def refusal(url, tmp_path):
    with pytest.raises(UserError) as caught:
        download(url, tmp_path / "a.zip", max_bytes=10**6)
    assert not (tmp_path / "a.zip").exists() and "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("framing", [b"Content-Length: 1000\r\n\r\n", b"\r\n", b"Transfer-Encoding: chunked\r\n\r\n"])
def test_a_server_that_sends_a_byte_now_and_then_is_given_up(tmp_path, framing):
    body = b"1\r\nx\r\n" if b"chunked" in framing else b"x"
    with answering(OK + framing, body, pause=0.05, again=True) as url:
        assert "too slow to wait for" in refusal(url, tmp_path)


def test_headers_that_come_a_byte_now_and_then_are_given_up(tmp_path):
    with answering(OK, b"X", pause=0.05, again=True) as url:
        assert "no whole answer" in refusal(url, tmp_path)


def test_a_slow_server_that_gets_on_is_waited_for(tmp_path):
    body = b"x" * 1000
    with answering(OK + b"Content-Length: 5000\r\n\r\n", *[body] * 5, pause=0.1) as url:
        download(url, tmp_path / "a.zip", max_bytes=10**6)
    assert (tmp_path / "a.zip").read_bytes() == body * 5


def test_an_answer_in_chunks_is_read_whole_or_refused(tmp_path):
    head = OK + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunks = b"5\r\nphoto\r\n", b"1;x=y\r\ns\r\n", b"0\r\n\r\n"
    with answering(head, *chunks, pause=0.02) as url:
        download(url, tmp_path / "a.zip", max_bytes=10**6)
    assert (tmp_path / "a.zip").read_bytes() == b"photos"
    (tmp_path / "a.zip").unlink()
    for cut in (chunks[:2], (b"5\r\npho",), ()):
        with answering(head, *cut) as url:
            assert "broke off" in refusal(url, tmp_path)


@pytest.mark.parametrize("length", ["²", "9" * 5000, "-5", "1e3", "", "٣"])
def test_a_length_that_is_none_is_passed_over(tmp_path, length):
    head = OK + b"Content-Length: " + length.encode() + b"\r\nConnection: close\r\n\r\n"
    with answering(head, b"abc") as url:
        download(url, tmp_path / "a.zip", max_bytes=10**6)
    assert (tmp_path / "a.zip").read_bytes() == b"abc"


@pytest.mark.parametrize(
    "to",
    ["http://[", "http://" + "a" * 300 + ".de/", "http://x:99999999/", "http://", "file:///etc/passwd", "/", "//:", ""],
)
def test_a_redirect_to_nowhere_is_one_line(tmp_path, to):
    head = b"HTTP/1.1 302 Found\r\nLocation: " + to.encode() + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    with answering(head) as url:
        line = refusal(url, tmp_path)
        assert url in line and "root:" not in line


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 404 \x1b[2J\x1b]0;owned\x07gone\r\n\r\n",
        b"HTTP/1.1 ABC\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        OK + b"X: y\r\n" * 200 + b"\r\n",
        OK + b"Y" * 10**5,
        OK + b"Transfer-Encoding: chunked\r\n\r\nZZZ\r\n",
        OK + b"Content-Length: 100\r\nConnection: close\r\n\r\nabc",
        b"HTTP/1.1 206 Partial\r\nContent-Range: bytes 7-9/3\r\n\r\nabc",
        b"\x00" * 100,
        b"",
    ],
)
def test_what_is_no_answer_is_one_line_without_a_command_for_the_terminal(tmp_path, answer):
    with answering(answer) as url:
        assert refusal(url, tmp_path).isprintable()


def test_names_and_passwords_are_not_public():
    assert public("https://me:secret@x.cn/a.zip?token=secret#part") == "https://x.cn/a.zip?..."
    assert public("https://me:p@ss@x.cn/a.zip") == "https://x.cn/a.zip"
    assert public("https://x.cn/@a/b.zip") == "https://x.cn/@a/b.zip"


def test_no_line_about_an_origin_has_the_password(tmp_path):
    with answering(b"HTTP/1.1 403 No\r\n\r\n") as url:
        origin = WeightsOrigin("download", "own", url.replace("//", "//me:secret@") + "?key=secret", max_mb=1)
        found = [reachable([origin], None)[1]]
        for attempt in (lambda one: probe(one.address), lambda one: one.copy(tmp_path / "a", tmp_path / "d", None)):
            with pytest.raises(UserError) as caught:
                first_that_works("weights", "toy", [origin], attempt)
            found.append(str(caught.value))
    for line in found:
        assert "secret" not in line and "403" in line and line.count("127.0.0.1") == 1
