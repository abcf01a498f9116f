"""Ray's workers find what one process does, to the byte, and lose nothing when they, or who sent them, are killed.

Ray is not installed with the others: pip install -e .[ray]
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sortline._core.cores import cores
from sortline._core.errors import UserError
from sortline.config.augment import ViewParams
from sortline.config.extract import ExtractParams
from sortline.config.weights import WeightsParams
from sortline.data.prepared import Photo
from sortline.features import ray_engine
from sortline.features.extraction import extract

pytest.importorskip("ray")
psutil = pytest.importorskip("psutil")

VIEWS = ViewParams(count=2)
COUNT, MANY = 60, 300
# Its workers note the photos of each shard that they begin.
DRIVER = """
import sys
from pathlib import Path
root = Path(sys.argv[1])
sys.path.insert(0, str(root / "here"))
import test_ray
from sortline.features import ray_engine

class Noting(ray_engine.Extractor):
    def run(self, model, work, names, shard, items):
        with (root / "begun").open("a") as stream:
            stream.write(f"{shard}\\n")
        return super().run(model, work, names, shard, items)

ray_engine.Extractor = Noting
test_ray.run(root, "ray")
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    from sortline.backbones import weights

    root = tmp_path_factory.mktemp("照片")
    weights.fetch("small", WeightsParams(backbone="mobilenet_v2", release="random"), root / "weights", root, None)
    (root / "photos").mkdir()
    (root / "here").symlink_to(Path(__file__).parent)
    for number in range(COUNT):
        pixels = np.random.default_rng(number).integers(0, 256, (40, 60, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / "photos" / f"{number:02}.png")
    return root


def run(root: Path, engine: str, cache: str = "cache") -> dict[str, bytes]:
    """Extract; return the store's files, but for the backbone: its nodes are numbered on within a process."""
    photos = [Photo(path.name, path, f"{i:064x}") for i, path in enumerate(sorted((root / "photos").iterdir()))]
    params = ExtractParams(image_size=32, engine=engine, pool="none")
    extract(photos, VIEWS, params, root / "weights", root / f"by {engine}", root / cache)
    store = sorted((root / f"by {engine}").iterdir())
    return {path.name: path.read_bytes() for path in store if path.suffix != ".onnx"}


def test_shards():
    assert list(ray_engine.shards([1] * 10, 2)) == [[i] for i in range(10)]
    many = list(ray_engine.shards([1] * 100_000, 2))
    assert [len(part) for part in many] == [2_000] * 50 and sum(many, []) == list(range(100_000))
    assert all(len(list(ray_engine.shards([1] * count, 3))) >= 20 * 3 for count in (60, 61, 1_000, 40_000))
    half = ray_engine.SHARD_BYTES // 2
    assert list(ray_engine.shards([half, half, half, 3 * half, 1] * 20, 1))[:3] == [[0, 1], [2], [3]]


def test_the_store_is_that_of_one_process_to_the_byte_and_a_second_run_sends_nothing(place, monkeypatch):
    (place / "by ray").mkdir(exist_ok=True)
    assert run(place, "ray") == run(place, "onnxruntime", cache="other")
    monkeypatch.setattr(ray_engine, "_cluster", None)  # it is not asked
    run(place, "ray")


def test_a_photo_that_cannot_be_read_ends_nothing(place):
    bad = place / "photos" / "99.png"
    bad.write_bytes(b"no photo")
    try:
        with pytest.raises(UserError, match=r"1 of 61 photos cannot be read; they are listed in .*unreadable\.csv"):
            run(place, "ray", cache="third")
    finally:
        bad.unlink()
    assert '99.png,"not a photo (JPEG' in (place / "third" / "unreadable.csv").read_text()
    assert run(place, "ray", cache="third") == run(place, "onnxruntime", cache="other")


def test_ray_that_does_not_start_is_one_line(place, monkeypatch):
    def slow(**options: object) -> None:
        raise Exception("The current node timed out during startup.\nMore of it.")  # as Ray says it on a busy machine

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setattr("ray.init", slow)
    with pytest.raises(UserError, match=r"Ray does not start here \(The current node timed out during startup\.\)$"):
        run(place, "ray", cache="fourth")


def _workers() -> list[psutil.Process]:
    return [
        one for one in psutil.process_iter(["cmdline"]) if (one.info["cmdline"] or [""])[0].startswith("ray::Noting")
    ]


@pytest.mark.parametrize("who", ["a worker", "the driver"])
def test_after_a_kill_the_store_is_the_same_and_few_shards_are_done_again(place, who, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(place, root, symlinks=True, ignore=shutil.ignore_patterns("cache", "other", "third", "by *"))
    for number in range(COUNT, MANY):
        shutil.copy(root / "photos" / f"{number % COUNT:02}.png", root / "photos" / f"{number:03}.png")
    words = [sys.executable, "-c", DRIVER, str(root)]
    driver, files = subprocess.Popen(words, start_new_session=True), []
    while driver.poll() is None and not (files and files[0].stat().st_size > 60_000):
        files = list((root / "cache").glob("*.bin"))
        time.sleep(0.02)
    assert driver.poll() is None, "it was done before it could be killed"
    if who == "a worker":
        os.kill(_workers()[0].pid, signal.SIGKILL)
        assert driver.wait(120) == 0
    else:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.wait(60)
        subprocess.run(words, check=True)
    begun = [json.loads(line) for line in (root / "begun").read_text().splitlines()]
    shard = len(next(ray_engine.shards([1] * MANY, cores())))
    assert {photo for part in begun for photo in part} == set(range(MANY))
    # The driver may die while it keeps a shard that has come back, whose worker has the next one by then.
    assert sum(map(len, begun)) - MANY <= shard * (1 if who == "a worker" else cores() + 1)
    assert run(root, "ray") == run(root, "onnxruntime", cache="other")
