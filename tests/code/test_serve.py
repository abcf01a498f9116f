"""`sortline serve`: the app's files, with their types and headers, and nothing else."""

import socket
import threading
import urllib.error
import urllib.parse
import urllib.request

import pytest
from command_line import sortline

from sortline._core.errors import UserError
from sortline.cli import parser, serve


@pytest.fixture
def app(tmp_path):
    """A folder that looks like the built app, served; returns its address."""
    folder = tmp_path / "网 页"
    (folder / "ort").mkdir(parents=True)
    for name in ("index.html", "app.js", "ort/a.mjs", "ort/a.wasm", "manifest.webmanifest", "labels.json"):
        (folder / name).write_bytes(b"content")
    (tmp_path / "secret.txt").write_text("secret")
    server = serve.start(folder, "localhost", 0)
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    yield f"http://localhost:{server.server_port}/"
    server.shutdown()
    server.server_close()


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


def test_what_did_not_change_is_not_sent_again(app):
    with urllib.request.urlopen(app + "app.js") as answer:
        date = answer.headers["Last-Modified"]
    again = urllib.request.Request(app + "app.js", headers={"If-Modified-Since": date})
    with pytest.raises(urllib.error.HTTPError) as answered:
        urllib.request.urlopen(again)
    assert answered.value.code == 304


@pytest.mark.parametrize("path", ["ort/", "../secret.txt", "%2e%2e/secret.txt", "none.js"])
def test_no_listing_and_nothing_outside_the_folder(app, path):
    with pytest.raises(urllib.error.HTTPError) as answered:
        urllib.request.urlopen(app + path)
    assert answered.value.code == 404


def test_mistakes_are_one_line(tmp_path):
    with pytest.raises(UserError, match="no app there; build it: make web"):
        serve.start(tmp_path, "localhost", 0)
    (tmp_path / "index.html").write_text("")
    first = serve.start(tmp_path, "localhost", 0)
    with pytest.raises(UserError, match="choose another port: --port 0 takes a free one"):
        serve.start(tmp_path, "localhost", first.server_port)
    first.server_close()


@pytest.mark.parametrize("port", ["-1", "65536", "99999"])
def test_a_port_out_of_range_is_one_line(tmp_path, port):
    (tmp_path / "index.html").write_text("")
    code, out, err = sortline("serve", "--folder", str(tmp_path), "--port", port)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert f"--port: '{port}' is not a whole number from 0 to 65535" in err


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "192.0.2.1", "::1"])
def test_a_wrong_host_gets_advice_about_the_host(tmp_path, host):
    (tmp_path / "index.html").write_text("")
    with pytest.raises(UserError, match="--host localhost") as error:
        serve.start(tmp_path, host, 0)
    assert "port:" not in str(error.value)


def test_a_client_that_goes_away_in_the_middle_is_no_news(app, tmp_path, capfd):
    (tmp_path / "网 页" / "large.onnx").write_bytes(bytes(50_000_000))
    address = urllib.parse.urlsplit(app)
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall(b"GET /large.onnx HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200")
        handlers = [one for one in threading.enumerate() if "process_request_thread" in one.name]
        assert handlers
    for one in handlers:
        one.join(10)
        assert not one.is_alive()
    assert capfd.readouterr().err == ""


def test_its_arguments():
    options = parser().parse_args(["serve"])
    assert (options.folder, options.host, options.port) == ("web/dist", "localhost", 8000)
