"""The frozen backbone from its folder (`backbone.json` and the weights as they came)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import nn

from sortline._core import parameters, runtime
from sortline._core.errors import UserError
from sortline._core.files import read_json, sha256_file
from sortline.backbones import checkpoints, mindspore_file, registry
from sortline.backbones.joined import JoinedBackbone, members
from sortline.backbones.layers import Pooled
from sortline.backbones.preprocessing import UNSCALED, Preprocessing
from sortline.backbones.registry import Credit


@dataclass(frozen=True)
class Backbone:
    """A loaded backbone.

    `net` maps float32 (n, 3, S, S) to the last feature map (n, `net.channels`, S/32, S/32), batch norm in
    inference mode; `preprocessing` makes its input, of pictures of `size` a side; `info` is what the features record
    about it; `credits` say whose weights they are.
    """

    net: nn.Cell
    preprocessing: Preprocessing
    info: dict[str, Any]
    size: int = 224
    credits: tuple[Credit, ...] = ()

    @property
    def blocks(self) -> int | None:
        """How many blocks the net, or the shortest of joined ones, can be cut between; None where one is of another
        shape."""
        counts = [len(net.blocks) if hasattr(net, "blocks") else 0 for net in members(self.net)]
        return min(counts) or None

    def pooled(self, upto: int | None = None) -> Pooled:
        """Return the net with both poolings, and with `upto` the map before its last so many blocks too."""
        return Pooled(self.net, upto).set_train(False)


def load(folder: Path, size: int | None = None) -> Backbone:
    """Load the backbone of `folder`, one or joined ones, for pictures of `size` a side (None: its own, the largest).

    Raises `UserError` where a file does not hold what it should.
    """
    runtime.prepare()
    about = read_json(folder / "backbone.json")
    if "joined" in about:
        return join([load(folder / name) for name in about["joined"]], size)
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
    return Backbone(net, release.preprocessing, info, size or release.size, (network.credit(release),))


def arrays(folder: Path) -> dict[str, np.ndarray]:
    """Return everything that the file of the one backbone in `folder` holds, by the names there."""
    return _read(folder / read_json(folder / "backbone.json")["file"])


def join(backbones: Sequence[Backbone], size: int | None = None) -> Backbone:
    """Return the backbones as one; see `JoinedBackbone`. `size`: of the pictures (None: the largest of theirs)."""
    size = size or max(one.size for one in backbones)
    infos = [one.info for one in backbones]
    info = {key: "+".join(one[key] for one in infos) for key in ("network", "release")}
    info["title"] = " and ".join(one["title"] for one in infos)
    same = {key: infos[0][key] for key in ("channel_order", "resize")}
    raw = {"mean": list(UNSCALED.mean), "std": list(UNSCALED.std)}
    net = JoinedBackbone([(one.net, one.preprocessing, one.size) for one in backbones], size).set_train(False)
    credits = tuple(credit for one in backbones for credit in one.credits)
    return Backbone(net, UNSCALED, {**info, **same, **raw, "width": None, "joined": infos}, size, credits)


def _read(path: Path) -> dict[str, np.ndarray]:
    if path.suffix == ".safetensors":
        return parameters.read(path, "fetch it again: dvc repro -f weights@TASK")
    return mindspore_file.read(path)
