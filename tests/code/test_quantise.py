"""sortline.export.int8: nearly the same answers from a quarter of the bytes, the same bytes every time."""

import json
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from PIL import Image
from scipy.stats import binomtest
from test_export import LABELS, SIZE, OneConvolution, built, exported, mobilenet, photo
from test_graphs import gate_arrays

from sortline._core import sessions
from sortline.data.images import open_rgb
from sortline.export import int8
from sortline.export.network import on_backbone
from sortline.features.heads import Head

pytestmark = pytest.mark.xdist_group("quantise")  # one worker makes the model in 8 bits


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A small MobileNetV2 with drawn weights, 12 photos, and the model in 8 bits, calibrated on ten of them."""
    folder = tmp_path_factory.mktemp("photos") / "垃圾 分类"
    folder.mkdir()
    photos = []
    for i in range(12):
        photos.append(folder / f"{i}.png")
        Image.fromarray(photo(*[(SIZE, SIZE), (90, 70)][i % 2], seed=i)).save(photos[-1])
    _, head, network = built(mobilenet, "mean")
    model = exported(network, head)
    return SimpleNamespace(photos=photos, model=model, small=int8.quantized(model, photos[:10], SIZE))


def run(model, image, names=("probabilities", "logits", "cam")):
    return sessions.session(model).run(list(names), {"image": np.asarray(image)})


def test_folding_changes_nothing_but_the_batch_norms(made):
    folded = int8.folded(made.model)
    assert any(node.op_type == "BatchNormalization" for node in made.model.graph.node)  # the argument is as it was
    assert not any(node.op_type == "BatchNormalization" for node in folded.graph.node)
    onnx.checker.check_model(folded, full_check=True)
    for ours, theirs in zip(run(folded, photo(80, 60)), run(made.model, photo(80, 60)), strict=True):
        assert ours == pytest.approx(theirs, abs=1e-4)
    names = {one.name for one in folded.graph.initializer}
    assert names == {name for node in folded.graph.node for name in node.input} & names


def test_the_bias_of_a_dead_channel_survives_8_bits(made, caplog):
    model = onnx.ModelProto.FromString(made.model.SerializeToString())
    norm = next(node for node in model.graph.node if node.op_type == "BatchNormalization")
    values = {one.name: one for one in model.graph.initializer}
    for name, value in zip(norm.input[1:3], (1e-12, 3.0), strict=True):
        array = onnx.numpy_helper.to_array(values[name]).copy()
        array[:2] = value
        values[name].CopyFrom(onnx.numpy_helper.from_array(array, name))
    small = int8.quantized(model, made.photos[:4], SIZE)
    assert "exceeds the range" not in caplog.text
    found = {one.name: onnx.numpy_helper.to_array(one) for one in small.graph.initializer}
    steps, scale = (found[f"{norm.input[2]}_quantized{end}"] for end in ("", "_scale"))
    assert (steps * scale)[:2] == pytest.approx(3.0, rel=1e-3)


def test_a_convolution_with_a_bias_is_folded_right():
    weight = np.random.default_rng(0).normal(size=(2, 1, 1, 1)).astype(np.float32)
    arrays = {"w": weight, "b": np.array([3, -1], np.float32), "gamma": np.array([2, 0.5], np.float32),
              "beta": np.array([1, 7], np.float32), "mean": np.array([0.3, -4], np.float32),
              "variance": np.array([4, 0.25], np.float32)}  # fmt: skip
    nodes = [
        onnx.helper.make_node("Conv", ["x", "w", "b"], ["y"]),
        onnx.helper.make_node("BatchNormalization", ["y", "gamma", "beta", "mean", "variance"], ["z"], epsilon=1e-3),
    ]
    values = [onnx.helper.make_tensor_value_info(*one) for one in (("x", 1, [1, 1, 2, 2]), ("z", 1, [1, 2, 2, 2]))]
    initial = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    graph = onnx.helper.make_graph(nodes, "g", values[:1], values[1:], initial)
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=8)
    x = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    (y,) = sessions.session(int8.folded(model)).run(None, {"x": x})
    for channel in range(2):
        convolved = x[0, 0] * weight[channel].item() + arrays["b"][channel]
        scale = arrays["gamma"][channel] / np.sqrt(arrays["variance"][channel] + 1e-3)
        assert y[0, channel] == pytest.approx(
            (convolved - arrays["mean"][channel]) * scale + arrays["beta"][channel], abs=1e-4
        )


def test_nearly_the_same_answers_from_a_third_of_the_bytes(made):
    sizes = [len(model.SerializeToString()) for model in (made.small, made.model)]
    assert sizes[0] < 0.4 * sizes[1]
    for i in range(3):
        ours, theirs = run(made.small, photo(75, 75, i)), run(made.model, photo(75, 75, i))
        assert ours[1] == pytest.approx(theirs[1], abs=0.1 * np.ptp(theirs[1]))  # drawn weights take rounding badly
        assert ours[0].sum() == pytest.approx(1, abs=1e-5) and ours[2].shape == theirs[2].shape
        # Not rounded to 8 bits at the end, nor equal to fp32.
        assert np.abs(ours[1] - theirs[1]).max() > 0


def test_inputs_outputs_and_metadata_stay_and_weights_are_8_bits_per_channel(made):
    opened = sessions.session(made.small), sessions.session(made.model)
    for values in ([one.get_inputs() for one in opened], [one.get_outputs() for one in opened]):
        ours, theirs = ([(one.name, one.type, len(one.shape)) for one in several] for several in values)
        assert ours == theirs
    metadata = {one.key: one.value for one in made.small.metadata_props}
    assert metadata == {one.key: one.value for one in made.model.metadata_props}
    assert json.loads(metadata["labels"]) == LABELS
    shapes = {one.name: list(one.dims) for one in made.small.graph.initializer}
    types = {one.name: one.data_type for one in made.small.graph.initializer}
    (stem,) = (name for name in shapes if name.endswith("stem.conv.weight_quantized"))
    assert types[stem] == onnx.TensorProto.UINT8
    assert shapes[stem.replace("_quantized", "_scale")] == [shapes[stem][0]]
    by_name = {node.name: node for node in made.small.graph.node}
    assert by_name["front/resized"].input[0] == "front/batched"  # what comes before the network is not touched


def test_the_same_bytes_twice_and_others_from_other_photos(made):
    def content(photos):
        return int8.quantized(made.model, photos, SIZE).SerializeToString()

    assert content(made.photos[:10]) == made.small.SerializeToString()
    assert content(made.photos[10:]) != made.small.SerializeToString()


def test_it_is_calibrated_on_large_photos_as_they_are_decoded_for_a_prediction(monkeypatch, tmp_path):
    Image.fromarray(photo(1100, 1000)).save(tmp_path / "large.jpg")
    monkeypatch.setattr(int8, "_quantized", lambda model, inputs: [one["image"].shape for one in inputs])
    assert int8.quantized(None, [tmp_path / "large.jpg"], 224) == [
        open_rgb(tmp_path / "large.jpg", side=224).size[::-1] + (3,)
    ]


def test_chosen_photos_are_seeded_and_in_order():
    photos = list(range(100))
    first = int8.chosen(photos, 20, seed=3)
    assert first == int8.chosen(photos, 20, seed=3) == sorted(set(first)) and len(first) == 20
    assert first != int8.chosen(photos, 20, seed=4)
    assert int8.chosen(photos, 1000, seed=0) == photos


def test_scores():
    full, small = np.array([0, 1, 2, 1, 0]), np.array([0, 1, 1, 1, 2])
    result = int8.scores(full, small, np.array([1, 1]))
    for name, right, n in (("int8_agreement", 3, 5), ("int8_accuracy", 1, 2)):
        interval = binomtest(right, n).proportion_ci(method="wilson")
        assert [result[name + end] for end in ("", "_low", "_high")] == pytest.approx(
            [right / n, interval.low, interval.high]
        )
    assert (result["int8_n"], result["int8_agreement_n"]) == (2, 5)


def test_a_network_without_batch_norm_works_too(made):
    _, head, network = built(OneConvolution, "mean+max")
    model = exported(network, head)
    small = int8.quantized(model, made.photos[:4], SIZE)
    assert run(small, photo(70, 70))[1] == pytest.approx(run(model, photo(70, 70))[1], abs=0.3)


@pytest.mark.parametrize("pooling", ["attention", "se", "cbam"])
def test_a_head_that_is_not_linear_works_too(made, pooling):
    random, backbone = np.random.default_rng(3), built(OneConvolution, "mean")[0]

    def array(*shape):
        return random.normal(size=shape).astype(np.float32)

    gates = gate_arrays(pooling, 8, array)
    head = Head(array(3, 5), array(3), pooling, hidden_weight=array(5, 8), hidden_bias=array(5), **gates)
    model = exported(on_backbone(backbone, head))
    small = int8.quantized(model, made.photos[:4], SIZE)
    ours, theirs = (run(one, photo(70, 70), ["logits"])[0] for one in (small, model))
    assert ours == pytest.approx(theirs, abs=0.05 * np.ptp(theirs)) and np.ptp(theirs) > 0.1
