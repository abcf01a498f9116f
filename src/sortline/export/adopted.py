"""A published checkpoint with a classifier of its own, as a model that predicts: nothing is trained or measured."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from sortline import __version__
from sortline._core import files
from sortline._core.errors import UserError
from sortline.backbones import loading
from sortline.backbones.checkpoints import CLASSIFIER
from sortline.backbones.registry import Release
from sortline.data.classes import ClassTable
from sortline.export import onnx_model, sums
from sortline.export.network import HeadOnBackbone
from sortline.features.heads import Head

UNMEASURED = "as it was published: no accuracy of it was measured here"


def classifier_of(arrays: Mapping[str, np.ndarray], channels: int, where: object) -> Head:
    """Return the linear head in a checkpoint's `arrays`: of `channels` pooled features.

    A 1x1 convolution counts as the dense layer that it is. Raises `UserError` naming `where` unless there is one.
    """
    shapes = {name: array.squeeze((2, 3)) if array.shape[2:] == (1, 1) else array for name, array in arrays.items()}
    own = {name.removesuffix(".weight"): array for name, array in shapes.items()
           if name.startswith(CLASSIFIER) and name.endswith(".weight") and array.ndim == 2}  # fmt: skip
    found = [name for name, array in own.items() if array.shape[1] == channels]
    if len(found) != 1 or len(own) != 1:
        said = ", ".join(f"{name} {array.shape}" for name, array in own.items()) or "none"
        raise UserError(f"{where}: needs one linear classifier of {channels} features; there is: {said}")
    weight, bias = own[found[0]], arrays.get(f"{found[0]}.bias")
    bias = np.zeros(len(weight)) if bias is None else bias
    if bias.shape != (len(weight),) or not (np.isfinite(weight).all() and np.isfinite(bias).all()):
        raise UserError(f"{where}: '{found[0]}' has a bias that does not fit, or NaN or Inf in it; fetch it again")
    return Head(np.ascontiguousarray(weight, np.float32), np.ascontiguousarray(bias, np.float32), "mean")


def write(
    out: Path, backbone: loading.Backbone, head: Head, table: ClassTable, release: Release, size: int, name: str
) -> dict[str, Any]:
    """Write model.onnx and labels.json into the folder `out`, whole or not at all; return the labels.

    `name`: what the model is called. Raises `UserError` where the table has other classes than the head.
    """
    if len(table.classes) != len(head.bias):
        raise UserError(
            f"the checkpoint knows {len(head.bias)} classes, table '{table.name}' {len(table.classes)}; name its own"
        )
    note = "; ".join(filter(None, (release.title, UNMEASURED, release.saw)))
    labels: dict[str, Any] = {"task": name, "classes": list(table.classes), "bins": list(table.bins), "note": note}
    labels |= {"threshold": None, "cam": True, "image_size": size}
    network = HeadOnBackbone(backbone.net, head)
    network.set_train(False)
    graph = onnx_model.network_graph(network, size)
    onnx_model.add_cam(graph, head)
    about = {"labels": labels, "sortline_version": __version__, "dataset": "", "backbone": backbone.info}
    model = onnx_model.self_contained(graph, backbone.preprocessing, size, about)
    with files.replacing(out) as folder:
        folder.mkdir()
        onnx.save(model, folder / "model.onnx")
        files.write_json(folder / "labels.json", labels)
        sums.write(folder)
    return labels
