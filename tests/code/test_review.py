"""`sortline review`: its queues, its page's server, and that no decision is lost."""

import io
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from review_album import COUNT, NAMES, make, serving, work

from sortline._core.errors import UserError
from sortline._core.files import write_json
from sortline.cli.review import start
from sortline.config.diagnose import DiagnoseParams
from sortline.data import corrections
from sortline.review.before_after import before_and_after, lines
from sortline.review.queues import cells, queues


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    return make(tmp_path_factory.mktemp("album"))


@pytest.fixture
def page(tmp_path, album):
    with serving(work(tmp_path, album)) as session:
        session.file = tmp_path / "corrections/toy.csv"
        yield session


def decide(page, photo: int, new: str, seen: str = "", why: str = ""):
    return page.post(f"{page.url}decide", json={"photo": photo, "new": new, "seen": seen, "why": why})


def test_the_queues_hold_what_is_doubtful(album):
    found = {queue.name: queue.photos for queue in queues(album, DiagnoseParams())}
    assert set(found["suspects"]) == {0, 1, 2} == set(found["wrong"])
    assert set(found["unsure"]) == {3, 4, 5}
    assert found["scenes"] == [COUNT - 2, COUNT - 1]
    assert found["new"] == [] and 0 < len(found["outliers"]) <= 18
    assert cells(album) == {(0, 1): [0], (1, 2): [1], (2, 0): [2]}


def test_a_photo_comes_with_its_guesses_and_its_nearest_of_other_scenes(page, album):
    said = page.get(f"{page.url}photo/0").json()
    assert (said["given"], said["part"], said["now"]) == ("can", "train", "")
    assert [one["name"] for one in said["guesses"]][0] == "hat" and len(said["guesses"]) == 3
    cosine = album.features @ album.features[0] / np.linalg.norm(album.features, axis=1)
    cosine[0] = -2
    assert [one["photo"] for one in said["nearest"]] == np.argsort(-cosine)[:5].tolist()
    last = page.get(f"{page.url}photo/{COUNT - 1}").json()
    assert COUNT - 2 not in [one["photo"] for one in last["nearest"]]
    for path in ("image/0", "map/0/1"):
        got = page.get(f"{page.url}{path}")
        assert got.headers["Content-Type"] == "image/jpeg" and Image.open(io.BytesIO(got.content)).format == "JPEG"


def test_a_decision_is_in_the_file_before_it_is_answered_and_an_undone_one_is_not_held(page):
    assert decide(page, 0, "hat", why="the brim").json() == {"now": "hat"}
    (line,) = corrections.read(page.file)
    assert (line.photo, line.old, line.new, line.why) == ("train/can/00.png", "can", "hat", "the brim")
    decide(page, 1, "drop")
    assert page.get(f"{page.url}decisions").json() == {"0": "hat", "1": "drop"}
    decide(page, 0, "", seen="hat")
    assert page.get(f"{page.url}decisions").json() == {"1": "drop"}
    assert len(corrections.read(page.file)) == 3  # nothing was taken out of the file


def test_what_another_tab_has_decided_is_not_overwritten_unseen(page):
    decide(page, 0, "hat")
    other = decide(page, 0, "mug")
    assert other.status_code == 409 and other.json() == {"now": "hat"}
    assert len(corrections.read(page.file)) == 1
    assert decide(page, 0, "mug", seen="hat").status_code == 200


def test_two_tabs_at_once_decide_once(page):
    said = []
    tabs = [threading.Thread(target=lambda new: said.append(decide(page, 0, new).status_code), args=[new])
            for new in ("hat", "mug", "drop", "unsure") * 3]  # fmt: skip
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert sorted(said) == [200] + [409] * 11 and len(corrections.read(page.file)) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({}, 200),
    ],
)
def test_only_the_page_itself_is_answered(page, headers, status):
    assert page.get(f"{page.url}state", headers=headers).status_code == status
    assert page.get(page.url.replace(page.app.token, "x" * 22)).status_code == 404


@pytest.mark.parametrize(
    "path", ["photo/999", "photo/-1", "photo/x", "image/0/0", "map/0/9", "../../etc/passwd", "page.py", "nothing"]
)
def test_what_is_not_there_is_not_found(page, path):
    assert page.get(f"{page.url}{path}").status_code == 404


@pytest.mark.parametrize(
    "body", [{"photo": 999, "new": "hat"}, {"photo": 0, "new": 3}, {"photo": 0, "new": "x" * 81}, {"new": "a\nb"}, []]
)
def test_what_is_no_decision_is_refused_and_nothing_is_written(page, body):
    got = page.post(f"{page.url}decide", json=body)
    assert 400 <= got.status_code < 500 and got.json()["error"]
    assert page.post(f"{page.url}decide", data="x").status_code == 415
    assert corrections.read(page.file) == []


@pytest.mark.parametrize("new", ["../evil", "cup/mug", "val", "Drop", "unsure.", "Can", "=A(1)", " \u200b"])
def test_what_cannot_be_a_class_is_refused_when_it_is_decided(page, new):
    got = decide(page, 0, new)
    assert got.status_code == 422 and got.json()["error"] and corrections.read(page.file) == []
    assert decide(page, 0, " cork ").json() == {"now": "cork"}


def test_a_task_with_a_class_called_as_a_decision_is_told_before_it_is_reviewed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = [{"code": name, "en": name, "zh": "", "bin": ""} for name in ("Drop", "keep")]
    write_json(tmp_path / "data/prepared/toy/classes.json", {"classes": rows, "bins": [], "table": None})
    with pytest.raises(UserError, match="'Drop'"):
        start("toy", 0)


def test_a_file_that_was_damaged_meanwhile_is_told_in_one_line(page):
    page.file.write_text("what\nis this\n", encoding="utf-8")
    got = decide(page, 0, "hat")
    assert got.status_code == 500 and "toy.csv" in got.json()["error"]
    assert page.file.read_text(encoding="utf-8") == "what\nis this\n"


def test_pages_and_modules_are_served_with_a_policy_that_lets_nothing_out(page):
    for name in ("", "page.css", "page.js", "choose.js", "elements.js", "keys.js", "server.js"):
        got = page.get(f"{page.url}{name}")
        assert got.ok and "default-src 'self'" in got.headers["Content-Security-Policy"]


def test_a_rerun_is_one_at_a_time_and_says_how_it_ended(tmp_path, album):
    begin, calls = threading.Event(), []

    def apply() -> list[str]:
        calls.append(1)
        begin.wait(20)
        return ["val: better"]

    with serving(work(tmp_path, album, apply)) as page:
        for _ in range(3):
            assert page.post(f"{page.url}rerun").json()["state"] == "running"
        begin.set()
        while (said := page.get(f"{page.url}rerun").json())["state"] == "running":
            pass
    assert said == {"state": "done", "lines": ["val: better"]} and calls == [1]


SERVER = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {tests!r})
    from review_album import make, serving, work
    with serving(work(Path({folder!r}), make(Path({folder!r})), own=[])) as page:
        print(page.url, flush=True)
        sys.stdin.read()
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signal here")
def test_a_kill_after_any_answer_loses_no_decision(tmp_path, page):
    tests = str(Path(__file__).parent)
    code = textwrap.dedent(SERVER).format(tests=tests, folder=str(tmp_path))
    expected = []
    for part in (range(12), range(12, COUNT)):
        with subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            page.url = server.stdout.readline().strip()
            held = page.get(f"{page.url}decisions").json()
            assert [held[str(number)] for number in range(len(expected))] == [one for _, one in expected]
            for number in part:
                new = ("drop", "unsure", *NAMES)[number % 5]
                assert decide(page, number, new).ok
                expected.append((number, new))
            server.send_signal(signal.SIGKILL)
    lines = corrections.read(page.file)
    assert [(int(line.photo[-6:-4]), line.new) for line in lines] == expected


def rows(*triples: tuple[str, str, str]) -> dict:
    return {image: {"truth": truth, "predicted": predicted} for image, truth, predicted in triples}


def test_before_and_after_are_scored_on_both_sets_of_labels():
    before = rows(("a", "can", "hat"), ("b", "can", "can"), ("c", "hat", "hat"), ("d", "hat", "can"))
    after = rows(("a", "hat", "hat"), ("b", "can", "can"), ("c", "hat", "can"), ("e", "hat", "can"))
    found = before_and_after(before, after)
    assert (found["gone"], found["new"], found["relabelled"]) == (1, 1, 1)
    old, new = found["old_labels"], found["new_labels"]
    # a, b, c by hand: on the old labels 2 of 3, then 1; on the new ones 3 of 3, then 2.
    assert (old["a"]["accuracy"], old["b"]["accuracy"]) == pytest.approx((2 / 3, 1 / 3))
    assert (new["a"]["accuracy"], new["b"]["accuracy"]) == pytest.approx((1, 2 / 3))
    said = lines("val", found)
    assert "as they were: 66.7% before, 33.3% after" in said[0] and "1 relabelled" in said[-1]
    assert "old_labels" not in before_and_after(before, rows(("z", "hat", "hat")))
