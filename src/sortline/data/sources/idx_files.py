"""Digits from where they are: a folder with the four IDX files, a public mirror of them, scikit-learn's own."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from sortline._core.errors import UserError
from sortline._core.files import content_sha256, sha256_file
from sortline.config.fetch import IdxFolder, IdxMirror, SklearnDigits
from sortline.data import idx
from sortline.data.sources.download import download, probe

SKLEARN_NOTE = "scikit-learn's 8 x 8 digits, enlarged: proves the pipeline, not MNIST's accuracy"

About = tuple[dict[str, Any], dict[str, str]]


def fetch_digits(
    source: IdxFolder | IdxMirror | SklearnDigits, out: Path, downloads: Path, locate: Callable[[str], Path]
) -> About:
    """Put the four IDX files, unpacked, into the existing folder `out`; return what they are and {file: sha256}.

    `locate` finds a folder source's path; `downloads` holds downloads under way. Raises `UserError` naming the file
    that is missing or malformed, or where the content is not what the source promises.
    """
    if isinstance(source, IdxFolder):
        return copy_idx(source, locate(source.path), out)
    if isinstance(source, IdxMirror):
        return download_idx(source, out, downloads)
    return write_sklearn(source, out)


def check_digits(source: IdxFolder | IdxMirror, locate: Callable[[str], Path], timeout: float) -> None:
    """Raise `UserError` unless the folder has the four files or the mirror answers in `timeout` seconds."""
    if isinstance(source, IdxMirror):
        probe(f"{source.url.rstrip('/')}/{idx.FILES[0]}.gz", timeout)
        return
    root = locate(source.path)
    for name in idx.FILES:
        find_file(root, name)


def copy_idx(source: IdxFolder, root: Path, out: Path) -> About:
    """Copy the four files of the folder `root`, gzipped or not."""
    places = {name: find_file(root, name) for name in idx.FILES}
    for name, path in places.items():
        (out / name).write_bytes(idx.unpacked(path.read_bytes(), path))
    return _finished(source, out, {"address": None, "name": root.name, "note": ""}, root, places)


def find_file(root: Path, name: str) -> Path:
    """Return the file that holds `name`: so named, or with a dot for the last dash but one, with or without .gz."""
    variants = [name, f"{name}.gz", name.replace("-idx", ".idx"), f"{name.replace('-idx', '.idx')}.gz"]
    found = next((root / variant for variant in variants if (root / variant).is_file()), None)
    if found is None:
        raise UserError(f"{root}: no {name} in it, gzipped or not")
    return found


def download_idx(source: IdxMirror, out: Path, downloads: Path) -> About:
    """Download the four gzipped files below the source's address."""
    base = source.url.rstrip("/")
    places = {name: f"{base}/{name}.gz" for name in idx.FILES}
    for name, address in places.items():
        path = downloads / f"{name}.gz"
        download(address, path, max_bytes=source.max_mb * 10**6)
        content = path.read_bytes()
        # Gone also where it is broken: the next run must not find it again.
        path.unlink()
        (out / name).write_bytes(idx.unpacked(content, address))
    return _finished(source, out, {"address": source.url, "name": source.name, "note": ""}, base, places)


def write_sklearn(source: SklearnDigits, out: Path) -> About:
    """Write scikit-learn's 1,797 digits as IDX, enlarged to `source.side` pixels; the last `source.test` are the test.

    They come writer by writer, so the last ones are mostly by other hands than those before.
    """
    bunch = load_digits()
    images = np.stack([_enlarged(image, source.side) for image in bunch.images])
    labels = bunch.target.astype(np.uint8)
    cut = len(images) - source.test
    for start, part in (("train", slice(0, cut)), ("t10k", slice(cut, None))):
        (out / f"{start}-{idx.IMAGES}").write_bytes(idx.packed(images[part]))
        (out / f"{start}-{idx.LABELS}").write_bytes(idx.packed(labels[part]))
    about = {"address": None, "name": "scikit-learn digits", "note": SKLEARN_NOTE}
    return _finished(source, out, about, "scikit-learn", {})


def _enlarged(image: np.ndarray, side: int) -> np.ndarray:
    """Turn float 0 .. 16, (8, 8), into uint8 (side, side): in the middle 5/7, as MNIST's 20 of 28 pixels."""
    inner = round(side * 20 / 28)
    small = Image.fromarray((image * (255 / 16)).round().astype(np.uint8))
    large = np.zeros((side, side), np.uint8)
    at = (side - inner) // 2
    large[at : at + inner, at : at + inner] = np.asarray(small.resize((inner, inner), Image.Resampling.BICUBIC))
    return large


def _finished(
    source: IdxFolder | IdxMirror | SklearnDigits, out: Path, about: dict[str, Any], origin: object,
    places: Mapping[str, object],
) -> About:  # fmt: skip
    try:
        idx.read(out)
    except UserError as error:
        # What lies in `out` is a copy that goes away: name the files where the user finds them.
        text = str(error)
        for name, place in places.items():
            text = text.replace(str(out / name), str(place))
        raise UserError(text) from None
    hashes = {name: sha256_file(out / name) for name in idx.FILES}
    found, wanted = content_sha256(hashes), getattr(source, "content_sha256", None)
    if wanted not in (None, found):
        raise UserError(f"{origin}: content_sha256 of the unpacked files is {found}, params.yaml says {wanted}")
    return about, hashes
