"""extract: what a cell trains on, in the form of the line's stage extract. Usage: extract.py NAME --out FOLDER"""

import argparse
from pathlib import Path

from common import DATA, PARAMS, noted

from sortline import backbones
from sortline._core import files
from sortline._core.errors import run
from sortline.config.augment import ViewParams
from sortline.config.extract import ExtractParams
from sortline.features import extraction, pixels


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(argv)
    params = ExtractParams(**PARAMS[args.name])
    size = params.image_size
    rows = files.read_csv(DATA["prepared"] / "images.csv")
    about = {"image_size": size, "dataset": files.content_sha256({row["path"]: row["sha256"] for row in rows})[:16]}
    paths = [DATA["raw"] / row["path"] for row in rows]
    with noted(f"extract@{args.name}"), files.replacing(args.out) as out:
        out.mkdir()
        if params.pixels:
            pixels.write(paths, size, out / "pixels.npy", params.colour)
        else:
            plan = ViewParams(**files.read_json(DATA["prepared"] / "views.json"))
            photos = [extraction.Photo(path, row["sha256"]) for path, row in zip(paths, rows, strict=True)]
            backbone = backbones.load(DATA["weights"])
            engine = extraction.onnxruntime_engine(extraction.to_onnx(backbone, size, params.upto))
            inner = out / "inner.npy" if params.upto else None
            extraction.extract(photos, plan, size, backbone, engine, out / "pooled.npy", inner=inner)
            about |= {"backbone": backbone.info, "upto": params.upto}
        files.write_json(out / "features.json", about)


if __name__ == "__main__":
    run(main)
