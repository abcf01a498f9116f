"""Loading published weights into our MobileNetV2, strictly: every parameter exactly once, every shape equal."""

from collections.abc import Callable, Mapping

import mindspore
import numpy as np

from sortline.errors import UserError
from sortline.nets.mobilenetv2 import MobileNetV2

# Our suffix of a ConvNorm -> the suffixes of (convolution, batch norm) in MindSpore checkpoints.
NORM = ("gamma", "beta", "moving_mean", "moving_variance")


def _convolutions(net: MobileNetV2) -> list[str]:
    """Return the names of the net's ConvNorm cells in network order, e.g. `blocks.3.depthwise`."""
    return [name.removesuffix(".conv.weight") for name in net.parameters_dict() if name.endswith(".conv.weight")]


def _place(name: str) -> tuple[int, int]:
    """Return (index among stem = 0, blocks = 1.., last; position inside the block: expand, depthwise, project)."""
    if name == "stem":
        return 0, 0
    if name == "last":
        return 18, 0
    _, block, layer = name.split(".")
    return int(block) + 1, ("expand", "depthwise", "project").index(layer)


def _mindcv(name: str, net: MobileNetV2) -> tuple[str, str]:
    """MindCV's names: `features.{i}` flat for stem and last, `features.{i}.layers.{j}` inside a block."""
    index, position = _place(name)
    if index in (0, 18):
        first = 0 if index == 0 else 20
        return f"features.{first}", f"features.{first + 1}"
    if index == 1:
        position -= 1
    return f"features.{index + 2}.layers.{3 * position}", f"features.{index + 2}.layers.{3 * position + 1}"


def _course(name: str, net: MobileNetV2) -> tuple[str, str]:
    """The MindSpore model zoo's names: ConvBNReLU cells hold `features`, a block's cells are `conv.{j}`."""
    index, position = _place(name)
    if index in (0, 18):
        return f"features.{index}.features.0", f"features.{index}.features.1"
    if index == 1:
        position -= 1
    if name.endswith("project"):
        return f"features.{index}.conv.{position}", f"features.{index}.conv.{position + 1}"
    return f"features.{index}.conv.{position}.features.0", f"features.{index}.conv.{position}.features.1"


def _from_mindspore(naming: Callable[[str, MobileNetV2], tuple[str, str]], net: MobileNetV2) -> dict[str, str]:
    names = {}
    for ours in _convolutions(net):
        convolution, norm = naming(ours, net)
        names[f"{ours}.conv.weight"] = f"{convolution}.weight"
        names |= {f"{ours}.norm.{suffix}": f"{norm}.{suffix}" for suffix in NORM}
    return names


# Entries a checkpoint may hold beside the backbone: its classifier, and what its training left behind.
LEFTOVERS = ("classifier.", "head.", "dense.", "moments.", "learning_rate", "momentum", "global_step", "epoch_num",
             "step_num")  # fmt: skip


def load(net: MobileNetV2, arrays: Mapping[str, np.ndarray], naming: str) -> None:
    """Load `arrays` (float32, by the release's own names) into `net`.

    `naming`: "folded" (`stem.weight`, `stem.bias`, `blocks.00.expand.weight`...: batch norm folded in), "mindcv",
    "course". Raises `UserError` on a missing, surplus or wrongly shaped entry.
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


def _check_names(wanted: set[str], found: set[str], naming: str) -> None:
    missing = sorted(wanted - found)
    surplus = sorted(name for name in found - wanted if not name.startswith(LEFTOVERS))
    if missing or surplus:
        raise UserError(
            f"backbone weights: not MobileNetV2 under the '{naming}' names: {len(missing)} entries missing "
            f"(first: {missing[:1]}), {len(surplus)} not known (first: {surplus[:1]})"
        )


def _named(net: MobileNetV2, arrays: Mapping[str, np.ndarray], naming: str) -> dict[str, np.ndarray]:
    names = _from_mindspore({"mindcv": _mindcv, "course": _course}[naming], net)
    _check_names(set(names.values()), set(arrays), naming)
    return {ours: _standard(np.asarray(arrays[theirs], np.float32)) for ours, theirs in names.items()}


def _standard(array: np.ndarray) -> np.ndarray:
    """Turn a depthwise kernel (1, C, k, k), as the first MindSpore releases kept it on Ascend, to (C, 1, k, k)."""
    depthwise = array.ndim == 4 and array.shape[0] == 1 and array.shape[2:] == (3, 3)
    return array.swapaxes(0, 1) if depthwise else array


def _unfolded(net: MobileNetV2, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Batch norm that does nothing but add the folded bias: gamma = sqrt(1 + eps), mean 0, variance 1."""
    theirs = {name: name if "." not in name else _folded_name(name) for name in _convolutions(net)}
    _check_names({f"{name}.{part}" for name in theirs.values() for part in ("weight", "bias")}, set(arrays), "folded")
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


def randomise(net: MobileNetV2, seed: int) -> None:
    """Give `net` He-normal convolutions (He et al. 2015) drawn from `seed`, identity batch norm, the same anywhere."""
    generator = np.random.default_rng(seed)
    for name, parameter in net.parameters_dict().items():
        if name.endswith("conv.weight"):
            fan_in = int(np.prod(parameter.shape[1:]))
            draw = generator.standard_normal(parameter.shape) * np.sqrt(2 / fan_in)
            parameter.set_data(mindspore.Tensor(draw.astype(np.float32)))


def draw(net: MobileNetV2, seed: int) -> None:
    """Give `net` seeded random weights whose features still tell pictures apart, the same on any machine.

    He-normal weights do not: through 52 untrained layers every picture ends in nearly the same direction. So
    pointwise convolutions are orthogonal (Saxe et al. 2014, arXiv:1312.6120), depthwise ones the identity plus noise,
    and biases spread the ReLU6 thresholds. Untrained all the same: it proves a pipeline, not an accuracy.
    """
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
