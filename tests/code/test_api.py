"""`sortline serve --api`: the answers of `predict --json`, its limits and their codes, and who may ask."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from api_server import serving
from command_line import sortline
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families
from test_predict import LABELS, write_export

from sortline.data.sources.toy import picture
from sortline.export.classifier import Classifier
from sortline.server.limits import Limits

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "release/garbage"
PNG = {"Content-Type": "image/png"}


def png(colour="red", size=(4, 3)):
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    return Classifier(write_export(tmp_path_factory.mktemp("model") / "export"), threads=1)


@pytest.fixture(scope="module")
def api(colours):
    with serving(colours) as session:
        yield session


class Held(Classifier):
    """Predicts only while it is let go."""

    def __init__(self, folder):
        super().__init__(folder, threads=1)
        self.go = threading.Event()

    def predict(self, photos, top=5):
        self.go.wait(30)
        return super().predict(photos, top)


@pytest.fixture
def held(colours):
    model = Held(colours.folder)
    yield model
    model.go.set()


def test_its_answers_are_those_of_predict_to_the_last_digit(tmp_path):
    """Several in a form, in their order, and each alone as the body."""
    paths = [tmp_path / name for name in ("二.jpg", "1.png", "3.webp")]
    for number, path in enumerate(paths):
        picture("cross", number, 150 + 97 * number, 1).save(path)
    code, out, err = sortline("predict", *map(str, paths), "--json", "--top", "3", "--model", str(RELEASED))
    assert code == 0, err
    expected = {Path(one.pop("photo")).name: one for one in json.loads(out)}
    with serving(Classifier(RELEASED, threads=1)) as api:
        files = [("photos", (path.name, path.read_bytes())) for path in paths]
        answer = api.post(f"{api.url}/predict", params={"top": 3}, files=files)
        assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/json"
        assert [one["photo"] for one in answer.json()] == [path.name for path in paths]
        assert {one.pop("photo"): one for one in answer.json()} == expected
        for path in paths:
            sent = {"Content-Type": "application/octet-stream"}
            (one,) = api.post(f"{api.url}/predict?top=3", path.read_bytes(), headers=sent).json()
            assert one.pop("photo") == "body" and one == expected[path.name]


def test_a_bad_photo_among_others_is_named_and_alone_it_is_refused(api):
    files = [("a", ("red.png", png())), ("b", ("notes\x1b.txt", b"no photo")), ("c", ("blue.png", png("blue")))]
    answer = api.post(f"{api.url}/predict", files=files)
    first, second, third = answer.json()
    assert answer.status_code == 200 and [first["class"], third["class"]] == [LABELS["classes"][i] for i in (0, 2)]
    assert set(second) == {"photo", "error"} and "not a photo" in second["error"]
    assert "\x1b" not in answer.text
    for body in (b"no photo", png()[:40], b"\x00" * 100):
        answer = api.post(f"{api.url}/predict", body, headers=PNG)
        assert answer.status_code == 422 and set(answer.json()) == {"error"}


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/json", "image/heic", "application/x-www-form-urlencoded", ""]
)
def test_a_type_that_is_no_photos_is_415(api, kind):
    answer = api.post(f"{api.url}/predict", png(), headers={"Content-Type": kind})
    assert answer.status_code == 415 and "curl -F photo=@photo.jpg" in answer.json()["error"]


@pytest.mark.parametrize("top", ["0", "-1", "x", "1001", "１", "", "9" * 9999])
def test_a_count_that_is_none_is_422(api, top):
    assert api.post(f"{api.url}/predict", png(), headers=PNG, params={"top": top}).status_code == 422


def test_nothing_to_look_at_is_422_and_a_damaged_form_400(api):
    assert api.post(f"{api.url}/predict", b"", headers=PNG).status_code == 422
    assert api.post(f"{api.url}/predict", files={"note": (None, "no file")}).status_code == 422
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        assert api.post(f"{api.url}/predict", b"--y\r\nrubbish", headers={"Content-Type": kind}).status_code in (
            400,
            422,
        )


def test_what_is_too_large_is_413(colours):
    with serving(colours, Limits(body_mb=1, photos=2, pixels=1000)) as api:
        url, large = f"{api.url}/predict", os.urandom(2**20 + 1)
        assert api.post(url, large, headers=PNG).status_code == 413
        assert api.post(url, iter([large[:600_000], large[:600_000]]), headers=PNG).status_code == 413  # not announced
        assert api.post(url, files={"photo": large}).status_code == 413
        three = [("photo", ("a.png", png()))] * 3
        assert api.post(url, files=three).status_code == 413
        assert api.post(url, files=three[:2]).status_code == 200
        assert api.post(url, png(size=(40, 26)), headers=PNG).status_code == 413
        assert api.post(url, png(size=(40, 25)), headers=PNG).status_code == 200


def test_a_body_that_does_not_arrive_is_408(colours):
    def slowly():
        yield png()[:20]
        time.sleep(1.5)
        yield png()[20:]

    with serving(colours, Limits(upload_seconds=0.5)) as api:
        assert api.post(f"{api.url}/predict", slowly(), headers=PNG).status_code == 408


def test_too_many_at_a_time_are_429_and_a_full_line_503(held):
    def ask(api, photos=1):
        return api.post(f"{api.url}/predict", files=[("photo", ("a.png", png()))] * photos)

    with serving(held, Limits(per_client=3, waiting=4)) as api, ThreadPoolExecutor(3) as pool:
        first = [pool.submit(ask, api, 2) for _ in range(2)]
        wait_for(lambda: waiting(api) == 4)
        full = ask(api)
        assert full.status_code == 503 and int(full.headers["Retry-After"]) > 0
        held.go.set()
        assert [one.result().status_code for one in first] == [200, 200]
        wait_for(lambda: waiting(api) == 0)
        held.go.clear()
        more = [pool.submit(ask, api) for _ in range(3)]
        wait_for(lambda: waiting(api) == 3)
        often = ask(api)
        assert often.status_code == 429 and int(often.headers["Retry-After"]) > 0
        held.go.set()
        assert [one.result().status_code for one in more] == [200] * 3
        assert ask(api).status_code == 200


def test_an_answer_that_takes_too_long_is_503_and_its_photos_leave_the_line(held):
    with serving(held, Limits(seconds=0.3)) as api:
        files = [("photo", ("a.png", png()))] * 30
        assert api.post(f"{api.url}/predict", files=files).status_code == 503
        assert waiting(api) < 30
        held.go.set()
        wait_for(lambda: waiting(api) == 0)
        assert api.post(f"{api.url}/predict", png(), headers=PNG).status_code == 200


def figures(api):
    text = api.get(f"{api.url}/metrics").text
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def waiting(api):
    return figures(api)[("sortline_photos_waiting",)]


def wait_for(what, seconds=20):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_health_and_figures(colours):
    with serving(colours) as api:
        health = api.get(f"{api.url}/health").json()
        assert health["status"] == "ok" and health["task"] == "colours" and health["classes"] == 3
        api.post(f"{api.url}/predict", files=[("a", png()), ("a", png()), ("a", b"none")])
        api.post(f"{api.url}/predict", b"none", headers=PNG)
        api.get(f"{api.url}/a/b")
        found = figures(api)
    assert found[("sortline_photos_total", "predicted")] == 2 and found[("sortline_photos_total", "refused")] == 2
    assert found[("sortline_requests_total", "/predict", "200")] == 1
    assert found[("sortline_requests_total", "/predict", "422")] == 1
    assert found[("sortline_requests_total", "404", "other")] == 1
    assert found[("sortline_request_seconds_count",)] == 2


@pytest.mark.parametrize(
    ("headers", "code"),
    [({"Host": "localhost"}, 200), ({"Host": "127.0.0.1:9"}, 200), ({"Host": "evil.example"}, 403),
     ({"Host": "localhost.evil.example"}, 403), ({"Sec-Fetch-Site": "same-origin"}, 200),
     ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403)],
)  # fmt: skip
def test_pages_of_others_and_names_of_others_are_refused(api, headers, code):
    assert api.post(f"{api.url}/predict", png(), headers=PNG | headers).status_code == code
    answer = api.get(f"{api.url}/", headers=headers)
    assert answer.status_code == code and answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_other_paths_and_methods(api):
    assert api.get(f"{api.url}/predict").status_code == 405
    assert api.get(f"{api.url}/predict").headers["Allow"] == "POST"
    for path in ("/nothing", "/../secret", "/openapi.json/", "/%2e%2e/app.py", "/app.py"):
        assert api.get(f"{api.url}{path}", allow_redirects=False).status_code in (404, 307)


def test_the_page_and_its_description_work_offline(api):
    page, described = api.get(f"{api.url}/"), api.get(f"{api.url}/openapi.json").json()
    needed = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(needed) >= 3
    for name in needed:
        got = api.get(f"{api.url}/{name}")
        assert got.status_code == 200 and "//" not in name
        assert not re.search(r"https?:", got.text)
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert {path for path, one in described["paths"].items() for _ in one} == {"/predict", "/health", "/metrics"}
    kept = described["components"]["schemas"]
    assert {ref.split("/")[-1] for ref in re.findall(r'"\$ref": ?"([^"]+)"', json.dumps(described))} <= set(kept)
    (row,) = api.post(f"{api.url}/predict", png(), headers=PNG).json()
    assert set(row) == set(kept["Prediction"]["required"])


def test_a_connection_that_stays_silent_is_closed(colours):
    with serving(colours, patience=0.5) as api:
        port = int(api.url.rpartition(":")[2])
        for begun in (b"", b"GET / HTTP/1.1\r\nHost: loc"):
            with socket.create_connection(("localhost", port)) as one:
                one.sendall(begun)
                one.settimeout(20)
                assert one.recv(100) == b""
        assert api.get(f"{api.url}/health").status_code == 200


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize(("number", "code", "said"), [(signal.SIGINT, 0, ""), (signal.SIGTERM, 143, "stopped")])
def test_ctrl_c_and_sigterm_end_it(colours, number, code, said):
    words = ["serve", "--api", "--port", "0", "--model", str(colours.folder)]
    command = [sys.executable, "-m", "sortline.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        address = re.search(r"http://localhost:\d+", server.stdout.readline())[0]
        with urllib.request.urlopen(f"{address}/health") as answer:
            assert answer.status == 200
        server.send_signal(number)
        _, err = server.communicate(timeout=60)
    assert server.returncode == code and said in err and len(err.splitlines()) <= 1


def test_without_the_extra_it_says_what_to_install(colours):
    code = "import sys; sys.modules['uvicorn'] = None; from sortline.cli import entry; entry()"
    words = ["serve", "--api", "--model", str(colours.folder)]
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True)
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 1 and "pip install 'sortline[api]'" in done.stderr
