"""Loading published weights into a net, strictly: every parameter exactly once, every shape equal."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import mindspore
import numpy as np
from mindspore import nn

from sortline._core.errors import UserError
from sortline.backbones.registry import NORM, Arrays, Release, Shapes, he_normal

# Entries a checkpoint may hold beside the backbone: its classifier,
CLASSIFIER = ("classifier.", "head.", "dense.", "end_point.", "_fc.")
# and what its training left behind: what MindSpore's optimizers keep of each parameter, under its name (SGD, Momentum,
# Adam and its relatives, RMSProp, Adagrad, Adadelta, FTRL, Lamb, Rprop, ASGD), MindCV's moving average of it,
# and sums of gradients,
STATES = ("accum.", "stat.", "moments.", "moment1.", "moment2.", "vhat.", "adam_m.", "adam_v.", "moment.",
          "mean_square.", "mean_grad.", "accum_update.", "linear.", "lamb_m.", "lamb_v.", "exp_avg.", "prev.",
          "step_size.", "eta_", "mu_", "ax_.", "ema.", "accu_grads.", "grad_accumulation.")  # fmt: skip
# and the numbers of schedule, optimizer, moving average and loss scale.
NUMBERS = {"learning_rate", "momentum", "weight_decay", "beta1_power", "beta2_power", "global_step", "epoch_num",
           "step_num", "updates", "counter", "ema_decay", "accumulation_step", "scale_sense", "scale_value",
           "loss_scale", "current_iterator_step", "last_overflow_iterator_step", "growth_tracker"}  # fmt: skip
COUNTER = ".num_batches_tracked"  # of each batch norm in PyTorch


def load(net: nn.Cell, arrays: Mapping[str, np.ndarray], release: Release, what: str = "this network") -> None:
    """Load `arrays` (float32, by the release's own names) into `net`.

    `what` the weights should be of is named in errors. Raises `UserError` on a missing, surplus or wrongly shaped
    entry; the net is then as it was.
    """
    values = _unfolded(net, arrays, release, what) if release.folded else _named(net, arrays, release, what)
    wanted = net.parameters_dict()
    for name, value in values.items():
        if value.shape != wanted[name].shape:
            raise UserError(
                f"backbone weights: '{name}' has shape {value.shape}, the network needs {wanted[name].shape}; "
                "is it another width or another network?"
            )
        if not np.isfinite(value).all():
            raise UserError(f"backbone weights: '{name}' holds NaN or Inf; the file is damaged")
    parameters = {name: mindspore.Parameter(value, name=name) for name, value in values.items()}
    not_loaded, not_in_net = mindspore.load_param_into_net(net, parameters, strict_load=True)
    if not_loaded or not_in_net:
        raise RuntimeError(f"not loaded: {not_loaded}; not in the network: {not_in_net}")


def draw(net: nn.Cell, seed: Any, how: Callable[[Shapes, Any], Arrays] = he_normal) -> None:
    """Give `net` the values that `how` draws of its parameters' shapes; the others stay."""
    parameters = net.parameters_dict()
    for name, value in how({name: parameter.shape for name, parameter in parameters.items()}, seed).items():
        parameters[name].set_data(mindspore.Tensor(value.astype(np.float32)))


def _convolutions(net: nn.Cell) -> list[str]:
    """Return the names of the net's ConvNorm cells in network order, e.g. `blocks.3.depthwise`."""
    return [name.removesuffix(".conv.weight") for name in net.parameters_dict() if name.endswith(".conv.weight")]


def _check_names(wanted: set[str], found: set[str], what: str) -> None:
    missing = sorted(wanted - found)
    surplus = sorted(name for name in found - wanted if not _is_left_over(name))
    if missing or surplus:
        raise UserError(
            f"backbone weights: not {what}: {len(missing)} entries missing (first: {missing[:1]}), "
            f"{len(surplus)} not known (first: {surplus[:1]})"
        )


def _is_left_over(name: str) -> bool:
    """Whether training leaves an entry of that name; a group of parameters has its own learning_rate_group_0, ..."""
    number = re.sub(r"(_group)?_\d+$", "", name)
    return name.startswith((*CLASSIFIER, *STATES)) or name.endswith(COUNTER) or number in NUMBERS


def _named(net: nn.Cell, arrays: Mapping[str, np.ndarray], release: Release, what: str) -> Arrays:
    # A parameter of no ConvNorm has the same name there and here.
    known = {name: name for name in net.parameters_dict()}
    for ours in _convolutions(net):
        convolution, norm = release.names(ours)
        known[f"{ours}.conv.weight"] = f"{convolution}.weight"
        known |= {f"{ours}.norm.{part}": f"{norm}.{name}" for part, name in zip(NORM, release.norm, strict=True)}
    _check_names(set(known.values()), set(arrays), what)
    return {ours: _standard(np.asarray(arrays[theirs], np.float32)) for ours, theirs in known.items()}


def _standard(array: np.ndarray) -> np.ndarray:
    """Turn a depthwise kernel (1, C, k, k), as the first MindSpore releases kept it on Ascend, to (C, 1, k, k)."""
    depthwise = array.ndim == 4 and array.shape[0] == 1 and array.shape[2:] == (3, 3)
    return array.swapaxes(0, 1) if depthwise else array


def _unfolded(net: nn.Cell, arrays: Mapping[str, np.ndarray], release: Release, what: str) -> Arrays:
    """Batch norm that does nothing but add the folded bias: gamma = sqrt(1 + eps), mean 0, variance 1."""
    theirs = {ours: release.names(ours)[0] for ours in _convolutions(net)}
    _check_names({f"{name}.{part}" for name in theirs.values() for part in ("weight", "bias")}, set(arrays), what)
    values = {}
    for ours, name in theirs.items():
        bias = np.asarray(arrays[f"{name}.bias"], np.float32)
        values[f"{ours}.conv.weight"] = np.asarray(arrays[f"{name}.weight"], np.float32)
        values[f"{ours}.norm.gamma"] = np.full_like(bias, np.sqrt(1 + release.bn_eps))
        values[f"{ours}.norm.beta"] = bias
        values[f"{ours}.norm.moving_mean"] = np.zeros_like(bias)
        values[f"{ours}.norm.moving_variance"] = np.ones_like(bias)
    return values
