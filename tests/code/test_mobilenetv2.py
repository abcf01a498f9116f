"""MobileNetV2 in MindSpore: against an independent PyTorch net, published parameter counts, and a real backbone."""

import os
from pathlib import Path

import mindspore
import numpy as np
import pytest
from batch_norms import waves
from PIL import Image
from safetensors.numpy import load_file

from sortline import backbones
from sortline._core import runtime
from sortline._core.files import sha256_file, write_json
from sortline.backbones import checkpoints
from sortline.backbones.layers import BlockNet, Pooled
from sortline.backbones.loading import Backbone
from sortline.backbones.mobilenet_v2 import build
from sortline.backbones.preprocessing import IMAGENET
from sortline.data.images import open_rgb, resize

pytestmark = pytest.mark.usefixtures("pynative_mode")

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SEED = 5
EPS = {"same": 1e-3, "symmetric": 1e-5}
WEIGHTS = "mobilenet_v2_1.0_224_imagenet.safetensors"

# Out-channels of stem, 17 blocks and last, at width 1: table 2 of the paper.
TABLE = [32, 16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320, 1280]


def network(width: float, padding: str, trained: bool = True, eps: float | None = None) -> Pooled:
    """The net of tests/golden/make_mobilenetv2.py; `trained`: with batch-norm waves, not identity."""
    net = build(width, padding, eps or EPS[padding])
    checkpoints.draw(net, SEED)
    parameters = net.parameters_dict()
    norms = [name.removesuffix(".gamma") for name in parameters if name.endswith(".gamma")]
    assert len(norms) == 52
    for k, norm in enumerate(norms if trained else []):
        for part, values in waves(k, len(parameters[f"{norm}.gamma"]), 0.8).items():
            parameters[f"{norm}.{part}"].set_data(mindspore.Tensor(values))
    return Pooled(net).set_train(False)


def features(net: Pooled, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return tuple(output.asnumpy() for output in net(mindspore.Tensor(images)))


def images(size: int) -> np.ndarray:
    return np.random.default_rng(size).uniform(-1, 1, (2, 3, size, size)).astype(np.float32)


def relative(ours: np.ndarray, reference: np.ndarray) -> float:
    assert ours.shape == reference.shape
    return float(np.abs(ours - reference).max() / np.abs(reference).max())


def differences(net: Pooled, golden: dict[str, np.ndarray], padding: str, size: int) -> list[float]:
    """Of the golden channels' mean, max and map."""
    ours = features(net, images(size))
    steps = {"mean": 8, "max": 8, "map": 80}
    return [
        relative(output[:, ::step], golden[f"{padding}_{size}_{name}"])
        for (name, step), output in zip(steps.items(), ours, strict=True)
    ]


@pytest.mark.parametrize("width", [0.35, 1.0])
@pytest.mark.parametrize("padding", ["same", "symmetric"])
def test_same_features_as_an_independent_network_in_pytorch(width, padding):
    golden = np.load(GOLDEN / f"mobilenetv2_{width}.npz", allow_pickle=False)
    net = network(width, padding)
    for size in (32, 64, 65, 96):
        assert max(differences(net, golden, padding, size)) < 1e-4, size


def test_the_same_in_graph_mode_where_it_is_used():
    golden = np.load(GOLDEN / "mobilenetv2_0.35.npz", allow_pickle=False)
    runtime.prepare()
    assert max(differences(network(0.35, "same"), golden, "same", 64)) < 1e-4


def test_random_weights_are_the_same_draw_anywhere():
    golden = np.load(GOLDEN / "mobilenetv2_0.35.npz", allow_pickle=False)
    for padding in EPS:
        mean = features(network(0.35, padding, trained=False), images(32))[0]
        assert relative(mean[:, ::8], golden[f"{padding}_32_identity_mean"]) < 1e-4
    other = build(0.35, "same", EPS["same"])
    checkpoints.draw(other, SEED + 1)
    mean = features(Pooled(other).set_train(False), images(32))[0]
    assert relative(mean[:, ::8], golden["same_32_identity_mean"]) > 0.1


@pytest.mark.parametrize("size", [64, 96])
def test_the_two_paddings_give_different_features_on_even_sizes(size):
    golden = np.load(GOLDEN / "mobilenetv2_0.35.npz", allow_pickle=False)
    assert min(differences(network(0.35, "symmetric"), golden, "same", size)) > 0.05
    same, symmetric = (features(network(0.35, padding), images(size))[0] for padding in EPS)
    assert relative(same, symmetric) > 0.05


def test_on_a_size_that_is_odd_at_every_stride_tensorflow_pads_all_round_too():
    same, symmetric = (build(0.35, padding) for padding in EPS)
    for net in (same, symmetric):
        checkpoints.draw(net, SEED)
    outputs = [features(Pooled(net).set_train(False), images(65)) for net in (same, symmetric)]
    assert outputs[0][2].shape == (2, 1280, 3, 3)
    for ours, theirs in zip(*outputs, strict=True):
        assert relative(ours, theirs) < 1e-5


def test_batch_norm_epsilon_counts():
    golden = np.load(GOLDEN / "mobilenetv2_0.35.npz", allow_pickle=False)
    net = network(0.35, "symmetric", eps=EPS["same"])
    assert max(differences(net, golden, "symmetric", 32)) > 1e-4


# Millions of parameters, batch norm left out, with 1000 classes: TensorFlow's table in
# tensorflow/models, research/slim/nets/mobilenet/README.md. Exact: backbone with batch norm, last channels.
@pytest.mark.parametrize(
    ("width", "millions", "backbone_parameters", "channels"),
    [
        (0.35, 1.66, 396_128, 1280),
        (0.5, 1.95, 687_680, 1280),
        (0.75, 2.61, 1_355_424, 1280),
        (1.0, 3.47, 2_223_872, 1280),
        (1.3, 5.34, 3_721_792, 1664),
        (1.4, 6.06, 4_315_776, 1792),
    ],
)
def test_parameter_counts_are_the_published_ones(width, millions, backbone_parameters, channels):
    net = build(width)
    sizes = {parameter.name: parameter.size for parameter in net.trainable_params()}
    norms = sum(size for name, size in sizes.items() if ".norm." in name)
    classifier = (channels + 1) * 1000
    assert net.channels == channels
    assert sum(sizes.values()) == backbone_parameters
    assert round((sum(sizes.values()) - norms + classifier) / 1e6, 2) == millions
    if width == 1.0:
        assert sum(sizes.values()) + classifier == 3_504_872  # Keras, torchvision and timm count this


def test_layer_shapes_at_width_1_are_those_of_the_paper():
    shapes = [p.shape for name, p in build().parameters_dict().items() if name.endswith("conv.weight")]
    expected = [(32, 3, 3, 3)]
    for number, (inputs, outputs) in enumerate(zip(TABLE[:-2], TABLE[1:-1], strict=True)):
        hidden = inputs if number == 0 else 6 * inputs
        expected += [(hidden, inputs, 1, 1)] if number else []
        expected += [(hidden, 1, 3, 3), (outputs, hidden, 1, 1)]
    assert shapes == [*expected, (1280, 320, 1, 1)]


def test_strides_and_shortcuts_are_those_of_the_paper():
    blocks = list(build().blocks)
    strides = [block.depthwise.conv.stride[0] for block in blocks]
    assert [number for number, stride in enumerate(strides) if stride == 2] == [1, 3, 6, 13]
    assert [number for number, block in enumerate(blocks) if block.residual] == [2, 4, 5, 7, 8, 9, 11, 12, 14, 15]
    assert all(block.project.activation is None and block.depthwise.activation is not None for block in blocks)


@pytest.mark.parametrize(
    ("width", "channels"),
    [(0.35, [16, 8, 8, 16, 24, 32, 56, 112]), (0.75, [24, 16, 24, 24, 48, 72, 120, 240])],
)
def test_narrow_networks_round_channels_to_eights_never_below_nine_tenths(width, channels):
    net = build(width)
    outputs = [block.project.conv.out_channels for block in net.blocks]
    firsts = [outputs[number] for number in (0, 1, 3, 6, 10, 13, 16)]
    assert [net.stem.conv.out_channels, *firsts] == channels


def test_an_unknown_padding_is_refused():
    with pytest.raises(ValueError, match="'same' or 'symmetric'"):
        build(padding="valid")


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> tuple[Backbone, np.ndarray, dict[str, np.ndarray], Path]:
    """The real backbone, the cat as uint8 (1, 224, 224, 3), the oracle's numbers, and the weights file."""
    if not os.environ.get("SORTLINE_DATA"):
        pytest.skip("SORTLINE_DATA is not set")
    data = Path(os.environ["SORTLINE_DATA"])
    weights, folder = data / "weights" / WEIGHTS, tmp_path_factory.mktemp("weights")
    # The folder's file is named by an absolute path, so that 14 MB need not be copied.
    about = {
        "network": "mobilenet_v2",
        "release": "tensorflow",
        "file": str(weights),
        "sha256": sha256_file(weights),
        "width": 1.0,
        "seed": None,
    }
    write_json(folder / "backbone.json", about)
    cat = resize(open_rgb(data / "images" / "tabby_cat_224.png"), 224)[None]
    return backbones.load(folder), cat, dict(np.load(GOLDEN / "tabby_cat.npz", allow_pickle=False)), weights


def tabby(net: BlockNet, x: np.ndarray, golden: dict[str, np.ndarray]) -> list[float]:
    """Largest absolute difference from the oracle in mean, max and corner."""
    mean, maximum, feature_map = features(Pooled(net).set_train(False), x)
    ours = {"mean": mean[0], "max": maximum[0], "corner": feature_map[0, :, 0, 0]}
    return [float(np.abs(ours[name] - golden[name]).max()) for name in ours]


@pytest.mark.data
def test_the_real_backbone_agrees_with_the_golden_tensors(real):
    loaded, cat, golden, _ = real
    assert max(tabby(loaded.net, loaded.preprocessing(cat), golden)) < 1e-3


@pytest.mark.data
def test_the_real_classifier_says_tabby(real):
    loaded, cat, golden, weights = real
    head = load_file(weights)
    mean = features(Pooled(loaded.net).set_train(False), loaded.preprocessing(cat))[0][0]
    logits = head["classifier.weight"].reshape(1001, 1280) @ mean + head["classifier.bias"]
    assert np.abs(logits - golden["logits"]).max() < 1e-3
    assert logits.argmax() == 282
    probability = np.exp(logits[282] - logits.max()) / np.exp(logits - logits.max()).sum()
    assert probability == pytest.approx(0.57, abs=0.005)


@pytest.mark.data
def test_wrong_colours_scaling_or_padding_are_far_from_the_golden_tensors(real):
    loaded, cat, golden, _ = real
    right = loaded.preprocessing
    padded = build(1.0, "symmetric", EPS["same"])
    mindspore.load_param_into_net(padded, loaded.net.parameters_dict())
    wrong = {
        "BGR": tabby(loaded.net, right(np.ascontiguousarray(cat[..., ::-1])), golden),
        "ImageNet mean and std": tabby(loaded.net, IMAGENET(cat), golden),
        "symmetric padding": tabby(padded, right(cat), golden),
    }
    for what, differences in wrong.items():
        assert min(differences) > 0.1, (what, differences)


@pytest.mark.data
def test_the_golden_numbers_see_a_shift_by_one_grey_level(real):
    loaded, cat, golden, _ = real
    shifted = np.asarray(Image.fromarray(cat[0]).point(lambda value: min(255, value + 1)))[None]
    assert max(tabby(loaded.net, loaded.preprocessing(shifted), golden)) > 1e-2
