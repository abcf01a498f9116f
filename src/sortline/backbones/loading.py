"""The frozen backbone from its folder (`backbone.json` and the weights as they came)."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mindspore
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from sortline._core import runtime
from sortline._core.errors import UserError
from sortline._core.files import read_json, sha256_file
from sortline.backbones import checkpoints, releases
from sortline.backbones.mobilenet_v2 import MobileNetV2
from sortline.backbones.names import Net
from sortline.backbones.preprocessing import Preprocessing
from sortline.backbones.releases import Release
from sortline.backbones.resnet import ResNet


@dataclass(frozen=True)
class Backbone:
    """A loaded backbone.

    `net` maps float32 (n, 3, S, S) to the last feature map (n, `net.channels`, S/32, S/32), batch norm in
    inference mode; `preprocessing` makes its input; `info` is what the features record about it.
    """

    net: Net
    preprocessing: Preprocessing
    info: dict[str, Any]


def load(folder: Path) -> Backbone:
    """Load the backbone of `folder`; raise `UserError` where the file does not hold what it should."""
    runtime.prepare()
    about = read_json(folder / "backbone.json")
    if about["release"] == "none":
        raise UserError(
            f"{folder}: the task has no backbone (weights: none); set extract.pixels to true, or name weights"
        )
    network = about.get("network", releases.MOBILENET)  # there was no other network once
    release = releases.find(network, about["release"])
    net = build(network, release, about["width"])
    if about["file"] is None:
        checkpoints.draw(net, about["seed"])
    else:
        path = folder / about["file"]
        if sha256_file(path) != about["sha256"]:
            raise UserError(f"{path}: changed since it was fetched (sha256 differs); run `dvc repro -f weights@TASK`")
        checkpoints.load(net, _read(path), release.naming)
    net.set_train(False)
    info = {
        "network": network,
        "release": about["release"],
        "title": release.title.format(releases.DEPTHS.get(network)),
        "width": about["width"],
        "padding": release.padding,
        "sha256": about["sha256"],
        "seed": about["seed"],
        "mean": list(release.preprocessing.mean),
        "std": list(release.preprocessing.std),
        "channel_order": "RGB",
        "resize": "bilinear, antialiased",
    }
    return Backbone(net, release.preprocessing, info)


def build(network: str, release: Release, width: float = 1.0, zero_last: bool = False) -> Net:
    """Return the network `network` (one of releases.NETWORKS) as `release` has it, with MindSpore's initial weights.

    `width` is MobileNetV2's alone, `zero_last` ResNet's (see there).
    """
    if network == releases.MOBILENET:
        return MobileNetV2(width, release.padding, release.bn_eps)
    return ResNet(releases.DEPTHS[network], release.padding, release.bn_eps, zero_last)


def _read(path: Path) -> dict[str, np.ndarray]:
    if path.suffix == ".safetensors":
        try:
            return load_file(path)
        except SafetensorError as error:
            raise UserError(f"{path}: not a safetensors file ({error})") from None
    # MindSpore's own reader fails on paths that are not ASCII.
    with tempfile.TemporaryDirectory() as scratch:
        copy = shutil.copy(path, Path(scratch) / "backbone.ckpt")
        try:
            parameters = mindspore.load_checkpoint(str(copy))
        except ValueError:
            raise UserError(f"{path}: not a MindSpore checkpoint, or one cut off; fetch it again") from None
    return {name: parameter.asnumpy() for name, parameter in parameters.items()}
