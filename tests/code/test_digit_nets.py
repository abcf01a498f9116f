"""LeNet-5, as taught and as published, and the digits CNN: shapes and counts by the tables, numbers by PyTorch's."""

from pathlib import Path

import mindspore
import numpy as np
import pytest
from mindspore import Tensor, ops

from sortline._core import parameters
from sortline._core.errors import UserError
from sortline._core.graphs import to_onnx
from sortline._core.sessions import session
from sortline.backbones.preprocessing import GREY, to_grey
from sortline.nets import registry
from sortline.nets.lenet5 import C3_TABLE, LeNet5Published
from sortline.training.losses import cross_entropy

pytestmark = pytest.mark.usefixtures("pynative_mode")

GOLDEN = np.load(Path(__file__).resolve().parents[1] / "golden" / "digit_nets.npz")
VARIANTS = {
    **{f"lenet5_{p}_{a}": ("lenet5", {"pooling": p, "activation": a})
       for p in ("max", "average") for a in ("relu", "tanh", "sigmoid", "elu")},
    **{f"lenet5_1998_{c3}": ("lenet5_1998", {"c3": c3}) for c3 in ("partial", "full")},
    "digits_cnn": ("digits_cnn", {}),
}  # fmt: skip


def layer_parameters(net):
    """Trainable parameters per layer, which is the net's attribute that holds them."""
    counts = {}
    for parameter in net.trainable_params():
        layer = parameter.name.split(".")[0]
        counts[layer] = counts.get(layer, 0) + parameter.size
    return counts


def wave(shape, k: int) -> np.ndarray:
    """As in tests/golden/make_digit_nets.py."""
    values = np.sin(0.37 * np.arange(int(np.prod(shape))) * (1 + k % 3) + k)
    fan_in = int(np.prod(shape[1:])) if len(shape) > 1 else 4
    return (values.reshape(shape) / np.sqrt(fan_in)).astype(np.float32)


def images(side: int) -> np.ndarray:
    return (1.5 * np.cos(0.011 * np.arange(4 * side * side)) ** 3).reshape(4, 1, side, side).astype(np.float32)


def filled(variant: str):
    name, options = VARIANTS[variant]
    net = registry.build(name, 10, options)
    for k, parameter in enumerate(net.trainable_params()):
        map_wise = parameter.ndim == 4 and parameter.shape[0] == 1  # sub-sampling: one value a map
        value = wave(parameter.shape[1:2] if map_wise else parameter.shape, k).reshape(parameter.shape)
        if parameter.name.endswith("coefficient"):
            value = 0.25 + 0.1 * value
        if parameter.name.endswith("gamma"):
            value = 1 + 0.2 * value
        parameter.set_data(Tensor(value.astype(np.float32)))
    return net


@pytest.mark.parametrize("variant", VARIANTS)
def test_logits_loss_and_gradient_are_pytorchs(variant):
    net = filled(variant)
    net.set_train(True)
    x, targets = Tensor(images(net.image_size)), Tensor(np.eye(10, dtype=np.float32)[[3, 1, 4, 1]])

    def loss_of(x):
        logits = net(x)
        return cross_entropy(logits, targets).mean(), logits

    parameters = mindspore.ParameterTuple(net.trainable_params())
    (loss, logits), gradients = ops.value_and_grad(loss_of, None, parameters, has_aux=True)(x)
    assert logits.asnumpy() == pytest.approx(GOLDEN[f"{variant}_logits"], abs=2e-4)
    assert float(loss.asnumpy()) == pytest.approx(float(GOLDEN[f"{variant}_loss"]), abs=1e-4)
    norm = np.sqrt(sum(float((gradient.asnumpy().astype(np.float64) ** 2).sum()) for gradient in gradients))
    assert norm == pytest.approx(float(GOLDEN[f"{variant}_gradient_norm"]), rel=1e-3)


def test_the_dense_net_is_three_products_with_relu_between():
    net = registry.build("dense", 10, {})
    assert layer_parameters(net) == {"dense1": 784 * 512 + 512, "dense2": 512 * 128 + 128, "dense3": 128 * 10 + 10}
    registry.initialize(net, 3)
    values, x = registry.values(net), images(28).reshape(4, 784)
    for layer in ("dense1", "dense2"):
        x = np.maximum(x @ values[f"{layer}.weight"].T + values[f"{layer}.bias"], 0)
    expected = x @ values["dense3.weight"].T + values["dense3.bias"]
    assert net(Tensor(images(28))).asnumpy() == pytest.approx(expected, abs=1e-4)


def test_batch_norm_remembers_a_tenth_of_each_batch_as_pytorchs():
    net = filled("digits_cnn")
    net.set_train(True)
    net(Tensor(images(28)))
    net.set_train(False)
    logits = net(Tensor(images(28))).asnumpy()
    # The variance that is remembered is of n in one framework and of n - 1 in the other: 784 and more values a map.
    assert logits == pytest.approx(GOLDEN["digits_cnn_eval_logits"], abs=2e-3)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_net_becomes_onnx_with_the_same_answers(variant):
    mindspore.set_context(mode=mindspore.GRAPH_MODE)
    net = filled(variant)
    net.set_train(False)
    x = images(net.image_size)
    model = session(to_onnx(net, (1, *x.shape[1:]), ("logits",)))
    assert model.run(["logits"], {"x": x})[0] == pytest.approx(net(Tensor(x)).asnumpy(), abs=1e-5)


# ---- the published tables


def test_lenet5_has_the_parameters_of_its_layers():
    counts = layer_parameters(registry.build("lenet5", 10, {}))
    assert counts == {"conv1": 156, "conv2": 2416, "dense1": 48120, "dense2": 10164, "dense3": 850}
    assert sum(counts.values()) == 61706


def test_lenet5_of_1998_has_the_papers_parameters():
    """Section II.B: C1 156, S2 12, C3 1,516, S4 32, C5 48,120, F6 10,164; the output layer here is dense."""
    counts = layer_parameters(registry.build("lenet5_1998", 10, {}))
    assert counts == {"c1": 156, "s2": 12, "c3": 1516, "s4": 32, "c5": 48120, "f6": 10164, "output": 850}
    assert sum(counts.values()) - 850 == 60000
    full = layer_parameters(registry.build("lenet5_1998", 10, {"c3": "full"}))
    assert full == counts | {"c3": 2416}


def test_digits_cnn_has_the_parameters_of_its_layers():
    counts = layer_parameters(registry.build("digits_cnn", 10, {}))
    assert counts == {
        "conv1": 64 * 9, "norm1": 128, "conv2": 128 * 64 * 9, "norm2": 256,
        "dense1": 6272 * 784 + 784, "dense2": 784 * 98 + 98, "dense3": 98 * 10 + 10,
    }  # fmt: skip


SHAPES = {
    "lenet5": {"conv1": (6, 14, 14), "conv2": (16, 10, 10), "dense1": (120,), "dense2": (84,), "dense3": (10,)},
    "lenet5_1998": {"c1": (6, 28, 28), "s2": (6, 14, 14), "c3": (16, 10, 10), "s4": (16, 5, 5), "c5": (120,),
                    "f6": (84,), "output": (10,)},
    "digits_cnn": {"conv1": (64, 28, 28), "conv2": (128, 14, 14), "dense1": (784,), "dense2": (98,), "dense3": (10,)},
}  # fmt: skip


@pytest.mark.parametrize("variant", [*SHAPES, "lenet5 average"])
def test_layers_have_the_published_shapes(variant):
    """With max pooling, conv1 of lenet5 is convolution and pooling in one."""
    name, *pooling = variant.split()
    net = registry.build(name, 10, {"pooling": "average"} if pooling else {})
    expected = SHAPES[name] | ({"conv1": (6, 28, 28)} if pooling else {})
    seen = {}
    for layer in expected:
        cell = getattr(net, layer)
        cell.register_forward_hook(lambda cell, inputs, output, layer=layer: seen.update({layer: output.shape[1:]}))
    net(Tensor(images(net.image_size)))
    assert seen == expected


def test_the_connection_table_is_the_papers():
    """As the paper states: six maps see 3 contiguous ones, six see 4, three see 4 that are not, and one sees all."""
    assert [len(sources) for sources in C3_TABLE] == [3] * 6 + [4] * 9 + [6]
    assert sum(map(len, C3_TABLE)) == 60
    contiguous = [tuple(sorted((start + i) % 6 for i in range(3))) for start in range(6)]
    assert [tuple(sources) for sources in C3_TABLE[:6]] == contiguous
    contiguous = [tuple(sorted((start + i) % 6 for i in range(4))) for start in range(6)]
    assert [tuple(sources) for sources in C3_TABLE[6:12]] == contiguous
    assert len(set(C3_TABLE)) == 16


def test_a_map_of_c3_is_not_moved_by_maps_that_it_does_not_see():
    net = LeNet5Published()
    registry.initialize(net, 0)
    maps = np.zeros((1, 6, 14, 14), np.float32)
    before = net.c3(Tensor(maps)).asnumpy()
    for source in range(6):
        moved = maps.copy()
        moved[0, source] = 1
        changed = np.abs(net.c3(Tensor(moved)).asnumpy() - before).max(axis=(0, 2, 3)) > 1e-6
        assert changed.tolist() == [source in sources for sources in C3_TABLE]


# ---- weights


def test_first_weights_are_the_same_everywhere_and_differ_by_seed():
    def drawn(seed):
        net = registry.build("lenet5", 10, {})
        registry.initialize(net, seed)
        return registry.values(net)

    first, again, other = drawn(1), drawn(1), drawn(2)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not any(np.array_equal(first[name], other[name]) for name in first)
    for name, fan_in in (("conv1", 25), ("conv2", 150), ("dense1", 400), ("dense3", 84)):
        for part in ("weight", "bias"):
            bound = 1 / np.sqrt(fan_in)
            assert np.abs(first[f"{name}.{part}"]).max() <= bound
        assert np.abs(first[f"{name}.weight"]).max() > 0.9 * bound
        assert first[f"{name}.weight"].std() == pytest.approx(bound / np.sqrt(3), rel=0.15)


def test_weights_are_written_and_read_back_whole(tmp_path):
    net, other = filled("digits_cnn"), registry.build("digits_cnn", 10, {})
    parameters.write(tmp_path / "a.safetensors", registry.values(net))
    registry.set_values(other, parameters.read(tmp_path / "a.safetensors"), "a")
    assert all(np.array_equal(value, registry.values(other)[name]) for name, value in registry.values(net).items())
    assert "norm1.moving_mean" in registry.values(net)


def test_weights_of_another_net_and_damaged_ones_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    parameters.write(path, registry.values(registry.build("lenet5", 10, {})))
    with pytest.raises(UserError, match="a.safetensors: not the parameters of this net"):
        registry.set_values(registry.build("lenet5_1998", 10, {}), parameters.read(path), path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match="a.safetensors: .*missing or damaged"):
        parameters.read(path)
    with pytest.raises(UserError, match="b.safetensors: .*missing or damaged"):
        parameters.read(tmp_path / "b.safetensors")
    broken = registry.values(registry.build("lenet5", 10, {}))
    broken["conv1.bias"][0] = np.nan
    parameters.write(path, broken)
    with pytest.raises(UserError, match="a.safetensors: holds NaN or Inf"):
        parameters.read(path)


# ---- preprocessing


def test_preprocessing_is_the_reports():
    """Rescale 1 / (255 * 0.3081), shift -0.1307 / 0.3081."""
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    expected = pixels * (1 / (255 * 0.3081)) + -1 * 0.1307 / 0.3081
    assert GREY(pixels)[:, 0] == pytest.approx(expected, abs=1e-6)
    assert GREY(pixels).shape == (1, 1, 16, 16) and GREY(pixels).dtype == np.float32
    assert np.array_equal(GREY(np.repeat(pixels[..., None], 3, -1)), GREY(pixels))


def test_grey_is_pillows():
    from PIL import Image

    colours = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype(np.uint8)
    assert np.array_equal(to_grey(colours), np.asarray(Image.fromarray(colours).convert("L")))
