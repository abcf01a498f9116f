"""MindSpore cells as ONNX: free batch dimension, the asked-for names, the same numbers, from and to any folder."""

import contextlib
import tempfile
from pathlib import Path
from types import SimpleNamespace

import mindspore
import numpy as np
import onnx
import pytest
from mindspore import nn, ops
from scipy.ndimage import correlate

from sortline._core import graphs, runtime, sessions
from sortline.backbones import checkpoints, mobilenet_v2
from sortline.backbones.layers import Pooled
from sortline.export import onnx_model
from sortline.export.network import head_graph
from sortline.features.heads import MAPS, Head
from sortline.features.similarity import Reference

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SEED = 5


class Small(nn.Cell):
    """A convolution, always the same, whose map is both an output and used inside, like `Pooled`'s."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 3, 2, pad_mode="same", has_bias=True)
        generator = np.random.default_rng(3)
        for parameter in self.convolution.get_parameters():
            values = generator.uniform(-0.5, 0.5, parameter.shape).astype(np.float32)
            parameter.set_data(mindspore.Tensor(values))

    def construct(self, x):
        y = ops.relu(self.convolution(x))
        return y.mean((2, 3)), y.amax((2, 3)), y


@pytest.fixture(scope="module")
def small() -> tuple[Small, onnx.ModelProto]:
    runtime.prepare()
    cell = Small().set_train(False)
    return cell, export(cell)


def export(cell: nn.Cell) -> onnx.ModelProto:
    return graphs.to_onnx(cell, (1, 3, 9, 9), ("mean", "max", "map"))


def feature_map_of(source: onnx.ModelProto | bytes | Path) -> np.ndarray:
    return sessions.session(source).run(["map"], {"x": noise(2, 9)})[0]


def noise(count: int, size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-1, 1, (count, 3, size, size)).astype(np.float32)


def by_hand(cell: Small, x: np.ndarray) -> np.ndarray:
    """The convolution of `Small` on 9 x 9 (one pixel of padding all round), its bias and ReLU, in NumPy."""
    weight, bias = cell.convolution.weight.asnumpy(), cell.convolution.bias.asnumpy()
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))[:, :, ::2, ::2]
    return np.maximum(np.einsum("nchwij,ocij->nohw", windows, weight) + bias[:, None, None], 0)


def test_names_types_and_a_free_batch_dimension(small):
    model = small[1]
    assert [value.name for value in model.graph.input] == ["x"]
    assert [value.name for value in model.graph.output] == ["mean", "max", "map"]
    for value in (*model.graph.input, *model.graph.output):
        kind = value.type.tensor_type
        assert kind.elem_type == onnx.TensorProto.FLOAT
        assert kind.shape.dim[0].dim_param == "n" and not kind.shape.dim[0].HasField("dim_value")
    sizes = [[dim.dim_value for dim in value.type.tensor_type.shape.dim[1:]] for value in model.graph.output]
    assert sizes == [[4], [4], [4, 5, 5]]
    assert [dim.dim_value for dim in model.graph.input[0].type.tensor_type.shape.dim[1:]] == [3, 9, 9]
    assert model.opset_import[0].version == 11


def test_passes_the_checker_in_full(small):
    onnx.checker.check_model(small[1], full_check=True)


@pytest.mark.parametrize("count", [1, 3])
def test_the_numbers_are_those_worked_out_by_hand_at_any_batch_size(small, count):
    cell, model = small
    x = noise(count, 9)
    feature_map = by_hand(cell, x)
    mean, maximum, last = sessions.session(model).run(["mean", "max", "map"], {"x": x})
    assert feature_map.max() > 0 and last.shape == (count, 4, 5, 5)
    assert np.allclose(last, feature_map, atol=1e-6)
    assert np.allclose(mean, feature_map.mean((2, 3)), atol=1e-6)
    assert np.allclose(maximum, feature_map.max((2, 3)), atol=1e-6)


def test_photos_in_a_batch_do_not_touch_each_other(small):
    opened = sessions.session(small[1])
    x = noise(3, 9)
    together = opened.run(None, {"x": x})
    for number in range(3):
        alone = opened.run(None, {"x": x[number : number + 1]})
        assert all(np.allclose(a[0], t[number], atol=1e-6) for a, t in zip(alone, together, strict=True))


def test_rows_one_by_one_give_the_bits_of_the_batch_and_only_on_the_cpu(small):
    opened, x, calls = sessions.session(small[1]), noise(3, 9), []
    expected = opened.run(None, {"x": x})

    def counted(outputs, inputs):
        calls.append(len(inputs["x"]))
        return opened.run(outputs, inputs)

    for provider, counts in ((sessions.CPU, [1, 1, 1]), ("CUDAExecutionProvider", [3])):
        calls.clear()
        found = sessions.run(SimpleNamespace(get_providers=lambda name=provider: [name], run=counted), None, x)
        assert calls == counts
        assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))
    (last,) = sessions.run(opened, ["map"], x[:1])
    assert np.array_equal(last, expected[2][:1])


def test_a_session_from_a_model_its_bytes_or_its_file(small, tmp_path):
    model = small[1]
    path = tmp_path / "垃圾 分类" / "模型.onnx"
    path.parent.mkdir()
    path.write_bytes(model.SerializeToString())
    expected = feature_map_of(model)
    assert np.array_equal(feature_map_of(path.read_bytes()), expected)
    assert np.array_equal(feature_map_of(path), expected)


@pytest.mark.parametrize("threads", [1, 2])
def test_a_session_is_as_wide_as_asked_for(small, threads):
    options = sessions.session(small[1], threads).get_session_options()
    assert (options.intra_op_num_threads, options.inter_op_num_threads) == (threads, 1)


def test_too_few_names_are_refused():
    runtime.prepare()
    with pytest.raises(ValueError, match="zip"):
        graphs.to_onnx(Small().set_train(False), (1, 3, 9, 9), ("mean", "max"))


def test_training_mode_comes_back():
    runtime.prepare()
    cell = Small().set_train(True)
    export(cell)
    assert cell.training


@pytest.mark.parametrize("name", ["垃圾 分类", "RUNNER~1", "Temp (2)"])
def test_the_temporary_folder_may_have_any_name(small, tmp_path, monkeypatch, name):
    """MindSpore's exporter takes [0-9a-zA-Z@_.:/-] only; Windows' folder is named after the user, shortened with ~1."""
    (tmp_path / name).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / name))
    before = Path.cwd()
    assert np.array_equal(feature_map_of(export(Small().set_train(False))), feature_map_of(small[1]))
    assert list((tmp_path / name).iterdir()) == []
    assert Path.cwd() == before


def test_the_project_may_lie_in_a_folder_with_a_chinese_name(small, tmp_path):
    home = tmp_path / "垃圾 分类"
    home.mkdir()
    with contextlib.chdir(home):
        model = export(Small().set_train(False))
    assert np.array_equal(feature_map_of(model), feature_map_of(small[1]))
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("padding", ["same", "symmetric"])
def test_the_exported_backbone_gives_the_features_of_pytorch(padding):
    """ONNX Runtime against tests/golden/make_mobilenetv2.py (random convolutions, batch norm that does nothing)."""
    runtime.prepare()
    net = mobilenet_v2.build(0.35, padding, {"same": 1e-3, "symmetric": 1e-5}[padding])
    checkpoints.draw(net, SEED)
    opened = sessions.session(graphs.to_onnx(Pooled(net), (1, 3, 32, 32), ("mean", "max", "map")))
    golden = np.load(GOLDEN / "mobilenetv2_0.35.npz", allow_pickle=False)[f"{padding}_32_identity_mean"]
    mean, maximum, feature_map = opened.run(["mean", "max", "map"], {"x": noise(2, 32, seed=32)})
    assert np.abs(mean[:, ::8] - golden).max() < 1e-4 * golden.max()
    assert feature_map.shape == (2, 1280, 1, 1)
    assert np.array_equal(maximum, feature_map[:, :, 0, 0])


HEADS = {
    "mean": {"pooling": "mean"},
    "max": {"pooling": "max"},
    "mean+max": {"pooling": "mean+max"},
    "hidden": {"pooling": "mean+max", "hidden": 6},
    "softmax": {"pooling": "mean", "activation": "softmax", "scale": 3.0},
    "sigmoid": {"pooling": "max", "activation": "sigmoid", "scale": 0.5, "hidden": 3},
    "attention": {"pooling": "attention"},
    "attention, hidden": {"pooling": "attention", "hidden": 5},
    "se": {"pooling": "se"},
    "se, hidden": {"pooling": "se", "hidden": 5},
    "cbam": {"pooling": "cbam"},
    "cbam, hidden": {"pooling": "cbam", "hidden": 5},
}


def gate_arrays(pooling, channels, drawn):
    """Return what a head that pools so has besides, each of `drawn(*shape)`."""
    if pooling == "attention":
        return {"query": drawn(1, channels)}
    if pooling not in ("se", "cbam"):
        return {}
    shapes = {"squeeze_weight": (3, channels), "squeeze_bias": (3,), "excite_weight": (channels, 3),
              "excite_bias": (channels,)}  # fmt: skip
    if pooling == "cbam":
        shapes |= {"spatial_weight": (1, 98), "spatial_bias": (1,)}
    return {name: drawn(*shape) for name, shape in shapes.items()}


def gated_by_hand(head, maps):
    """Return maps (n, C, h, w) as squeeze-and-excitation or CBAM leaves them, photo by photo, float64."""
    arrays = {name: array.astype(np.float64) for name, array in head.arrays().items()}

    def gate(scores):
        return 2 / (1 + np.exp(-scores))

    def excited(squeezed):
        hidden = arrays["squeeze_weight"] @ squeezed + arrays["squeeze_bias"]
        return arrays["excite_weight"] @ np.where(hidden > 0, hidden, 0) + arrays["excite_bias"]

    found = []
    for one in np.asarray(maps, np.float64):
        scores = excited(one.mean((1, 2)))
        if head.pooling == "cbam":
            scores = scores + excited(one.max((1, 2)))
        one = one * gate(scores)[:, None, None]
        if head.pooling == "cbam":
            kernels = arrays["spatial_weight"].reshape(2, 7, 7)
            seen = zip((one.mean(0), one.max(0)), kernels, strict=True)
            places = sum(correlate(what, kernel, mode="constant") for what, kernel in seen)
            one = one * gate(places + arrays["spatial_bias"])
        found.append(one)
    return np.stack(found)


@pytest.mark.parametrize("kind", HEADS)
def test_a_classifier_pools_and_answers_as_its_head_mean_first(kind):
    """The head in ONNX Runtime against plain NumPy in float64, from the map that `by_hand` makes."""
    runtime.prepare()
    options = dict(HEADS[kind])
    hidden, random = options.pop("hidden", None), np.random.default_rng(1)

    def drawn(*shape):
        return random.standard_normal(shape).astype(np.float32)

    width = 8 if options["pooling"] == "mean+max" else 4
    if hidden:
        options |= {"hidden_weight": drawn(hidden, width), "hidden_bias": drawn(hidden)}
    options |= gate_arrays(options["pooling"], 4, drawn)
    head, small = Head(drawn(5, hidden or width), drawn(5), **options), Small()

    class MapOnly(nn.Cell):
        def __init__(self) -> None:
            super().__init__()
            self.small = small

        def construct(self, x):
            return self.small(x)[2]

    model = head_graph(MapOnly(), head, 9)
    x = noise(3, 9)
    feature_map = by_hand(small, x).astype(np.float64)
    flat = feature_map.reshape(3, 4, -1)
    if head.squeeze_weight is not None:
        seen = gated_by_hand(head, feature_map).mean((2, 3))
    elif head.query is None:
        parts = {"mean": flat.mean(2), "max": flat.max(2)}
        seen = np.concatenate([parts[name] for name in head.pooling.split("+")], 1)
    else:
        scores = np.exp(np.einsum("ncp,c->np", flat, head.query[0]))
        seen = np.einsum("ncp,np->nc", flat, scores / scores.sum(1, keepdims=True))
    if hidden:
        seen = np.maximum(seen @ head.hidden_weight.T + head.hidden_bias, 0)
    expected = seen @ head.weight.T + head.bias
    if head.activation == "softmax":
        expected = np.exp(expected) / np.exp(expected).sum(1, keepdims=True)
    elif head.activation == "sigmoid":
        expected = 1 / (1 + np.exp(-expected))
    expected *= head.scale
    assert np.allclose(sessions.session(model).run(["logits"], {"x": x})[0], expected, atol=1e-5)
    last = sessions.session(model).run(None, {"x": x})[-1]
    assert np.allclose(last, feature_map if head.pooling in MAPS else expected, atol=1e-5)
    # The train photos are compared with the map's mean, whatever the head makes of the map.
    reference = Reference(np.full(4, 0.1, np.float32), np.eye(4, dtype=np.float32), np.eye(4, dtype=np.float32)[:2])
    onnx_model.add_similarity(model, reference)
    (similar,) = sessions.session(model).run(["similarity"], {"x": x})
    assert similar == pytest.approx(reference.similarity(flat.mean(2).astype(np.float32)), abs=0.01)
    features = feature_map if head.pooling in MAPS else np.stack((flat.mean(2), flat.max(2)), 1)
    assert np.allclose(head.logits(features.astype(np.float32)), expected, atol=1e-5)
