"""Backbones that a task could have: those in reach without the network, and their features of its photos."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sortline._core import files, origin
from sortline.backbones import registry, weights
from sortline.config.augment import ViewParams
from sortline.config.extract import ExtractParams
from sortline.config.weights import WeightsParams
from sortline.data.prepared import Photo, fingerprint
from sortline.data.sources.base import reachable
from sortline.features.extraction import ROOMS, extract
from sortline.features.store import FeatureStore


def in_reach(data_folder: Path | None, fetched: Path) -> dict[str, Path | None]:
    """Return the backbones whose weights are on this machine, by name: the folder below `fetched` (data/weights) that a
    stage put them into, or None for those that lie in `data_folder` or an installed package."""
    found: dict[str, Path | None] = {}
    there: dict[str, Path] = {}
    for path in sorted(fetched.glob("**/backbone.json")):
        about = files.read_json(path)
        if about.get("file"):
            there.setdefault(about["network"], path.parent)
    for name, network in registry.networks().items():
        local = []
        if network.tried:
            local = [one for one in weights.origins(WeightsParams(backbone=name)) if not one.online]
        if reachable(local, data_folder)[0]:
            found[name] = None
        elif name in there:
            found[name] = there[name]
    return found


def features(
    name: str, folder: Path | None, photos: Sequence[Photo], data_folder: Path | None, out: Path
) -> FeatureStore:
    """Return the features of the plain view of `photos` by the backbone `name`, at its own size, in the folder `out`.

    `folder` as `in_reach` has it. What lies in `out` already is taken if photos, weights, this library and those it
    runs on are the same.
    """
    with tempfile.TemporaryDirectory() as scratch:
        if folder is None:
            folder = Path(scratch) / "weights"
            weights.fetch(name, WeightsParams(backbone=name), folder, Path(scratch), data_folder)
        made_of = _made_of(folder, photos)
        if not (out / "key.json").is_file() or files.read_json(out / "key.json") != made_of:
            extract(photos, ViewParams(count=1), ExtractParams(), folder, out)
            files.write_json(out / "key.json", made_of)
    return FeatureStore(out)


def _made_of(folder: Path, photos: Sequence[Photo]) -> dict[str, Any]:
    return {
        "weights": files.read_json(folder / "backbone.json"),
        "photos": fingerprint({photo.name: photo.sha256 for photo in photos}),
        "code": origin.code(ROOMS),
    }
