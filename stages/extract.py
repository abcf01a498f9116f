"""extract: run the frozen backbone once over every view of every photo.

Reads `images.csv` and `views.json` (never the split), the raw photos and the backbone; writes `pooled.npy`, `maps.npy`
where the head is to pool, `inner.npy` where the backbone's last blocks are to train, all in images.csv order,
`features.json`, and the backbone as `backbone.onnx`. Of a task that is trained from pixels it keeps the pictures
themselves, `pixels.npy`. Params: `<task>.extract`.
"""

import argparse
from pathlib import Path

import numpy as np
import onnx

from sortline import backbones
from sortline._core import files
from sortline._core.errors import UserError, run
from sortline.config.augment import ViewParams
from sortline.config.base import load
from sortline.config.extract import ExtractParams
from sortline.data.augment.views import render
from sortline.data.images import open_rgb
from sortline.features import extraction, pixels


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task")
    for option in ("--prepared", "--raw", "--weights", "--out"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    params = load(args.task, "extract", ExtractParams)
    rows = files.read_csv(args.prepared / "images.csv")
    plan = ViewParams(**files.read_json(args.prepared / "views.json"))
    dataset = files.content_sha256({row["path"]: row["sha256"] for row in rows})[:16]
    if params.pixels:
        keep_pixels([args.raw / row["path"] for row in rows], params.image_size, params.colour, dataset, args.out)
        return
    photos = [extraction.Photo(args.raw / row["path"], row["sha256"]) for row in rows]

    backbone = backbones.load(args.weights)
    size = params.image_size
    if params.upto and params.upto > (backbone.blocks or 0):
        network = backbone.info["network"]
        raise UserError(f"params.yaml: extract.upto is {params.upto}, {network} has {backbone.blocks or 'no'} blocks")
    model = extraction.to_onnx(backbone, size, params.upto)
    if params.engine == "mindspore":
        engine = extraction.mindspore_engine(backbone, params.upto)
    else:
        engine = extraction.onnxruntime_engine(model)
        first = np.stack([render(open_rgb(photo.path), plan, 0, photo.key, size) for photo in photos[:2]])
        difference = extraction.check_engines(backbone, engine, first)
        print(f"ONNX Runtime against MindSpore: pooled features differ by at most {difference:.1e}")

    with files.replacing(args.out) as out:
        out.mkdir()
        maps = out / "maps.npy" if params.pool == "none" else None
        inner = out / "inner.npy" if params.upto else None
        extraction.extract(photos, plan, size, backbone, engine, out / "pooled.npy", maps, inner)
        about = {
            "backbone": backbone.info,
            "image_size": size,
            "engine": params.engine,
            "count": len(photos),
            "views": plan.count,
            "channels": backbone.net.channels,
            "dataset": dataset,
            "upto": params.upto,
        }
        files.write_json(out / "features.json", about)
        # For what comes after and needs a few more maps, without MindSpore.
        onnx.save(model, out / "backbone.onnx")


def keep_pixels(pictures: list[Path], size: int, colour: bool, dataset: str, out: Path) -> None:
    """Write `pixels.npy` and `features.json` into the folder `out`, whole or not at all."""
    with files.replacing(out) as temporary:
        temporary.mkdir()
        pixels.write(pictures, size, temporary / "pixels.npy", colour)
        about = {"image_size": size, "count": len(pictures), "channels": 3 if colour else 1, "dataset": dataset}
        files.write_json(temporary / "features.json", about)


if __name__ == "__main__":
    run(main)
