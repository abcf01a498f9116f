"""`sortline serve`: the app's files, with their types and headers, and nothing else."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
import waitress.wasyncore as wasyncore
from command_line import sortline

from sortline._core.errors import UserError
from sortline.cli import parser, serve


@contextlib.contextmanager
def running(server):
    """Run a server in a thread, and end it there: sockets must not be closed while the thread waits for them."""
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://localhost:{server.effective_port}/"
    server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
    thread.join(30)
    server.task_dispatcher.shutdown()
    assert not thread.is_alive()


@pytest.fixture
def app(tmp_path):
    """A folder that looks like the built app, served; returns its address."""
    folder = tmp_path / "网 页"
    (folder / "ort").mkdir(parents=True)
    for name in ("index.html", "app.js", "ort/a.mjs", "ort/a.wasm", "manifest.webmanifest", "labels.json"):
        (folder / name).write_bytes(b"content")
    (tmp_path / "secret.txt").write_text("secret")
    with running(serve.start(folder, "localhost", 0)) as address:
        yield address


@pytest.fixture
def laptop(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "Laptop.lan")


def test_types_and_headers(app):
    types = {"": "text/html", "app.js": "text/javascript", "ort/a.mjs": "text/javascript",
             "ort/a.wasm": "application/wasm", "manifest.webmanifest": "application/manifest+json",
             "labels.json": "application/json"}  # fmt: skip
    for path, wanted in types.items():
        with urllib.request.urlopen(app + path) as answer:
            assert answer.read() == b"content"
            assert answer.headers.get_content_type() == wanted
            assert answer.headers["Cache-Control"] == "no-cache"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            policy = dict(rule.split(" ", 1) for rule in answer.headers["Content-Security-Policy"].split("; "))
            assert policy["default-src"] == "'self'" and "http" not in str(policy)
            # What browsers ask for before WebAssembly may use threads.
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"


def test_what_did_not_change_is_not_sent_again(app):
    with urllib.request.urlopen(app + "app.js") as answer:
        date = answer.headers["Last-Modified"]
    again = urllib.request.Request(app + "app.js", headers={"If-Modified-Since": date})
    with pytest.raises(urllib.error.HTTPError) as answered:
        urllib.request.urlopen(again)
    assert answered.value.code == 304


@pytest.mark.parametrize(
    "path", ["ort/", "ort", "../secret.txt", "%2e%2e/secret.txt", "/secret.txt", "none.js", "%00", "%ff", "a" * 300]
)
def test_no_listing_and_nothing_outside_the_folder(app, path, capfd):
    with pytest.raises(urllib.error.HTTPError) as answered:
        urllib.request.urlopen(app + path)
    assert answered.value.code == 404
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(os.name != "posix", reason="links and pipes")
def test_links_that_lead_outside_and_pipes_are_not_there(app, tmp_path):
    folder = tmp_path / "网 页"
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "inside.js").symlink_to("app.js")
    os.mkfifo(folder / "pipe.js")
    for name in ("link.txt", "pipe.js"):
        with pytest.raises(urllib.error.HTTPError) as answered:
            urllib.request.urlopen(app + name, timeout=10)
        assert answered.value.code == 404
    assert urllib.request.urlopen(app + "inside.js").read() == b"content"


@pytest.mark.parametrize(
    ("host", "code"),
    [("localhost", 200), ("LOCALHOST:1", 200), ("127.0.0.1", 200), ("[::1]:80", 200), ("192.168.1.2:8000", 200),
     ("laptop.local:8000", 200), ("Laptop.Local.", 200), ("laptop", 200), ("laptop.lan", 200),
     ("evil.example", 403), ("localhost.evil.example", 403), ("", 403), ("[", 403), (".", 403),
     ("evil.local", 403), ("evil.laptop.local", 403), ("laptop.local.evil.example", 403), (".local", 403)],
)  # fmt: skip
def test_a_name_that_someone_else_lets_lead_here_is_refused(laptop, app, host, code):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(app).netloc)
    connection.request("GET", "/app.js", headers={"Host": host})
    assert connection.getresponse().status == code


def test_head_has_no_body_and_nothing_can_be_sent(app):
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(app).netloc)
    for method, code, body in (("HEAD", 200, b""), ("POST", 405, b""), ("GET", 200, b"content")):
        connection.request(method, "/app.js")
        answer = connection.getresponse()
        assert (answer.status, answer.read()) == (code, body)


def test_answers_on_a_connection_that_stays_open_do_not_wait_for_one_another(app):
    connection, took = http.client.HTTPConnection(urllib.parse.urlsplit(app).netloc), []
    for _ in range(20):
        begin = time.monotonic()
        connection.request("GET", "/app.js")
        connection.getresponse().read()
        took.append(time.monotonic() - begin)
    assert min(took[1:]) < 0.03  # Nagle's algorithm makes every one wait for 40 ms


def test_requests_that_stay_half_open_hold_no_threads_and_are_closed(tmp_path):
    (tmp_path / "index.html").write_text("page")
    server = serve.start(tmp_path, "localhost", 0, patience=1)
    with running(server) as address, contextlib.ExitStack() as stack:
        before = threading.active_count()
        for _ in range(2 * serve.CONNECTIONS):
            one = stack.enter_context(socket.create_connection(("localhost", server.effective_port)))
            one.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        assert threading.active_count() - before <= serve.THREADS
        with urllib.request.urlopen(address, timeout=60) as answer:
            assert answer.read() == b"page"


def test_mistakes_are_one_line(tmp_path):
    with pytest.raises(UserError, match="no app there; build it: make web"):
        serve.start(tmp_path, "localhost", 0)
    (tmp_path / "index.html").write_text("")
    first = serve.start(tmp_path, "localhost", 0)
    with pytest.raises(UserError, match="choose another port: --port 0 takes a free one"):
        serve.start(tmp_path, "localhost", int(first.effective_port))
    first.close()


@pytest.mark.parametrize("port", ["-1", "65536", "99999"])
def test_a_port_out_of_range_is_one_line(tmp_path, port):
    (tmp_path / "index.html").write_text("")
    code, out, err = sortline("serve", "--folder", str(tmp_path), "--port", port)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert f"--port: '{port}' is not a whole number from 0 to 65535" in err


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "192.0.2.1", "2001:db8::1", "", "[::1]"])
def test_a_wrong_host_gets_advice_about_the_host(tmp_path, host):
    (tmp_path / "index.html").write_text("")
    with pytest.raises(UserError, match="--host localhost") as error:
        serve.start(tmp_path, host, 0)
    assert "port:" not in str(error.value)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
@pytest.mark.parametrize("host", ["::1", "::"])
def test_an_address_of_ipv6_is_served_and_printed_as_browsers_take_it(tmp_path, host, monkeypatch, capsys):
    (tmp_path / "index.html").write_text("page")
    try:
        socket.socket(socket.AF_INET6).bind(("::1", 0))
    except OSError:
        pytest.skip("this machine has no ::1")
    made = serve.start(tmp_path, host, 0)
    monkeypatch.setattr(serve, "start", lambda *_, **__: made)
    with running(made), urllib.request.urlopen(f"http://[::1]:{made.effective_port}/") as answer:
        assert answer.read() == b"page"
    monkeypatch.setattr(made, "run", lambda: None)
    serve.main(parser().parse_args(["serve", "--host", host]))
    assert f"http://[{host}]:{made.effective_port}/" in capsys.readouterr().out


def test_a_client_that_goes_away_in_the_middle_is_no_news(app, tmp_path, capfd):
    (tmp_path / "网 页" / "large.onnx").write_bytes(bytes(50_000_000))
    address = urllib.parse.urlsplit(app)
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(b"GET /large.onnx HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
    with urllib.request.urlopen(app + "app.js") as answer:
        assert answer.read() == b"content"
    assert capfd.readouterr().err == ""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize(("number", "code", "said"), [(signal.SIGINT, 0, ""), (signal.SIGTERM, 143, "stopped")])
def test_ctrl_c_and_sigterm_end_it(tmp_path, number, code, said):
    (tmp_path / "index.html").write_text("")
    command = [sys.executable, "-m", "sortline.cli", "serve", "--folder", str(tmp_path), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert "http://localhost:" in server.stdout.readline()
        server.send_signal(number)
        _, err = server.communicate(timeout=60)
    assert server.returncode == code and said in err and len(err.splitlines()) <= 1


def test_its_arguments():
    options = parser().parse_args(["serve"])
    assert (options.folder, options.host, options.port) == ("web/dist", "localhost", 8000)
