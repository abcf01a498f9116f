"""What each published release of a network means: padding, preprocessing, parameter naming."""

from dataclasses import dataclass

from sortline._core.errors import UserError
from sortline.backbones.preprocessing import HALF, IMAGENET, Preprocessing


@dataclass(frozen=True)
class Release:
    """A published set of weights of one network."""

    title: str  # of a ResNet with {} for the depth
    padding: str  # "same": TensorFlow's; "symmetric": PyTorch's and MindSpore's
    preprocessing: Preprocessing
    naming: str  # a key of sortline.backbones.names.NAMINGS, or "folded", or "random"
    bn_eps: float
    licence: str


RELEASES = {
    "tensorflow": Release(
        title="MobileNetV2 1.0 224, TensorFlow model garden (8-bit release restored to float32)",
        padding="same",
        preprocessing=HALF,
        naming="folded",
        bn_eps=1e-3,
        licence="Apache-2.0",
    ),
    "mindcv": Release(
        title="MobileNetV2 1.0 224, MindCV",
        padding="symmetric",
        preprocessing=IMAGENET,
        naming="mindcv",
        bn_eps=1e-5,
        licence="Apache-2.0",
    ),
    "course": Release(
        title="MobileNetV2 1.0 224, MindSpore course checkpoint (200 epochs)",
        padding="symmetric",
        preprocessing=IMAGENET,
        naming="course",
        bn_eps=1e-5,
        licence="not stated",
    ),
    "random": Release(
        title="MobileNetV2 with seeded random weights (proves the pipeline, not the accuracy)",
        padding="symmetric",
        preprocessing=HALF,
        naming="random",
        bn_eps=1e-5,
        licence="none",
    ),
}

# Both houses stride in the 3x3 convolution and pool with "same" padding; the zoo pads everything so, with epsilon 1e-4.
RESNETS = {
    "mindcv": Release(
        title="ResNet-{}, MindCV (ImageNet-1k)",
        padding="symmetric",
        preprocessing=IMAGENET,
        naming="mindcv",
        bn_eps=1e-5,
        licence="Apache-2.0",
    ),
    "course": Release(
        title="ResNet-{}, trained by MindSpore's model zoo or a course's copy of it",
        padding="same",
        preprocessing=IMAGENET,
        naming="course",
        bn_eps=1e-4,
        licence="not stated",
    ),
    "random": Release(
        title="ResNet-{} with seeded random weights (proves the pipeline, not the accuracy)",
        padding="symmetric",
        preprocessing=HALF,
        naming="random",
        bn_eps=1e-5,
        licence="none",
    ),
}

MOBILENET = "mobilenet_v2"
DEPTHS = {f"resnet{depth}": depth for depth in (18, 34, 50, 101)}
NETWORKS = (MOBILENET, *DEPTHS)


def find(network: str, release: str) -> Release:
    """Return what `release` of `network` (one of NETWORKS) means; raise `UserError` where there is no such release."""
    if network == MOBILENET:
        known = RELEASES
    else:
        # The zoo's 18 and 34 differ from its 50 and 101 in names and padding, and nothing public uses them.
        known = {name: found for name, found in RESNETS.items() if name != "course" or DEPTHS[network] >= 50}
    if release not in known:
        raise UserError(f"no release '{release}' of {network}; there is: {', '.join(known)}")
    return known[release]
