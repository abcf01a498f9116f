"""Extraction keeps neither photos nor views nor features in memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

# Photos of 1.9 MB decoded, blocks of 1.6 MB: were photos, views or features kept, 5 times the photos would show.
MEMORY = """
import json, pathlib, sys
from types import SimpleNamespace
import numpy as np
from sortline.data.prepared import Photo
from sortline.features.engines import Engine
from sortline.features.extraction import keep_maps
from sortline.features.store import FeatureStore
from sortline.config.augment import ViewParams
from sortline.backbones.preprocessing import Preprocessing

folder, channels, peak = pathlib.Path(sys.argv[1]), 100_000, 0

def anonymous():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024

def run(x):
    global peak
    peak = max(peak, anonymous())
    pooled = np.full((len(x), channels), x.mean(), np.float32)
    return pooled, pooled, pooled[:, :, None, None]

plan = ViewParams(count=2)
halves = Preprocessing((0.5,) * 3, (0.5,) * 3)
stub = SimpleNamespace(net=SimpleNamespace(channels=channels), preprocessing=halves)
peaks = []
for count in (4, 30, 150):
    peak = 0
    photos = [Photo("photo.jpg", folder / "photo.jpg", str(number)) for number in range(count)]
    keep_maps(photos, plan, 32, stub, Engine(run, 2), FeatureStore(folder), maps=True)
    peaks.append(peak)
print(json.dumps(peaks))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc/self/status")
def test_memory_does_not_grow_with_the_number_of_photos(tmp_path):
    Image.new("RGB", (900, 700), "teal").save(tmp_path / "photo.jpg")
    command = [sys.executable, "-c", MEMORY, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert ran.returncode == 0, ran.stderr
    _, few, five_times = json.loads(ran.stdout)
    assert (tmp_path / "pooled.npy").stat().st_size > 150 * 2 * 2 * 100_000 * 4
    assert five_times - few < 150, (few, five_times)
