"""Photos of 12 megapixels, as phones take them: decoded whole, and at the fraction that a view needs."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from bench._paired import medians, seconds
from sortline._core.arrays import spread
from sortline._core.errors import UserError
from sortline.data import prepared
from sortline.data.images import open_rgb
from sortline.evaluation import metrics
from sortline.export import parity
from sortline.export.classifier import Classifier

TASK, SIZE = "garbage", (3000, 4000)
PHOTOS = 10  # a round


def run(repeats: int) -> dict[str, Any]:
    """Enlarge the held-out photos, and classify them both ways; photos a second on one thread from the files, and the
    accuracy of each way on all."""
    model, split = Path("models") / TASK / "export", Path("data/prepared") / TASK / "split.csv"
    if not (model / "model.onnx").is_file() or not split.is_file():
        raise UserError(f"no exported model; make one: dvc repro export@{TASK}")
    classifier, val = Classifier(model, threads=1), prepared.read_part(split)
    ways = {"whole": None, "fraction": classifier.side}
    with tempfile.TemporaryDirectory() as scratch:
        photos = [Path(scratch) / f"{i:04}.jpg" for i in range(len(val.images))]
        for photo, image in zip(photos, val.images, strict=True):
            open_rgb(Path("data/raw") / TASK / image).resize(SIZE, Image.Resampling.BICUBIC).save(photo, quality=90)
        few = [photos[i] for i in spread(len(photos), PHOTOS)]

        def classify(side: int | None) -> Callable[[], Any]:
            return lambda: [classifier.logits(open_rgb(photo, side=side)) for photo in few]

        taken = medians(seconds({name: classify(side) for name, side in ways.items()}, repeats))
        found: dict[str, Any] = {"task": TASK, "pixels": SIZE[0] * SIZE[1], "threads": 1, "repeats": repeats}
        for name, side in ways.items():
            answers = parity.predicted(classifier.logits, photos, side, name)
            share = metrics.share(answers == val.labels)
            found[name] = {
                "photos_per_s": round(PHOTOS / taken[name], 2),
                **{key: round(value, 4) for key, value in share.items()},
            }
    return found | {"ratio": round(taken["whole"] / taken["fraction"], 2)}
