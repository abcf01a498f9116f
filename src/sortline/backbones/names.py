"""What our parameters are called in public MindSpore checkpoints."""

from collections.abc import Callable

from sortline.backbones.mobilenet_v2 import MobileNetV2
from sortline.backbones.resnet import ResNet

NORM = ("gamma", "beta", "moving_mean", "moving_variance")

Net = MobileNetV2 | ResNet


def convolutions(net: Net) -> list[str]:
    """Return the names of the net's ConvNorm cells in network order, e.g. `blocks.3.depthwise`."""
    return [name.removesuffix(".conv.weight") for name in net.parameters_dict() if name.endswith(".conv.weight")]


def place(name: str) -> tuple[int, int]:
    """Return where a MobileNetV2 layer is: (stem 0, blocks 1 to 17, last 18; expand 0, depthwise 1, project 2)."""
    if name == "stem":
        return 0, 0
    if name == "last":
        return 18, 0
    _, block, layer = name.split(".")
    return int(block) + 1, ("expand", "depthwise", "project").index(layer)


def _mobilenet_mindcv(name: str) -> tuple[str, str]:
    """MindCV's names: `features.{i}` flat for stem and last, `features.{i}.layers.{j}` inside a block."""
    index, position = place(name)
    if index in (0, 18):
        first = 0 if index == 0 else 20
        return f"features.{first}", f"features.{first + 1}"
    if index == 1:
        position -= 1
    return f"features.{index + 2}.layers.{3 * position}", f"features.{index + 2}.layers.{3 * position + 1}"


def _mobilenet_course(name: str) -> tuple[str, str]:
    """The MindSpore model zoo's names: ConvBNReLU cells hold `features`, a block's cells are `conv.{j}`."""
    index, position = place(name)
    if index in (0, 18):
        return f"features.{index}.features.0", f"features.{index}.features.1"
    if index == 1:
        position -= 1
    if name.endswith("project"):
        return f"features.{index}.conv.{position}", f"features.{index}.conv.{position + 1}"
    return f"features.{index}.conv.{position}.features.0", f"features.{index}.conv.{position}.features.1"


def _resnet(name: str, shortcut: str) -> tuple[str, str]:
    """`layer1.0.conv1` and `layer1.0.bn1`; the shortcut of a block is a sequence, under another name in each house."""
    if name == "stem":
        return "conv1", "bn1"
    _, stage, block, layer = name.split(".")
    cell = f"layer{int(stage) + 1}.{block}"
    if layer == "shortcut":
        return f"{cell}.{shortcut}.0", f"{cell}.{shortcut}.1"
    return f"{cell}.{layer}", f"{cell}.{layer.replace('conv', 'bn')}"


def _resnet_mindcv(name: str) -> tuple[str, str]:
    """MindCV, mindcv/models/resnet.py."""
    return _resnet(name, "down_sample")


def _resnet_course(name: str) -> tuple[str, str]:
    """MindSpore's model zoo, official/cv/resnet/src/resnet.py, bottleneck blocks, and the courses' copies of it."""
    return _resnet(name, "down_sample_layer")


# Our name of a ConvNorm to theirs of (convolution, batch norm).
NAMINGS: dict[type, dict[str, Callable[[str], tuple[str, str]]]] = {
    MobileNetV2: {"mindcv": _mobilenet_mindcv, "course": _mobilenet_course},
    ResNet: {"mindcv": _resnet_mindcv, "course": _resnet_course},
}


def parameters(net: Net, naming: str) -> dict[str, str]:
    """Return {our name: theirs} of every parameter of `net`; `naming` is "mindcv" or "course"."""
    names = {}
    for ours in convolutions(net):
        convolution, norm = NAMINGS[type(net)][naming](ours)
        names[f"{ours}.conv.weight"] = f"{convolution}.weight"
        names |= {f"{ours}.norm.{suffix}": f"{norm}.{suffix}" for suffix in NORM}
    return names
