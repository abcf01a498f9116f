"""Fixtures of several files: modes of MindSpore, a project for the commands, a web server and sources to fetch from."""

import http.server
import socket
import threading
from functools import partial
from unittest import mock

import numpy as np
import pytest
import requests
from command_line import SOURCES
from PIL import Image
from source_files import Fetching
from test_predict import write_export
from threadpoolctl import threadpool_limits

from sortline._core import runtime
from sortline._core.files import write_json

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
PARAMS = "tasks: [garbage, sample]\ngarbage: {}\nsample: {}\n"


@pytest.fixture(autouse=True)
def same_draws(request, monkeypatch):
    """A file's RNG draws the same, whichever tests ran before in this process."""
    if hasattr(request.module, "RNG"):
        monkeypatch.setattr(request.module, "RNG", np.random.default_rng(0))


@pytest.fixture(scope="module")
def graph_mode():
    """And one BLAS thread: matrices are tiny here, and threads that wait for one another slow on a busy machine."""
    runtime.prepare()
    with threadpool_limits(1):
        yield


@pytest.fixture
def pynative_mode():
    """Nothing to compile. Graph mode, the project's own, comes back afterwards."""
    import mindspore  # here, so that sortline comes first and caps the instruction set

    runtime.prepare()
    mindspore.set_context(mode=mindspore.PYNATIVE_MODE)
    yield
    runtime.prepare()


@pytest.fixture
def short(monkeypatch):
    """Every stage of MobileNetV2 one block long."""
    from short_net import SHORT

    from sortline.backbones import mobilenet_v2

    monkeypatch.setattr(mobilenet_v2, "SETTINGS", SHORT)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """A seeded random backbone, narrow and short."""
    from short_net import SHORT

    from sortline import backbones
    from sortline.backbones import mobilenet_v2

    folder = tmp_path_factory.mktemp("weights")
    about = {
        "network": "mobilenet_v2",
        "release": "random",
        "file": None,
        "sha256": None,
        "width": 0.35,
        "address": None,
        "seed": 1,
    }
    write_json(folder / "backbone.json", about)
    with mock.patch.object(mobilenet_v2, "SETTINGS", SHORT):
        return backbones.load(folder)


@pytest.fixture(scope="module")
def exported(tiny):
    """ONNX Runtime at a size, opened once each."""
    from sortline.features import engines

    opened = {}

    def engine(size: int):
        if size not in opened:
            runtime.prepare()
            opened[size] = engines.onnxruntime_engine(engines.to_onnx(tiny, size))
        return opened[size]

    return engine


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project folder with a Chinese name, a model for the task `sample`, and photos; the current folder."""
    root = tmp_path / "垃圾 分类"
    write_export(root / "models/sample/export")
    (root / "params.yaml").write_text(PARAMS, encoding="utf-8")
    photos = root / "照片"
    (photos / "inner/.hidden").mkdir(parents=True)
    for name, path in {"red": "red.png", "green": "inner/绿.jpg", "blue": "inner/blue.PNG"}.items():
        Image.new("RGB", (8, 6), COLOURS[name]).save(photos / path)
    Image.new("RGB", (8, 6)).save(photos / "inner/.hidden/x.png")
    (photos / "notes.txt").write_text("no photo", encoding="utf-8")
    (photos / ".DS_Store").write_bytes(b"")
    monkeypatch.chdir(root)
    return root


@pytest.fixture
def sources(project, monkeypatch):
    """params.yaml with sources; a network that refuses every address; an empty data folder in SORTLINE_DATA."""

    def refuse(url, **_):
        raise requests.ConnectTimeout

    (project / "params.yaml").write_text(SOURCES, encoding="utf-8")
    monkeypatch.setattr(requests, "get", refuse)
    (project / "data folder").mkdir()
    monkeypatch.setenv("SORTLINE_DATA", "data folder")
    return project / "data folder"


@pytest.fixture
def web(tmp_path, monkeypatch):
    """A folder served at 127.0.0.1: `web.url(name)`, `web.folder`."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    folder = tmp_path / "web"
    folder.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
        server.handle_error = lambda *_: None  # a client that hangs up early is what some tests are about
        server.folder = folder
        server.url = lambda name: f"http://127.0.0.1:{server.server_port}/{name}"
        yield server
        server.shutdown()


@pytest.fixture
def refused(monkeypatch):
    """An address at which nobody listens."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/photos.zip"


@pytest.fixture
def fetching(tmp_path):
    return Fetching(tmp_path)
