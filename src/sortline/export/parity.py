"""Is the exported model the measured one? Logits side by side, and val again from the photo files."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sortline._core import graphs
from sortline._core.arrays import spread
from sortline._core.cores import on_all_cores
from sortline._core.errors import UserError
from sortline.backbones.preprocessing import Preprocessing
from sortline.data.datasets import open_picture
from sortline.data.images import NoDigit, frame, open_rgb, resize
from sortline.evaluation import metrics
from sortline.export.classifier import Classifier

EXIF_ORIENTATION = 0x0112
MAX_DIGITS = 500  # digits that are read from a photo
TURNED_LEFT = 6  # stored turned a quarter left; a viewer turns it back


def network_inputs(photos: Sequence[Path], preprocessing: Preprocessing, size: int, how: str = "squeeze") -> np.ndarray:
    """Return the preprocessed photos, float32 (n, channels, S, S), the way `extract` does it; `how`: see `frame`."""
    return preprocessing(np.stack([resize(frame(open_picture(photo, size), how), size) for photo in photos]))


def unframed(pixels: np.ndarray, how: str) -> np.ndarray:
    """Return a picture of which `frame` leaves just `pixels` uint8 (S, S, 3)."""
    size = len(pixels)
    if how != "centre_crop":
        return pixels
    whole = -(-(8 * size - 4) // 7)
    around = (whole - size) // 2
    sides = (around, whole - size - around)
    return np.pad(pixels, (sides, sides, (0, 0)))


def logit_differences(
    run: Callable[[np.ndarray], np.ndarray],
    mindir: Path,
    run_onnx: Callable[[Image.Image], np.ndarray],
    photos: Sequence[Path],
    x: np.ndarray,
    limit: float,
    how: str = "squeeze",
) -> dict[str, float]:
    """Compare logits of the self-contained ONNX and the MindIR with those of `run`, MindSpore's, on `network_inputs`.

    The ONNX gets the photos resized by Pillow: what its own resizing changes is `resized_agreement`'s to say.
    Returns the largest differences; raises `UserError` above `limit`.
    """
    side = x.shape[-1]
    resized = (resize(frame(open_picture(photo, side), how), side) for photo in photos)
    shown = (Image.fromarray(unframed(pixels, how)) for pixels in resized)
    reference = run(x)
    others = {"onnx": np.stack([run_onnx(image) for image in shown]), "mindir": graphs.run_mindir(mindir, x)}
    differences = {name: float(np.abs(logits - reference).max()) for name, logits in others.items()}
    for name, difference in differences.items():
        if not difference <= limit:
            raise UserError(
                f"export: {name} logits differ from MindSpore's by {difference:.2e}, over max_difference {limit:g}"
            )
    return {f"max_abs_diff_{name}": difference for name, difference in differences.items()}


def predicted(
    run: Callable[[Image.Image], np.ndarray], photos: Sequence[Path], side: int | None, what: str
) -> np.ndarray:
    """Return the classes, int (n,), that a model predicts from photo files; `run`: RGB image to float (classes,).

    `side` as in `open_rgb`.
    """

    def predict(photo: Path) -> int:
        return int(run(open_picture(photo, side)).argmax())

    return np.array(list(on_all_cores(predict, photos, what)))


def enlarged(width: int, height: int) -> Callable[[Image.Image], Image.Image]:
    return lambda image: image.resize((width, height), Image.Resampling.BICUBIC)


def turned_by_exif(image: Image.Image) -> Image.Image:
    """Store the photo turned, with the EXIF tag that says so, as phones do; and open it again."""
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = TURNED_LEFT
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "turned.png"
        image.transpose(Image.Transpose.ROTATE_90).save(path, exif=exif)
        return open_rgb(path)


# What photos of other sizes look like, and on how many at most it is looked at; 12 megapixels are a phone's.
RESIZED = {
    "640x480": (enlarged(640, 480), 25),
    "3000x4000": (enlarged(3000, 4000), 5),
    "odd 501x373": (enlarged(501, 373), 25),
    "narrow 97x1201": (enlarged(97, 1201), 25),
    "exif-turned": (turned_by_exif, 25),
}


def resized_agreement(
    classifier: Classifier,
    reference: Callable[[np.ndarray], np.ndarray],
    photos: Sequence[Path],
    size: int,
    how: str = "squeeze",
) -> dict[str, Any]:
    """Compare the graph's own resizing with `images.resize` before `reference` (uint8 (1, S, S, 3) to probabilities).

    Returns the share of photos with the same top-1 over all of RESIZED, n, each kind's share, and the largest
    difference of a probability.
    """

    def look(one: tuple[str, Path]) -> tuple[bool, float]:
        image = RESIZED[one[0]][0](open_picture(one[1]))
        ours, theirs = classifier.probabilities(image), reference(resize(frame(image, how), size)[None])
        return bool(ours.argmax() == theirs.argmax()), float(np.abs(ours - theirs).max())

    seen = [(name, photos[i]) for name, (_, count) in RESIZED.items() for i in spread(len(photos), count)]
    same, differences = zip(*on_all_cores(look, seen, "other sizes"), strict=True)
    of_kind = np.array([name for name, _ in seen])
    kinds = {name: metrics.share(np.array(same)[of_kind == name]) for name in RESIZED}
    return {
        **metrics.named(metrics.share(np.array(same)), "resized_agreement", "resized_n"),
        "resized_kinds": {name: {"agreement": one["accuracy"], "n": one["n"]} for name, one in kinds.items()},
        "resized_max_probability_diff": max(differences),
    }


def on_paper(image: Image.Image) -> Image.Image:
    """Draw a light-on-dark digit as a photo has it: dark on shaded paper, large, off the middle."""
    width, height = 640, 480
    ink = np.asarray(image.convert("L").resize((280, 280), Image.Resampling.BICUBIC), dtype=np.float64) / 255
    paper = 225 - 60 * np.linspace(0, 1, width) * np.ones((height, 1))
    paper[150:430, 60:340] -= ink * (paper[150:430, 60:340] - 40)
    return Image.fromarray(paper.round().astype(np.uint8)).convert("RGB")


DIGIT_PHOTOS = {
    "as it is": lambda image: image,
    "dark on light": lambda image: Image.fromarray(255 - np.asarray(image)),
    "on paper": on_paper,
}


def digit_photos(classifier: Classifier, photos: Sequence[Path], labels: np.ndarray) -> dict[str, Any]:
    """Score reading digits from photos, on at most MAX_DIGITS of them: accuracy and n by how the digit is shown."""
    some, kinds = spread(len(photos), MAX_DIGITS), {}
    for name, change in DIGIT_PHOTOS.items():
        hits = []
        for index in some:
            try:
                predicted = classifier(change(open_picture(photos[index])), top=1).label["code"]
            except NoDigit:
                predicted = None
            hits.append(predicted == classifier.classes[labels[index]]["code"])
        kinds[name] = metrics.share(np.array(hits))
    return {"digit_photos": kinds}
