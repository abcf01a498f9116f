"""ResNet against published counts and shapes, an independent PyTorch ResNet, and the names of two public releases."""

from functools import cache
from pathlib import Path

import mindspore
import numpy as np
import pytest
from batch_norms import PARTS, waves
from mindspore import nn, ops

from sortline import backbones
from sortline._core.errors import UserError
from sortline._core.files import sha256_file, write_json
from sortline.backbones import checkpoints
from sortline.backbones.layers import BlockNet, Pooled
from sortline.backbones.resnet import build, releases
from sortline.export.network import HeadOnBackbone
from sortline.features import engines
from sortline.features.heads import Head

pytestmark = pytest.mark.usefixtures("pynative_mode")

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "resnet.npz"
SEED = 7
EPS = {"symmetric": 1e-5, "same": 1e-4}
COUNTS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}


def layers(depth: int) -> list[tuple[str, str, tuple[int, ...], int]]:
    """(convolution, norm, kernel's shape, stride) of every layer, named as torchvision does, from the paper's table 1.

    The shortcut of a block, the last of it, is `layer1.0.shortcut` with norm `layer1.0.shortcut_norm`.
    """
    found = [("conv1", "bn1", (64, 3, 7, 7), 2)]
    inputs = 64
    for stage, count in enumerate(COUNTS[depth]):
        narrow = 64 * 2**stage
        for number in range(count):
            cell, stride = f"layer{stage + 1}.{number}", 2 if stage and not number else 1
            if depth < 50:
                outputs = narrow
                shapes = [((narrow, inputs, 3, 3), stride), ((narrow, narrow, 3, 3), 1)]
            else:
                outputs = 4 * narrow
                shapes = [((narrow, inputs, 1, 1), 1), ((narrow, narrow, 3, 3), stride), ((outputs, narrow, 1, 1), 1)]
            found += [(f"{cell}.conv{k}", f"{cell}.bn{k}", *shape) for k, shape in enumerate(shapes, start=1)]
            if stride != 1 or inputs != outputs:
                found.append((f"{cell}.shortcut", f"{cell}.shortcut_norm", (outputs, inputs, 1, 1), stride))
            inputs = outputs
    return found


SHORTCUTS = {
    # MindCV 0.3, mindcv/models/resnet.py.
    "mindcv": ("down_sample.0", "down_sample.1"),
    # MindSpore's model zoo, official/cv/resnet/src/resnet.py (class ResidualBlock), and the courses' copies of it.
    "course": ("down_sample_layer.0", "down_sample_layer.1"),
}


@cache
def drawn(depth: int) -> list[dict[str, np.ndarray]]:
    """The weights of tests/golden/make_resnet.py, layer after layer."""
    generator, found = np.random.default_rng(SEED), []
    for k, (_, _, shape, _) in enumerate(layers(depth)):
        kernel = generator.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))
        found.append({"weight": kernel.astype(np.float32)} | waves(k, shape[0], 0.6))
    return found


def published(depth: int, naming: str) -> dict[str, np.ndarray]:
    """A checkpoint under the names of a release, its classifier and what training leaves behind included."""
    arrays = {}
    for (convolution, norm, *_), values in zip(layers(depth), drawn(depth), strict=True):
        theirs, theirs_norm = (
            name.replace("shortcut_norm", SHORTCUTS[naming][1]).replace("shortcut", SHORTCUTS[naming][0])
            for name in (convolution, norm)
        )
        arrays[f"{theirs}.weight"] = values["weight"]
        arrays |= {f"{theirs_norm}.{part}": values[part] for part in PARTS}
    channels = 512 if depth < 50 else 2048
    if naming == "mindcv":
        return arrays | {"classifier.weight": np.ones((9, channels), np.float32), "classifier.bias": np.ones(9)}
    left = {f"moments.{name}": np.zeros_like(array) for name, array in arrays.items() if "moving" not in name}
    left |= {"end_point.weight": np.ones((9, channels), np.float32), "end_point.bias": np.ones(9, np.float32)}
    left |= {"learning_rate": np.zeros(20, np.float32), "momentum": np.float32(0.9), "global_step": np.int32([209])}
    return arrays | left | {"moments.end_point.weight": np.zeros((9, channels), np.float32)}


def loaded(depth: int, padding: str, naming: str) -> BlockNet:
    net = build(depth, padding, EPS[padding])
    checkpoints.load(net, published(depth, naming), releases(depth)[naming])
    return net


def images(size: int) -> np.ndarray:
    return np.random.default_rng(size).uniform(-1, 1, (2, 3, size, size)).astype(np.float32)


@cache
def plain(depth: int) -> BlockNet:
    """A net to look at, not to change."""
    return build(depth)


def sizes(depth: int) -> dict[str, int]:
    return {name: p.size for name, p in plain(depth).parameters_dict().items() if "moving" not in name}


@pytest.mark.parametrize(
    ("depth", "published_count"), [(18, 11_689_512), (34, 21_797_672), (50, 25_557_032), (101, 44_549_160)]
)
def test_parameter_counts_are_the_published_ones(depth, published_count):
    """torchvision's and timm's counts with 1,000 classes; MindCV's page says 11.70, 21.81, 25.61 and 44.65 million,
    which counts the moving means and variances too."""
    channels = plain(depth).channels
    assert channels == (512 if depth < 50 else 2048)
    assert sum(sizes(depth).values()) + 1000 * channels + 1000 == published_count
    everything = sum(p.size for p in plain(depth).get_parameters()) + 1000 * channels + 1000
    millions = {18: 11.70, 34: 21.81, 50: 25.61, 101: 44.65}[depth]
    assert everything / 1e6 == pytest.approx(millions, abs=0.006)


@pytest.mark.parametrize("depth", list(COUNTS))
def test_shapes_and_strides_are_those_of_the_paper_with_the_stride_in_the_3x3(depth):
    cells = [cell for _, cell in plain(depth).cells_and_names() if isinstance(cell, nn.Conv2d)]
    expected = layers(depth)
    assert [cell.weight.shape for cell in cells] == [shape for _, _, shape, _ in expected]
    assert [cell.stride for cell in cells] == [(stride, stride) for *_, stride in expected]
    assert len(cells) - sum("shortcut" in name for name, *_ in expected) + 1 == depth


@pytest.mark.parametrize("padding", ["symmetric", "same"])
@pytest.mark.parametrize(
    ("depth", "size", "naming"),
    [(18, 64, "mindcv"), (18, 96, "mindcv"), pytest.param(34, 64, "mindcv", marks=pytest.mark.slow),
     (50, 64, "course"), (50, 96, "mindcv"), pytest.param(101, 64, "course", marks=pytest.mark.slow)],
)  # fmt: skip
def test_logits_and_features_are_those_of_an_independent_implementation(depth, size, naming, padding):
    golden = np.load(GOLDEN, allow_pickle=False)
    net = Pooled(loaded(depth, padding, naming)).set_train(False)
    mean, maximum, last = (output.asnumpy() for output in net(mindspore.Tensor(images(size))))
    assert last.shape == (2, net.backbone.channels, size // 32, size // 32)
    head = np.random.default_rng(1).standard_normal((10, mean.shape[1])).astype(np.float32) / np.sqrt(mean.shape[1])
    ours = {"mean": mean[:, ::8], "max": maximum[:, ::8], "logits": mean @ head.T}
    for name, values in ours.items():
        assert np.abs(values - golden[f"{depth}_{padding}_{size}_{name}"]).max() < 1e-4, name


def test_the_golden_numbers_tell_the_paddings_apart():
    golden = np.load(GOLDEN, allow_pickle=False)
    for key in ("50_{}_64_logits", "18_{}_96_mean"):
        assert np.abs(golden[key.format("symmetric")] - golden[key.format("same")]).max() > 0.01


def test_blocks_start_as_their_shortcuts_if_asked_to():
    net = build(50, zero_last=True)
    zero = {name for name, p in net.parameters_dict().items() if name.endswith("gamma") and not p.asnumpy().any()}
    assert zero == {f"blocks.{i}.conv3.norm.gamma" for i in range(sum(COUNTS[50]))}
    assert all(p.asnumpy().all() for name, p in plain(50).parameters_dict().items() if name.endswith("gamma"))
    block = net.blocks[1].set_train(False)
    x = np.abs(np.random.default_rng(0).standard_normal((1, 256, 4, 4))).astype(np.float32)
    assert np.array_equal(block(mindspore.Tensor(x)).asnumpy(), x)


def test_an_unknown_padding_is_refused():
    with pytest.raises(ValueError, match="'same' or 'symmetric'"):
        build(18, padding="valid")


def test_it_learns_from_pixels():
    """Every parameter gets a gradient, and a few steps of Momentum halve the loss on eight pictures."""
    net = build(18)
    checkpoints.draw(net, 1, backbones.get("resnet18").draw)
    generator = np.random.default_rng(2)
    head = 0.01 * generator.standard_normal((4, 512)).astype(np.float32)
    model = HeadOnBackbone(net, Head(head, np.zeros(4, np.float32), "mean"))
    model.set_train(True)
    x = mindspore.Tensor(generator.standard_normal((8, 3, 32, 32)).astype(np.float32))
    y = mindspore.Tensor(np.arange(8, dtype=np.int32) % 4)
    parameters = model.trainable_params()
    step = mindspore.value_and_grad(lambda a, b: ops.cross_entropy(model(a), b), None, parameters)
    optimizer = nn.Momentum(parameters, 0.02, 0.9)
    losses = []
    for _ in range(6):
        loss, gradients = step(x, y)
        losses.append(float(loss.asnumpy()))
        assert all(np.abs(gradient.asnumpy()).max() > 0 for gradient in gradients)
        optimizer(gradients)
    assert len(parameters) == len(sizes(18)) + 2
    assert losses[-1] < losses[0] / 2


def missing_in(arrays: dict[str, np.ndarray], depth: int = 18, naming: str = "mindcv") -> str:
    net = build(depth)
    before = {name: parameter.asnumpy().copy() for name, parameter in net.parameters_dict().items()}
    with pytest.raises(UserError) as caught:
        checkpoints.load(net, arrays, releases(depth)[naming], f"ResNet-{depth} by {naming}")
    for name, parameter in net.parameters_dict().items():
        assert np.array_equal(parameter.asnumpy(), before[name]), f"{name} was loaded all the same"
    return str(caught.value)


def test_a_checkpoint_that_does_not_fit_is_refused_whole():
    whole = published(18, "mindcv")
    less = {name: array for name, array in whole.items() if name != "layer3.1.bn2.moving_mean"}
    assert "1 entries missing (first: ['layer3.1.bn2.moving_mean'])" in missing_in(less)
    more = whole | {"layer5.0.conv1.weight": np.ones((1, 1, 1, 1), np.float32)}
    assert "1 not known (first: ['layer5.0.conv1.weight'])" in missing_in(more)
    assert "not ResNet-50 by course" in missing_in(published(50, "mindcv"), 50, "course")
    assert "not ResNet-18" in missing_in(published(50, "mindcv"))
    assert "not ResNet-50" in missing_in(whole, depth=50)
    assert "not ResNet-34" in missing_in(whole, depth=34)
    turned = whole | {"layer2.0.conv1.weight": whole["layer2.0.conv1.weight"].swapaxes(0, 1)}
    assert "shape (64, 128, 3, 3)" in missing_in(turned)
    broken = whole | {"bn1.gamma": np.full(64, np.nan, np.float32)}
    assert "NaN" in missing_in(broken)


def describe(folder: Path, network: str, release: str, arrays: dict[str, np.ndarray] | None) -> Path:
    """A weights folder as the stage `weights` leaves it."""
    folder.mkdir()
    about = {"network": network, "release": release, "file": None, "sha256": None, "width": None, "address": None}
    if arrays is not None:
        entries = [{"name": name, "data": mindspore.Tensor(array)} for name, array in arrays.items()]
        mindspore.save_checkpoint(entries, str(folder / "backbone.ckpt"))
        about |= {"file": "backbone.ckpt", "sha256": sha256_file(folder / "backbone.ckpt")}
    write_json(folder / "backbone.json", about | {"seed": 1 if arrays is None else None})
    return folder


@pytest.mark.parametrize(("depth", "naming", "padding"), [(18, "mindcv", "symmetric"), (50, "course", "same")])
def test_a_public_checkpoint_becomes_a_backbone_with_its_own_padding(tmp_path, depth, naming, padding):
    found = backbones.load(describe(tmp_path / "w", f"resnet{depth}", naming, published(depth, naming)))
    mindspore.set_context(mode=mindspore.PYNATIVE_MODE)
    golden = np.load(GOLDEN, allow_pickle=False)
    mean = Pooled(found.net)(mindspore.Tensor(images(64)))[0].asnumpy()
    assert np.abs(mean[:, ::8] - golden[f"{depth}_{padding}_64_mean"]).max() < 1e-4
    assert found.info["network"] == f"resnet{depth}" and found.info["title"].startswith(f"ResNet-{depth}, ")
    assert found.info["mean"] == [0.485, 0.456, 0.406] and found.info["padding"] == padding


@pytest.mark.parametrize(
    ("network", "channels"), [("resnet18", 512), pytest.param("resnet50", 2048, marks=pytest.mark.slow)]
)
def test_the_frozen_backbone_in_onnx_runtime_gives_mindspores_features(tmp_path, network, channels):
    found = backbones.load(describe(tmp_path / "w", network, "random", None))
    engine = engines.onnxruntime_engine(engines.to_onnx(found, 64))
    pictures = np.random.default_rng(3).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    assert engines.check_engines(found, engine, pictures) < 1e-4
    mean, maximum, last = engine.run(found.preprocessing(pictures))
    assert mean.shape == maximum.shape == (3, channels) and last.shape == (3, channels, 2, 2)
    # Untrained, and still no two pictures alike.
    directions = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    assert (directions @ directions.T)[np.triu_indices(3, 1)].max() < 0.9999
