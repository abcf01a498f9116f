"""Photos to what the store keeps of them: Feature Maps of the frozen backbone, once over every view, or the pixels."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from sortline import backbones
from sortline._core import files
from sortline._core.cores import on_all_cores
from sortline._core.errors import UserError
from sortline._core.origin import code
from sortline._core.photo_cache import PhotoCache, Place, opened
from sortline.backbones.loading import Backbone
from sortline.backbones.preprocessing import to_grey
from sortline.config.augment import ViewParams
from sortline.config.extract import ExtractParams
from sortline.data.datasets import open_picture
from sortline.data.images import frame, open_rgb, resize
from sortline.data.prepared import Photo, fingerprint
from sortline.features import ray_engine
from sortline.features.engines import EXPORTED, Engine, check_engines, mindspore_engine, to_onnx
from sortline.features.of_photo import OfPhoto
from sortline.features.ray_engine import Put
from sortline.features.store import KEPT, FeatureStore

# What decides features: as `extract` depends on in dvc.yaml.
ROOMS = ("_core", "config", "data", "backbones", "features")
Work = Callable[[Photo], dict[str, np.ndarray]]
PIXELS = 224  # a side of the pictures that are kept themselves, where params.yaml does not say


def extract(
    photos: Sequence[Photo],
    views: ViewParams,
    params: ExtractParams,
    weights: Path,
    out: Path,
    cache: Path | None = None,
) -> None:
    """Write what `params` keep of `photos`, in their order, into the folder `out`, whole or not at all.

    `weights`: the backbone's folder; unused for pixels. `cache`: a folder for what is worked out of each photo, from
    which another run goes on; None: none. Raises `UserError` where a photo cannot be opened or the backbone has not
    what `params` ask for.
    """
    place = None
    if cache is not None:
        wanted = params.model_dump(mode="json") | {"engine": params.runtime}
        asked = {"views": views.model_dump(mode="json"), "params": wanted}
        place = Place(cache, {**asked, "code": code(ROOMS)})
    with files.replacing(out) as folder:
        folder.mkdir()
        store = FeatureStore(folder)
        if params.pixels:
            about = keep_pixels(photos, params.image_size or PIXELS, params, store, place)
        else:
            about = run_backbone(photos, views, params, backbones.load(weights, params.image_size), store, place)
        dataset = fingerprint({photo.name: photo.sha256 for photo in photos})
        about |= {} if params.resize == "squeeze" else {"resize": params.resize}
        store.describe(about | {"count": len(photos), "dataset": dataset})


def keep_pixels(
    photos: Sequence[Photo], size: int, params: ExtractParams, store: FeatureStore, place: Place | None = None
) -> dict[str, Any]:
    """Keep the pictures themselves, resized, grey or in colour; return what there is to say about them."""

    def resized(photo: Photo) -> dict[str, np.ndarray]:
        pixels = resize(frame(open_picture(photo.path, size), params.resize), size)
        return {"pixels": pixels if colour else to_grey(pixels)}

    colour = params.colour
    shapes = {"pixels": (size, size, *([3] if colour else []))}
    # Grey ones are digits, which are read faster than they are looked up.
    keep(photos, resized, shapes, store, workers=1, place=place if colour else None)
    return {"channels": 3 if colour else 1, "image_size": size}


def run_backbone(
    photos: Sequence[Photo],
    views: ViewParams,
    params: ExtractParams,
    backbone: Backbone,
    store: FeatureStore,
    place: Place | None = None,
) -> dict[str, Any]:
    """Keep the Feature Maps, and the backbone itself for what needs a few more of them; return what was done."""
    size = backbone.size
    if params.upto and params.upto > (backbone.blocks or 0):
        network = backbone.info["network"]
        raise UserError(f"params.yaml: extract.upto is {params.upto}, {network} has {backbone.blocks or 'no'} blocks")
    model = to_onnx(backbone, size, params.upto)
    if params.engine == "mindspore":
        engine = mindspore_engine(backbone, params.upto)
    else:
        name, opened_by = EXPORTED[params.runtime]
        engine = opened_by(model)
        first = np.stack([resize(frame(open_rgb(photo.path, side=size), params.resize), size) for photo in photos[:2]])
        difference = check_engines(backbone, engine, first)
        print(f"{name} against MindSpore: pooled features differ by at most {difference:.1e}")
    place = place and replace(place, made_of=place.made_of | {"backbone": backbone.info})
    remote = model if params.engine == "ray" else None
    keep_maps(photos, views, size, backbone, engine, store, params.pool == "none", place, remote, params.resize)
    onnx.save(model, store.backbone)
    about = {"engine": params.runtime, "views": views.count, "upto": params.upto, "image_size": size}
    return about | {"backbone": backbone.info, "channels": backbone.net.channels}


def keep_maps(
    photos: Sequence[Photo], views: ViewParams, size: int, backbone: Backbone, engine: Engine, store: FeatureStore,
    maps: bool = False, place: Place | None = None, remote: onnx.ModelProto | None = None,
    how: str = "squeeze",
) -> None:  # fmt: skip
    """Keep pooled features of every view, with `maps` their last maps, and `inner` where `engine` has it.

    `remote`: the backbone for Ray's workers, which then do the work; None: this process does.
    """
    shapes = [output.shape[1:] for output in engine.run(np.zeros((1, 3, size, size), np.float32))]
    kept = {"pooled": (views.count, 2, *shapes[0])}
    if maps:
        kept["maps"] = (views.count, *shapes[2])
    if len(shapes) > 3:
        kept["inner"] = (views.count, *shapes[3])

    work = OfPhoto(views, size, backbone.preprocessing, how)
    if remote is not None:
        with filling(photos, kept, store, place) as (cache, put):
            if cache is None:
                raise ValueError("what Ray's workers find is kept in a cache; extract needs a folder for it")
            ray_engine.fill(photos, work, remote, cache, put)
        return

    def features(photo: Photo) -> dict[str, np.ndarray]:
        return work(engine.run, lambda side: open_rgb(photo.path, side=side), photo.sha256, photo.path)

    keep(photos, features, kept, store, engine.workers, place)


def keep(
    photos: Sequence[Photo], work: Work, shapes: dict[str, tuple[int, ...]], store: FeatureStore, workers: int,
    place: Place | None = None,
) -> None:  # fmt: skip
    """Put of each photo's `work` the arrays named in `shapes` into the store, in order, on so many threads."""
    with filling(photos, shapes, store, place) as (cache, put):

        def one(index: int) -> None:
            photo = photos[index]
            put(index, work(photo) if cache is None else cache.of(photo, work))

        for _ in on_all_cores(one, range(len(photos)), "extract", workers):
            pass


@contextmanager
def filling(
    photos: Sequence[Photo], shapes: dict[str, tuple[int, ...]], store: FeatureStore, place: Place | None
) -> Iterator[tuple[PhotoCache | None, Put]]:
    """Yield the cache at `place` and what puts a photo's arrays, named in `shapes`, into the store."""
    kinds = {what: (KEPT[what][0], shape) for what, shape in shapes.items()}
    # Through memory maps, so that memory does not grow with the number of photos.
    arrays = {what: store.create(what, (len(photos), *shape)) for what, shape in shapes.items()}

    def put(index: int, found: Mapping[str, np.ndarray]) -> None:
        for what, array in arrays.items():
            array[index] = found[what]

    try:
        with opened(place, kinds) as cache:
            yield cache, put
    finally:
        # Unmapped even while an error is on its way: Windows can neither rename nor remove a mapped file.
        arrays.clear()
