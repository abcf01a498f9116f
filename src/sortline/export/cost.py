"""What a backbone and a linear head cost: bytes and time."""

import time

import numpy as np
import onnx

from sortline.backbones.preprocessing import Preprocessing
from sortline.data.images import open_rgb, resize
from sortline.data.prepared import Photo
from sortline.evaluation.choice import Cost
from sortline.export import int8, onnx_model
from sortline.features.mapper import Mapper
from sortline.features.store import FeatureStore

TIMED = 15  # runs, of which the median counts


def cost(store: FeatureStore, photo: Photo, classes: int) -> Cost:
    """Return the cost of the backbone that made `store` and a linear head, timed on `photo`.

    A head's weight takes 4 bytes, or 1.
    """
    about, mapper = store.about, Mapper(store)
    picture = resize(open_rgb(photo.path, side=mapper.size), mapper.size)[None]
    scaling = Preprocessing(tuple(about["backbone"]["mean"]), tuple(about["backbone"]["std"]))
    times = []
    for _ in range(TIMED):
        begun = time.perf_counter()
        mapper.pooled(picture)
        times.append(time.perf_counter() - begun)
    head = classes * about["channels"]
    small = int8.backbone_bytes(onnx_model.upgraded(onnx.load(store.backbone)), scaling(picture))
    return Cost(store.backbone.stat().st_size + 4 * head, small + head, 1e3 * float(np.median(times)))
