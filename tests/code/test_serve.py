"""`sortline serve`: the app's files, with their types and headers, and nothing else."""

import threading
import urllib.error
import urllib.request

import pytest

from sortline.cli import parser
from sortline.commands import serve
from sortline.errors import UserError


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
    with pytest.raises(UserError, match="choose another: --port"):
        serve.start(tmp_path, "localhost", first.server_port)
    first.server_close()


def test_its_arguments():
    options = parser().parse_args(["serve"])
    assert (options.folder, options.host, options.port) == ("web/dist", "localhost", 8000)
