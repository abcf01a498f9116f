"""Loading published weights into our networks, strictly: every parameter exactly once, every shape equal."""

from collections.abc import Mapping

import mindspore
import numpy as np

from sortline._core.errors import UserError
from sortline.backbones import names
from sortline.backbones.mobilenet_v2 import MobileNetV2
from sortline.backbones.names import Net
from sortline.backbones.resnet import ResNet

# Entries a checkpoint may hold beside the backbone: its classifier, and what its training left behind.
LEFTOVERS = ("classifier.", "head.", "dense.", "end_point.", "moments.", "learning_rate", "momentum", "global_step",
             "epoch_num", "step_num", "scale_sense", "current_iterator_step",
             "last_overflow_iterator_step")  # fmt: skip


def load(net: Net, arrays: Mapping[str, np.ndarray], naming: str) -> None:
    """Load `arrays` (float32, by the release's own names) into `net`.

    `naming`: "folded" (MobileNetV2 alone: `stem.weight`, `stem.bias`, `blocks.00.expand.weight`...: batch norm folded
    in), "mindcv", "course". Raises `UserError` on a missing, surplus or wrongly shaped entry.
    """
    values = _unfolded(net, arrays) if naming == "folded" else _named(net, arrays, naming)
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


def _check_names(net: Net, wanted: set[str], found: set[str], naming: str) -> None:
    missing = sorted(wanted - found)
    surplus = sorted(name for name in found - wanted if not name.startswith(LEFTOVERS))
    if missing or surplus:
        raise UserError(
            f"backbone weights: not {title(net)} under the '{naming}' names: {len(missing)} entries missing "
            f"(first: {missing[:1]}), {len(surplus)} not known (first: {surplus[:1]})"
        )


def title(net: Net) -> str:
    """Return what people call the network."""
    return "MobileNetV2" if isinstance(net, MobileNetV2) else f"ResNet-{net.depth}"


def _named(net: Net, arrays: Mapping[str, np.ndarray], naming: str) -> dict[str, np.ndarray]:
    known = names.parameters(net, naming)
    _check_names(net, set(known.values()), set(arrays), naming)
    return {ours: _standard(np.asarray(arrays[theirs], np.float32)) for ours, theirs in known.items()}


def _standard(array: np.ndarray) -> np.ndarray:
    """Turn a depthwise kernel (1, C, k, k), as the first MindSpore releases kept it on Ascend, to (C, 1, k, k)."""
    depthwise = array.ndim == 4 and array.shape[0] == 1 and array.shape[2:] == (3, 3)
    return array.swapaxes(0, 1) if depthwise else array


def _unfolded(net: MobileNetV2, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Batch norm that does nothing but add the folded bias: gamma = sqrt(1 + eps), mean 0, variance 1."""
    theirs = {name: name if "." not in name else _folded_name(name) for name in names.convolutions(net)}
    _check_names(
        net, {f"{name}.{part}" for name in theirs.values() for part in ("weight", "bias")}, set(arrays), "folded"
    )
    values = {}
    for ours, name in theirs.items():
        bias = np.asarray(arrays[f"{name}.bias"], np.float32)
        values[f"{ours}.conv.weight"] = np.asarray(arrays[f"{name}.weight"], np.float32)
        values[f"{ours}.norm.gamma"] = np.full_like(bias, np.sqrt(1 + net.stem.norm.eps))
        values[f"{ours}.norm.beta"] = bias
        values[f"{ours}.norm.moving_mean"] = np.zeros_like(bias)
        values[f"{ours}.norm.moving_variance"] = np.ones_like(bias)
    return values


def _folded_name(name: str) -> str:
    _, block, layer = name.split(".")
    return f"blocks.{int(block):02d}.{layer}"


def randomise(net: Net, seed: int) -> None:
    """Give `net` He-normal convolutions (He et al. 2015) drawn from `seed`, identity batch norm, the same anywhere."""
    generator = np.random.default_rng(seed)
    for name, parameter in net.parameters_dict().items():
        if name.endswith("conv.weight"):
            fan_in = int(np.prod(parameter.shape[1:]))
            draw = generator.standard_normal(parameter.shape) * np.sqrt(2 / fan_in)
            parameter.set_data(mindspore.Tensor(draw.astype(np.float32)))


def draw(net: Net, seed: int) -> None:
    """Give `net` seeded random weights whose features still tell pictures apart, the same on any machine.

    A ResNet gets He-normal kernels, its residuals halved so that the sums do not grow from block to block. Through the
    52 untrained layers of a MobileNetV2 such weights bring every picture to nearly the same direction. So its pointwise
    convolutions are orthogonal (Saxe et al. 2014, arXiv:1312.6120), depthwise ones the identity plus noise, and biases
    spread the ReLU6 thresholds. Untrained all the same: it proves a pipeline, not an accuracy.
    """
    if isinstance(net, ResNet):
        randomise(net, seed)
        net.scale_residuals(0.5)
        return
    generator = np.random.default_rng(seed)
    for name, parameter in net.parameters_dict().items():
        if name.endswith("conv.weight"):
            value = _drawn_kernel(name, generator.standard_normal(parameter.shape))
        elif name.endswith("norm.beta") and ".project." not in name:
            value = 0.5 * generator.standard_normal(parameter.shape)
        else:
            continue
        parameter.set_data(mindspore.Tensor(value.astype(np.float32)))


def _drawn_kernel(name: str, noise: np.ndarray) -> np.ndarray:
    outputs, inputs = noise.shape[:2]
    if ".depthwise." in name:
        kernel = 0.2 * noise
        kernel[:, :, 1, 1] += 1
        return kernel
    if name.startswith("stem."):
        return noise * np.sqrt(2 / np.prod(noise.shape[1:]))
    tall = outputs >= inputs
    basis, _ = np.linalg.qr(noise[:, :, 0, 0] if tall else noise[:, :, 0, 0].T)
    gain = 0.7 if ".project." in name else np.sqrt(2 * max(1, outputs / inputs))
    return gain * (basis if tall else basis.T)[:, :, None, None]
