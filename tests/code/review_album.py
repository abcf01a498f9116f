"""An album of photos, without a model that was trained: what `sortline review` shows, served in a thread."""

import contextlib
import threading
from pathlib import Path

import numpy as np
import requests
import waitress
import waitress.wasyncore as wasyncore
from own_photos import photo

from sortline._core.files import sha256_file
from sortline.cli._shared.listening import listening
from sortline.config.diagnose import DiagnoseParams
from sortline.data.images import open_rgb, resize
from sortline.data.prepared import Classes, Part
from sortline.features.answers import Unseen
from sortline.review.album import Album, Shown
from sortline.review.app import ReviewApp
from sortline.review.journal import Journal
from sortline.review.queues import queues
from sortline.review.work import Work

NAMES = ["can", "hat", "mug"]
COUNT = 30


class Stub:
    """A model that looks at the middle of a photo."""

    size, framed, about = 32, "squeeze", {"threshold": 0.7}

    def open(self, photo: Path) -> np.ndarray:
        return resize(open_rgb(photo), self.size)

    def evidence(self, picture: np.ndarray, label: int) -> np.ndarray:
        return np.pad(np.ones((2, 2), np.float32), 1)


def make(folder: Path) -> Album:
    """Return an album of 30 photos of three classes: the first of each class are taken for the next one, surely; the
    second of each are hardly known; the last two show one scene and bear two labels."""
    labels = np.arange(COUNT) % 3
    top = np.full(COUNT, 0.9)
    top[3:6] = 0.5
    guessed = labels.copy()
    guessed[:3] = (labels[:3] + 1) % 3
    probabilities = np.repeat(((1 - top) / 2)[:, None], 3, 1)
    probabilities[np.arange(COUNT), guessed] = top
    features = np.eye(3, dtype=np.float32)[guessed] + np.random.default_rng(0).normal(0, 0.1, (COUNT, 3))
    scenes = np.arange(COUNT)
    scenes[-1] = scenes[-2]
    photos = []
    for number in range(COUNT):
        name = f"train/{NAMES[labels[number]]}/{number:02d}.png"
        path = folder / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        photo(number).save(path)
        photos.append(Shown(sha256_file(path), path, name, NAMES[labels[number]], "train"))
    flags = np.zeros(COUNT, bool)
    part = Part([one.name for one in photos], labels, labels, flags, flags, np.arange(COUNT), scenes, COUNT, "train")
    seen = features.astype(np.float32)
    return Album(
        photos, Classes(NAMES, [], None), probabilities, labels, scenes, seen, Unseen(part, probabilities, seen),
        np.arange(COUNT), Stub(),
    )  # fmt: skip


def work(folder: Path, album: Album, apply=lambda: ["as it was"], own=None) -> Work:
    journal = Journal(folder / "corrections/toy.csv", folder / "lock")
    return Work("toy", album, queues(album, DiagnoseParams()) if own is None else own, journal, apply)


@contextlib.contextmanager
def serving(made: Work):
    """Yield a session that asks the page, `url` being its address and `app` what answers."""
    place = listening("127.0.0.1", 0)
    app = ReviewApp(made, place.getsockname()[1])
    server = waitress.create_server(app, sockets=[place], threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    with requests.Session() as session:
        session.trust_env = False
        session.app, session.url = app, f"http://127.0.0.1:{server.effective_port}{app.path}"
        yield session
    server.trigger.pull_trigger(lambda: wasyncore.close_all(server._map))
    thread.join(30)
    server.task_dispatcher.shutdown()
