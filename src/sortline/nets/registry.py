"""The nets that are trained whole, by name: built, initialized from a seed, their values taken and set strictly."""

import importlib
import pkgutil
import sys
from collections.abc import Callable
from typing import Any

import mindspore
import numpy as np
from mindspore import nn

from sortline._core import parameters
from sortline.backbones.preprocessing import GREY, Preprocessing
from sortline.nets.low_rank import merged_weights

# The files here that are about nets and list none.
APART = {"registry", "dcgan", "fit", "finetune", "inputs", "out_of_fold", "batches", "net_graphs", "net_loss", "simclr",
         "softmax"}  # fmt: skip


def _found() -> dict[str, Callable[..., nn.Cell]]:
    """Return what the files of this folder list as their `NETS`: a net's name, and what builds it from `classes`."""
    files = [info.name for info in pkgutil.iter_modules(sys.modules[__package__].__path__) if info.name not in APART]
    modules = [importlib.import_module(f"{__package__}.{name}") for name in files]
    return {name: build for module in modules for name, build in getattr(module, "NETS", {}).items()}


NETS = _found()


def build(name: str, classes: int, options: dict[str, Any]) -> nn.Cell:
    """Return the net `name`, its parameters not yet meant for use; `options` as its class takes them.

    Joined backbones have their names with a + between them.
    """
    return NETS["joined"](classes, network=name, **options) if "+" in name else NETS[name](classes, **options)


def initialize(net: nn.Cell, seed: int) -> None:
    """Give every weight and bias a uniform draw within +-1/sqrt(fan-in), seeded, the same on any machine.

    What PyTorch's layers start from; LeCun et al. 1998, "Efficient BackProp", section 4.6, up to a constant.
    Batch norm and sub-sampling stay as they are built: the identity, the average. A PhotoNet has a start of its own.
    """
    if hasattr(net, "initialize"):
        net.initialize(seed)
        return
    generator = np.random.default_rng(seed)
    for _, cell in net.cells_and_names():
        weight = getattr(cell, "weight", None)
        if not isinstance(weight, mindspore.Parameter):
            continue
        fan_in = getattr(cell, "fan_in", None) or np.prod(weight.shape[1:])
        for parameter in (weight, cell.bias):
            if isinstance(parameter, mindspore.Parameter):
                draw = generator.uniform(-1, 1, parameter.shape) / np.sqrt(fan_in)
                parameter.set_data(mindspore.Tensor(draw.astype(np.float32)))


def values(net: nn.Cell) -> dict[str, np.ndarray]:
    """Return all parameters, the statistics of batch norm too, by name; low-rank updates merged into their weights."""
    merged = merged_weights(net)
    kept = {name: value for name, value in net.parameters_dict().items() if not name.endswith((".down", ".up"))}
    return {name: merged.get(name, value.asnumpy().copy()) for name, value in kept.items()}


def set_values(net: nn.Cell, arrays: dict[str, np.ndarray], where: object) -> None:
    """Put `arrays` into the net; raise `UserError` naming `where` unless names and shapes are the net's."""
    parameters.check({name: parameter.shape for name, parameter in net.parameters_dict().items()}, arrays, where)
    for name, parameter in net.parameters_dict().items():
        parameter.set_data(mindspore.Tensor(arrays[name]))


def preprocessing(net: nn.Cell) -> Preprocessing:
    """Return what makes the net's input of uint8 pixels."""
    return getattr(net, "preprocessing", GREY)
