"""Published weights into our network: the very names of two public releases, and nothing that does not fit."""

import hashlib
from dataclasses import replace
from functools import cache
from pathlib import Path

import mindspore
import numpy as np
import pytest
from batch_norms import PARTS, waves

from sortline._core.errors import UserError
from sortline.backbones import checkpoints, mobilenet_v2
from sortline.backbones.layers import BlockNet, Pooled

pytestmark = pytest.mark.usefixtures("pynative_mode")

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
WIDTH = 0.35
SEED = 5
# (convolution, batch norm) of every layer, in network order.
# MindCV 0.3, mindcv/models/mobilenetv2.py: convolution, norm and ReLU6 stand one after the other in `features`
# (stem 0 to 2, blocks 3 to 19, last 20 to 22) and in each block's `layers`; block 0 does not expand.
MINDCV = [
    ("features.0", "features.1"),
    ("features.3.layers.0", "features.3.layers.1"),
    ("features.3.layers.3", "features.3.layers.4"),
    *((f"features.{b}.layers.{j}", f"features.{b}.layers.{j + 1}") for b in range(4, 20) for j in (0, 3, 6)),
    ("features.20", "features.21"),
]
# MindSpore's model zoo, official/cv/MobileNet/mobilenetv2/src/mobilenetV2.py, and the courses' copies of it: a
# ConvBNReLU cell (stem 0, last 18, expand and depthwise) holds `features`, a block's cells stand in its `conv`, and its
# projection is a bare convolution and norm.
COURSE = [
    ("features.0.features.0", "features.0.features.1"),
    ("features.1.conv.0.features.0", "features.1.conv.0.features.1"),
    ("features.1.conv.1", "features.1.conv.2"),
    *(
        pair
        for b in range(2, 18)
        for pair in (
            (f"features.{b}.conv.0.features.0", f"features.{b}.conv.0.features.1"),
            (f"features.{b}.conv.1.features.0", f"features.{b}.conv.1.features.1"),
            (f"features.{b}.conv.2", f"features.{b}.conv.3"),
        )
    ),
    ("features.18.features.0", "features.18.features.1"),
]
# As the weights' data sheet names them: batch norm folded into weight and bias.
FOLDED = [
    "stem",
    "blocks.00.depthwise",
    "blocks.00.project",
    *(f"blocks.{b:02}.{layer}" for b in range(1, 17) for layer in ("expand", "depthwise", "project")),
    "last",
]
LAYERS = {"mindcv": MINDCV, "course": COURSE}
RELEASES = dict(zip(("folded", "mindcv", "course"), mobilenet_v2.NETWORKS[0].releases.values(), strict=True))
# sha256 of the backbone's 260 names, sorted, one a line, as those two classes list them in MindSpore 2.10.
PUBLIC_NAMES = {
    "mindcv": "8d588811758b4e76a08d8891537807deb39a3aaf8636d54913ec698fd14de8a3",
    "course": "4901f346e0c5b27f81f14ebe256ddc1c3558c907ec73c584aca0c6061e80c391",
}


@cache
def layers() -> list[dict[str, np.ndarray]]:
    """Weights of the net of tests/golden/make_mobilenetv2.py at width 0.35, layer after layer."""
    net = mobilenet_v2.build(WIDTH)
    checkpoints.draw(net, SEED)
    kernels = [p.asnumpy() for name, p in net.parameters_dict().items() if name.endswith("conv.weight")]
    assert len(kernels) == 52
    return [{"weight": kernel} | waves(k, len(kernel), 0.8) for k, kernel in enumerate(kernels)]


def published(naming: str) -> dict[str, np.ndarray]:
    """The backbone's entries under the names of a release."""
    arrays = {}
    for (convolution, norm), layer in zip(LAYERS[naming], layers(), strict=True):
        arrays[f"{convolution}.weight"] = layer["weight"]
        arrays |= {f"{norm}.{part}": layer[part] for part in PARTS}
    return arrays


def folded(eps: float) -> dict[str, np.ndarray]:
    """Batch norm folded by hand: weight * gamma / sqrt(variance + eps), bias beta - mean * gamma / sqrt(...)."""
    arrays = {}
    for name, layer in zip(FOLDED, layers(), strict=True):
        scale = layer["gamma"] / np.sqrt(layer["moving_variance"] + eps)
        arrays[f"{name}.weight"] = (layer["weight"] * scale[:, None, None, None]).astype(np.float32)
        arrays[f"{name}.bias"] = (layer["beta"] - layer["moving_mean"] * scale).astype(np.float32)
    return arrays


def differs(net: BlockNet, padding: str) -> float:
    """Largest difference of mean and max from PyTorch's, relative to the largest feature."""
    golden = np.load(GOLDEN / f"mobilenetv2_{WIDTH}.npz", allow_pickle=False)
    images = np.random.default_rng(64).uniform(-1, 1, (2, 3, 64, 64)).astype(np.float32)
    mean, maximum, _ = (output.asnumpy() for output in Pooled(net).set_train(False)(mindspore.Tensor(images)))
    pairs = ((mean, golden[f"{padding}_64_mean"]), (maximum, golden[f"{padding}_64_max"]))
    return max(float(np.abs(ours[:, ::8] - theirs).max() / np.abs(theirs).max()) for ours, theirs in pairs)


def loaded(arrays: dict[str, np.ndarray], naming: str) -> BlockNet:
    net = mobilenet_v2.build(WIDTH, "symmetric", 1e-5)
    checkpoints.load(net, arrays, replace(RELEASES[naming], bn_eps=1e-5))
    return net


@cache
def empty_net(width: float) -> tuple[BlockNet, dict[str, np.ndarray]]:
    net = mobilenet_v2.build(width)
    return net, {name: parameter.asnumpy().copy() for name, parameter in net.parameters_dict().items()}


def refusal(arrays: dict[str, np.ndarray], naming: str = "mindcv", width: float = WIDTH) -> str:
    """The one line of the refusal, which must leave the net as it was."""
    net, before = empty_net(width)
    with pytest.raises(UserError) as caught:
        checkpoints.load(net, arrays, RELEASES[naming], f"MobileNetV2 by {naming}")
    assert all(np.array_equal(parameter.asnumpy(), before[name]) for name, parameter in net.parameters_dict().items())
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize("naming", ["mindcv", "course"])
def test_the_names_in_these_tests_are_the_public_ones(naming):
    names = sorted(published(naming))
    assert len(names) == 260
    assert hashlib.sha256("\n".join(names).encode()).hexdigest() == PUBLIC_NAMES[naming]


@pytest.mark.parametrize("naming", ["mindcv", "course"])
def test_a_public_naming_gives_the_features_of_the_same_weights_in_pytorch(naming):
    assert differs(loaded(published(naming), naming), "symmetric") < 1e-4


@pytest.mark.parametrize("naming", ["mindcv", "course"])
def test_every_entry_lands_in_its_own_parameter(naming):
    net = loaded(published(naming), naming)
    parameters = net.parameters_dict()
    convolutions = [name.removesuffix(".conv.weight") for name in parameters if name.endswith(".conv.weight")]
    for name, layer in zip(convolutions, layers(), strict=True):
        assert np.array_equal(parameters[f"{name}.conv.weight"].asnumpy(), layer["weight"]), name
        for part in PARTS:
            assert np.array_equal(parameters[f"{name}.norm.{part}"].asnumpy(), layer[part]), (name, part)


def test_folded_weights_give_the_features_of_the_live_batch_norm_in_pytorch():
    net = mobilenet_v2.build(WIDTH, "same", 1e-3)
    checkpoints.load(net, folded(1e-3), RELEASES["folded"])
    assert differs(net, "same") < 1e-4
    assert differs(net, "symmetric") > 0.05


CLASSIFIERS = {
    "folded": ["classifier.weight", "classifier.bias"],
    "mindcv": ["classifier.1.weight", "classifier.1.bias"],
    "course": ["head.1.weight", "head.1.bias"],  # the zoo up to MindSpore 1.x, and the courses' copies
    "course of 1.7": ["dense.weight", "dense.bias"],  # the zoo since
}


@pytest.mark.parametrize("release", CLASSIFIERS)
def test_the_classifier_is_left_out(release):
    naming = release.split()[0]
    arrays = folded(1e-5) if naming == "folded" else published(naming)
    arrays |= {name: np.ones((1000, 1280) if "weight" in name else 1000, np.float32) for name in CLASSIFIERS[release]}
    assert differs(loaded(arrays, naming), "symmetric") < 1e-4


@pytest.mark.parametrize("naming", ["mindcv", "course"])
def test_what_momentum_leaves_in_a_checkpoint_is_left_out(naming):
    """As ModelCheckpoint writes it with nn.Momentum and a schedule."""
    arrays = published(naming)
    trained = [name for name in arrays if "moving_" not in name]
    arrays |= {f"moments.{name}": np.zeros_like(arrays[name]) for name in trained}
    arrays |= {
        "learning_rate": np.linspace(0.1, 0, 50, dtype=np.float32),
        "momentum": np.array(0.9, np.float32),
        "global_step": np.array([50], np.int32),
        "epoch_num": np.array(1, np.int32),
        "step_num": np.array(50, np.int32),
    }
    assert differs(loaded(arrays, naming), "symmetric") < 1e-4


OPTIMIZERS = {"SGD": {"momentum": 0.9}, "Momentum": {"momentum": 0.9}, "Adam": {"use_amsgrad": True},
              "RMSProp": {"centered": True}} | dict.fromkeys(("AdamWeightDecay", "AdaMax", "LazyAdam", "Adagrad",
              "Adadelta", "FTRL", "ProximalAdagrad", "Lamb", "Rprop", "ASGD"), {})  # fmt: skip


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_what_any_optimizer_of_mindspore_keeps_is_left_out(name):
    net = mobilenet_v2.build(WIDTH, "symmetric", 1e-5)
    # A schedule, and two groups with a rate each: their rates are parameters too. FTRL takes none of it.
    trained, rate = net.trainable_params(), [0.1, 0.05]
    groups = [{"params": trained[:2], "lr": rate}, {"params": trained[2:]}]
    options = {"params": trained if name == "FTRL" else groups, "learning_rate": 0.1} | OPTIMIZERS[name]
    kept = {one.name for one in getattr(mindspore.nn, name)(**options).get_parameters()}
    kept -= {one.name for one in trained}
    assert len(kept) > len(trained)
    arrays = published("mindcv") | {one: np.zeros(3, np.float32) for one in kept}
    arrays |= {f"ema.{one.name}": np.zeros(3, np.float32) for one in trained} | {"updates": np.zeros((), np.float32)}
    loaded(arrays, "mindcv")


def test_depthwise_kernels_of_the_old_ascend_layout_are_turned():
    """The first MindSpore releases kept them as (1, C, 3, 3) on Ascend; the zoo has a `..._cpu_gpu.ckpt` beside."""
    arrays = published("course")
    depthwise = [name for name, array in arrays.items() if array.ndim == 4 and array.shape[1:] == (1, 3, 3)]
    assert len(depthwise) == 17
    arrays |= {name: arrays[name].swapaxes(0, 1) for name in depthwise}
    assert differs(loaded(arrays, "course"), "symmetric") < 1e-4


@pytest.mark.parametrize(
    ("naming", "entry"),
    [
        ("mindcv", "features.3.layers.4.moving_variance"),
        ("course", "features.17.conv.2.weight"),
        ("folded", "blocks.16.project.bias"),
    ],
)
def test_a_missing_entry_is_named(naming, entry):
    arrays = folded(1e-3) if naming == "folded" else published(naming)
    del arrays[entry]
    assert f"1 entries missing (first: ['{entry}']), 0 not known" in refusal(arrays, naming)


@pytest.mark.parametrize(
    ("naming", "entry"),
    [
        ("mindcv", "features.3.layers.6.weight"),  # an expansion in block 0 would be another network
        ("course", "features.19.features.0.weight"),
        ("folded", "blocks.00.expand.weight"),
        ("mindcv", "teacher.features.0.weight"),
        ("mindcv", "learning_rates"),
        ("course", "moment3.features.0.features.0.weight"),
    ],
)
def test_a_surplus_entry_is_named(naming, entry):
    arrays = folded(1e-3) if naming == "folded" else published(naming)
    arrays[entry] = np.zeros((8, 8, 1, 1), np.float32)
    assert f"0 entries missing (first: []), 1 not known (first: ['{entry}'])" in refusal(arrays, naming)


def test_a_wrong_shape_is_named():
    arrays = published("mindcv")
    arrays["features.20.weight"] = arrays["features.20.weight"][:, :-1]
    message = refusal(arrays)
    assert "(1280, 111, 1, 1)" in message and "(1280, 112, 1, 1)" in message and "last" in message


def test_a_flattened_kernel_is_a_wrong_shape():
    arrays = published("course")
    arrays["features.18.features.0.weight"] = arrays["features.18.features.0.weight"].reshape(1280, 112)
    assert "(1280, 112)" in refusal(arrays, "course")


@pytest.mark.parametrize("naming", ["mindcv", "course"])
def test_weights_of_another_width_are_refused(naming):
    assert "another width" in refusal(published(naming), naming, width=1.0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("entry", ["features.0.weight", "features.10.layers.1.moving_variance"])
def test_nan_and_infinity_are_refused(entry, value):
    arrays = published("mindcv")
    arrays[entry] = arrays[entry].copy()
    arrays[entry].flat[3] = value
    assert "NaN or Inf" in refusal(arrays)


def test_nan_in_folded_weights_is_refused():
    arrays = folded(1e-3)
    arrays["blocks.07.depthwise.bias"][0] = np.nan
    assert "NaN or Inf" in refusal(arrays, "folded")


def test_weights_under_another_releases_names_are_refused():
    for naming, other in (("mindcv", "course"), ("course", "mindcv"), ("mindcv", "folded")):
        assert f"not MobileNetV2 by {other}: " in refusal(published(naming), other)
    assert "not MobileNetV2" in refusal({})


def test_float64_and_float16_weights_become_float32():
    arrays = {name: array.astype(np.float64) for name, array in published("mindcv").items()}
    assert differs(loaded(arrays, "mindcv"), "symmetric") < 1e-4
    arrays = {name: array.astype(np.float16) for name, array in arrays.items()}
    net = loaded(arrays, "mindcv")
    assert all(parameter.dtype == mindspore.float32 for parameter in net.get_parameters())
    assert 1e-4 < differs(net, "symmetric") < 0.02
