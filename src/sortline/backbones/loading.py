"""The frozen backbone from its folder (`backbone.json` and the weights as they came)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import nn

from sortline._core import parameters, runtime
from sortline._core.errors import UserError
from sortline._core.files import read_json, sha256_file
from sortline.backbones import checkpoints, mindspore_file, registry
from sortline.backbones.layers import Pooled
from sortline.backbones.preprocessing import Preprocessing


@dataclass(frozen=True)
class Backbone:
    """A loaded backbone.

    `net` maps float32 (n, 3, S, S) to the last feature map (n, `net.channels`, S/32, S/32), batch norm in
    inference mode; `preprocessing` makes its input; `info` is what the features record about it.
    """

    net: nn.Cell
    preprocessing: Preprocessing
    info: dict[str, Any]

    @property
    def blocks(self) -> int | None:
        """How many blocks the net can be cut between; None where it is of another shape."""
        return len(self.net.blocks) if hasattr(self.net, "blocks") else None

    def pooled(self, upto: int | None = None) -> Pooled:
        """Return the net with both poolings, and with `upto` the map before its last so many blocks too."""
        return Pooled(self.net, upto).set_train(False)


def load(folder: Path) -> Backbone:
    """Load the backbone of `folder`; raise `UserError` where the file does not hold what it should."""
    runtime.prepare()
    about = read_json(folder / "backbone.json")
    if about["release"] == "none":
        raise UserError(
            f"{folder}: the task has no backbone (weights: {{backbone: null}}); set extract.pixels to true, or name one"
        )
    network = registry.get(about["network"])
    release = network.release(about["release"])
    net = network.net(release, about["width"])
    if about["file"] is None:
        checkpoints.draw(net, about["seed"], network.draw)
    else:
        path = folder / about["file"]
        if sha256_file(path) != about["sha256"]:
            raise UserError(f"{path}: changed since it was fetched (sha256 differs); run `dvc repro -f weights@TASK`")
        what = f"{network.title} under the names of release '{about['release']}'"
        checkpoints.load(net, _read(path), release, what)
    net.set_train(False)
    info = {
        "network": about["network"],
        "release": about["release"],
        "title": release.title,
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


def _read(path: Path) -> dict[str, np.ndarray]:
    if path.suffix == ".safetensors":
        return parameters.read(path, "fetch it again: dvc repro -f weights@TASK")
    return mindspore_file.read(path)
