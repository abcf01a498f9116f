"""`sortline adopt FILE`: a published checkpoint, with the classifier that it has, as a model that predicts."""

import argparse
import tempfile
from pathlib import Path

from sortline._core.errors import UserError
from sortline._core.files import expanded
from sortline.cli._shared import paths
from sortline.cli._shared.tasks import check_name

SUMMARY = "make a model of a published checkpoint and its own classifier; nothing is trained"
EPILOG = """examples:
  sortline adopt resnet-50_209.ckpt --backbone resnet50 --release course --table mushrooms --name mushroom_course
  sortline predict photo.jpg --model models/mushroom_course/export

FILE is MindSpore's .ckpt, .safetensors, or a state_dict that PyTorch saved (.pth), of which tensors alone are read. The
release says how the backbone's parameters are called and photos scaled; the table names the classes in their order."""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", help="the checkpoint: .ckpt, .safetensors or .pth")
    command.add_argument("--backbone", required=True, metavar="NAME", help="the network, such as resnet50")
    command.add_argument("--release", required=True, metavar="NAME", help="whose names and scaling its weights have")
    command.add_argument(
        "--table", required=True, metavar="NAME", help="of its classes: a file in tables/, or built in"
    )
    command.add_argument("--name", required=True, help="the model's, which is put into models/NAME/export")


def main(options: argparse.Namespace) -> int:
    check_name(options.name)
    out = paths.export(options.name)
    if out.exists():
        raise UserError(f"{out.as_posix()}: is there already; take another --name, or move it away")
    from sortline.backbones import loading, registry, weights
    from sortline.config.weights import SUFFIXES, WeightsParams
    from sortline.data.classes import load_table
    from sortline.export import adopted

    file = expanded(options.file).resolve()
    if file.suffix not in SUFFIXES:
        raise UserError(f"{options.file}: should end in {' or '.join(SUFFIXES)}")
    if not file.is_file() or not file.stat().st_size:
        raise UserError(f"{options.file}: no such file, or an empty one; name a checkpoint")
    release = registry.get(options.backbone).release(options.release)
    table = load_table(options.table, paths.TABLES)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "weights"
        params = WeightsParams(backbone=options.backbone, release=options.release, path=str(file))
        weights.fetch(options.name, params, folder, Path(scratch), None)
        backbone = loading.load(folder)
        head = adopted.classifier_of(loading.arrays(folder), backbone.net.channels, options.file)
        labels = adopted.write(out, backbone, head, table, release, backbone.size, options.name)
    print(f"{out.as_posix()}: {len(labels['classes'])} classes; {labels['note']}")
    print(f"sortline predict PHOTO --model {out.as_posix()}")
    return 0
