"""sortline.export: a photo of any size in, the measured network's answer out; the same bytes.

The model is a small MobileNetV2, or a single convolution, with drawn weights and three classes; what it should say is
worked out with Pillow, NumPy and the backbone itself in MindSpore.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import mindspore
import numpy as np
import onnx
import onnxruntime
import pytest
from mindspore import nn
from mindspore.train import mind_ir_pb2
from onnx import TensorProto, helper
from PIL import Image
from scipy.special import softmax

from sortline._core import graphs, runtime, sessions
from sortline.backbones import checkpoints, mobilenet_v2
from sortline.backbones.preprocessing import IMAGENET
from sortline.export import onnx_model
from sortline.export.network import HeadOnBackbone
from sortline.features.heads import POOLED, Head

pytestmark = pytest.mark.xdist_group("export")  # one worker exports the net that most tests look at

SIZE = 64  # a 2 x 2 feature map: mean and max pooling differ
PREPROCESSING = IMAGENET  # differs from channel to channel
NAMES = [("Cup", "杯"), ("Can", "罐"), ("Peel", "果皮")]
LABELS = {
    "task": "toy",
    "classes": [{"code": f"00_0{i}", "en": en, "zh": zh, "bin": "dry"} for i, (en, zh) in enumerate(NAMES)],
    "bins": [{"id": "dry", "en": "Dry", "zh": "干垃圾", "colour": "#6f7782"}],
    "note": "",
}


class OneConvolution(nn.Cell):
    """A backbone that compiles at once: float32 (n, 3, S, S) to (n, 8, S/32, S/32)."""

    channels = 8

    def __init__(self):
        super().__init__()
        weight = np.random.default_rng(6).normal(scale=0.05, size=(8, 3, 32, 32)).astype(np.float32)
        self.conv = nn.Conv2d(3, 8, 32, stride=32, pad_mode="valid", weight_init=mindspore.Tensor(weight))
        self.set_train(False)

    def construct(self, x):
        return self.conv(x)


def mobilenet():
    backbone = mobilenet_v2.build(0.35, "symmetric", 1e-5)
    checkpoints.draw(backbone, 4)
    backbone.set_train(False)
    return backbone


def built(make=mobilenet, pooling="mean+max"):
    """Return the backbone, the head and both as one network."""
    runtime.prepare()
    backbone, random = make(), np.random.default_rng(2)
    dimension = backbone.channels * (2 if pooling == "mean+max" else 1)
    weight = random.normal(scale=1 / np.sqrt(dimension), size=(3, dimension)).astype(np.float32)
    bias = np.array([0.3, 0.0, -0.2], np.float32)
    network = HeadOnBackbone(backbone, Head(weight, bias, pooling))
    network.set_train(False)
    return backbone, Head(weight, bias, pooling), network


def exported(network, head=None):
    """Return the self-contained model, with class activation maps where the `head` is given."""
    graph = onnx_model.network_graph(network, SIZE)
    if head is not None:
        onnx_model.add_cam(graph, head)
    metadata = {"labels": LABELS, "sortline_version": "1.2", "backbone": {"width": 0.35}}
    return onnx_model.self_contained(graph, PREPROCESSING, SIZE, metadata)


@pytest.fixture(scope="module")
def made():
    backbone, head, network = built()
    model = exported(network)
    return SimpleNamespace(backbone=backbone, head=head, network=network, model=model, session=sessions.session(model))


def photo(width, height, seed=0):
    """Return a smooth photo with some noise, uint8 (height, width, 3)."""
    random = np.random.default_rng(seed)
    small = Image.fromarray(random.integers(0, 256, (5, 5, 3), dtype=np.uint8))
    pixels = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), np.int16)
    return np.clip(pixels + random.integers(-12, 13, pixels.shape), 0, 255).astype(np.uint8)


def network_input(pixels):
    """Pillow's BILINEAR resize and (x / 255 - mean) / std in float64, channels first."""
    resized = np.asarray(Image.fromarray(pixels).resize((SIZE, SIZE), Image.Resampling.BILINEAR), np.float64)
    return ((resized / 255 - IMAGENET.mean) / IMAGENET.std).transpose(2, 0, 1)[None]


def expected_logits(made, pixels, x=None):
    """The backbone in MindSpore, on `x` if that is given; pooling (mean first) and head in NumPy."""
    x = network_input(pixels) if x is None else x
    feature_map = made.backbone(mindspore.Tensor(x, mindspore.float32)).asnumpy()[0]
    pooled = {"mean": feature_map.mean((1, 2)), "max": feature_map.max((1, 2))}
    seen = np.concatenate([pooled[name] for name in made.head.pooling.split("+")])
    return made.head.weight.astype(np.float64) @ seen + made.head.bias


def run(made, pixels):
    probabilities, logits = made.session.run(["probabilities", "logits"], {"image": pixels})
    return probabilities, logits


# ---- the ONNX graph


def test_inputs_outputs_versions_and_metadata(made):
    onnx.checker.check_model(made.model, full_check=True)
    graph = made.model.graph
    (image,) = graph.input
    assert image.name == "image" and image.type.tensor_type.elem_type == TensorProto.UINT8
    shape = [dim.dim_param or dim.dim_value for dim in image.type.tensor_type.shape.dim]
    assert shape == ["height", "width", 3]
    assert [one.name for one in graph.output] == ["probabilities", "logits", "set_scores"]
    for output in graph.output:
        assert output.type.tensor_type.elem_type == TensorProto.FLOAT
        assert [dim.dim_value for dim in output.type.tensor_type.shape.dim] == [3]
    assert [(one.domain, one.version) for one in made.model.opset_import] == [("", 18)]
    assert made.model.ir_version == 8 and not made.model.functions
    assert not any(one.data_location == TensorProto.EXTERNAL for one in graph.initializer)
    metadata = made.session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata.pop("labels")) == LABELS
    assert metadata.pop("sortline_version") == "1.2" and json.loads(metadata.pop("backbone")) == {"width": 0.35}
    assert not metadata


@pytest.mark.parametrize("pooling", POOLED)
def test_every_pooling(pooling):
    backbone, head, network = built(OneConvolution, pooling)
    made = SimpleNamespace(backbone=backbone, head=head, session=sessions.session(exported(network)))
    logits = [run(made, photo(SIZE, SIZE, seed))[1] for seed in range(2)]
    assert logits[0] == pytest.approx(expected_logits(made, photo(SIZE, SIZE, 0)), abs=1e-4)
    assert np.abs(logits[0] - logits[1]).max() > 0.1  # or anything would pass


@pytest.mark.parametrize("seed", range(3))
def test_a_photo_of_the_networks_size_gives_the_networks_logits(made, seed):
    pixels = photo(SIZE, SIZE, seed)
    _, logits = run(made, pixels)
    assert logits == pytest.approx(expected_logits(made, pixels), abs=1e-4)
    assert np.ptp(logits) > 0.1  # or anything would pass


@pytest.mark.parametrize(
    ("width", "height"), [(1, 1), (1, 57), (57, 1), (2, 3), (33, 47), (63, 65), (97, 501), (224, 224), (640, 480)]
)
def test_a_photo_of_any_size(made, width, height):
    pixels = photo(width, height)
    probabilities, logits = run(made, pixels)
    assert probabilities.dtype == logits.dtype == np.float32 and probabilities.shape == logits.shape == (3,)
    seen = front(made)(pixels)
    assert logits == pytest.approx(expected_logits(made, pixels, seen), abs=1e-4)
    # A level of rounding here and there is much to drawn weights, which are not smooth.
    assert probabilities == pytest.approx(softmax(expected_logits(made, pixels)), abs=0.05)


def front(made):
    """Return a session of the same graph that also gives the network's input."""
    model = onnx.ModelProto.FromString(made.model.SerializeToString())
    name = next(node.output[0] for node in model.graph.node if node.op_type == "Add")
    model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, SIZE, SIZE]))
    session = sessions.session(model)
    return lambda pixels: session.run([name], {"image": pixels})[0]


def test_the_network_sees_what_pillow_makes_within_one_level(made):
    see = front(made)
    level = 1 / (255 * np.array(IMAGENET.std)).reshape(1, 3, 1, 1)
    pixels = photo(SIZE, SIZE)
    assert np.array_equal(see(pixels), PREPROCESSING(pixels[None]))  # nothing to resize: to the bit
    for width, height in ((1, 1), (31, 17), (65, 64), (97, 501), (129, 300), (640, 480), (1201, 97)):
        pixels = photo(width, height)
        apart = np.abs(see(pixels) - network_input(pixels)) / level
        assert apart.max() < 1.01 and apart.mean() < 0.3, f"{width} x {height}: {apart.max():.1f} levels"
    for shade in (0, 1, 127, 254, 255):
        pixels = np.full((37, 91, 3), shade, np.uint8)
        assert np.abs(see(pixels) - network_input(pixels)).max() < 1e-5


def test_it_antialiases(made):
    """Lines one pixel wide, far apart: a filter that only looks at neighbours would miss most of them."""
    pixels = np.zeros((64 * 8, 64 * 8, 3), np.uint8)
    pixels[:, 5::8] = 255
    seen = front(made)(pixels)
    assert seen == pytest.approx(network_input(pixels), abs=1.01 / (255 * min(IMAGENET.std)))
    assert seen.std(axis=(2, 3)).max() < 0.2  # even grey


@pytest.mark.parametrize("colour", [(255, 0, 0), (0, 0, 255), (200, 120, 10)])
@pytest.mark.parametrize("size", [(SIZE, SIZE), (41, 87)])
def test_channels_are_rgb_and_not_bgr(made, colour, size):
    """A plain colour survives any resizing, so the numbers must be the network's own for RGB."""
    pixels = np.full((*size, 3), colour, np.uint8)
    right, wrong = expected_logits(made, pixels), expected_logits(made, pixels[..., ::-1].copy())
    assert np.abs(right - wrong).max() > 0.1
    assert run(made, pixels)[1] == pytest.approx(right, abs=1e-3)


def test_height_comes_before_width(made):
    """The upper half bright: turned by a quarter the network would see the left half bright."""
    pixels = np.zeros((50, 80, 3), np.uint8)
    pixels[:25] = 255
    seen = front(made)(pixels)[0, 0]
    assert seen[:20].min() > 2 > -2 > seen[-20:].max()


def test_probabilities_are_the_softmax_of_the_logits(made):
    for seed in range(3):
        probabilities, logits = run(made, photo(50, 40, seed))
        assert probabilities.sum() == pytest.approx(1, abs=1e-6)
        assert probabilities == pytest.approx(softmax(logits.astype(np.float64)), abs=1e-6)


@pytest.mark.parametrize(
    "image", [np.zeros((8, 8, 4), np.uint8), np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32)]
)
def test_anything_but_a_uint8_rgb_photo_is_refused_by_the_runtime(made, image):
    with pytest.raises((onnxruntime.capi.onnxruntime_pybind11_state.InvalidArgument, ValueError)):
        made.session.run(None, {"image": image})


# ---- the MindIR


def test_mindir_gives_the_networks_logits(made, tmp_path):
    path = tmp_path / "垃圾 分类" / "model.mindir"
    path.parent.mkdir()
    path.write_bytes(graphs.to_mindir(made.network, SIZE))
    photos = np.stack([photo(SIZE, SIZE, seed) for seed in range(3)])
    x, expected = PREPROCESSING(photos), np.stack([expected_logits(made, pixels) for pixels in photos])
    logits = graphs.run_mindir(path, x)
    assert logits.shape == (3, 3) and logits.dtype == np.float32
    assert logits == pytest.approx(expected, abs=1e-4)
    assert np.ptp(expected, axis=0).min() > 0.01  # photos are told apart
    assert [entry.name for entry in path.parent.iterdir()] == ["model.mindir"]


# ---- bytes


def write_both(folder):
    """Build the model and export it into `folder`, as model.onnx and model.mindir."""
    _, _, network = built()
    Path(folder, "model.onnx").write_bytes(exported(network).SerializeToString(deterministic=True))
    Path(folder, "model.mindir").write_bytes(graphs.to_mindir(network, SIZE))


def test_two_processes_in_two_folders_write_the_same_bytes_without_a_trace_of_the_machine(tmp_path):
    folders = [tmp_path / "a", tmp_path / "垃圾 分类"]
    code = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_export as t; t.write_both('.')"
    running = []
    for seed, folder in enumerate(folders):
        folder.mkdir()
        environment = os.environ | {"PYTHONHASHSEED": str(seed)}
        running.append(subprocess.Popen([sys.executable, "-c", code], cwd=folder, env=environment))
    assert [process.wait(120) for process in running] == [0, 0]
    for name in ("model.onnx", "model.mindir"):
        one, other = ((folder / name).read_bytes() for folder in folders)
        assert one == other
        for trace in (str(tmp_path), tempfile.gettempdir(), str(Path(__file__).parents[2])):
            assert trace.encode() not in one, f"{trace} in {name}"
    # MindSpore's names of variables are in another order in only some of its runs, so two are not proof enough.
    graph = mind_ir_pb2.ModelProto.FromString(one).graph
    assert not [name for node in graph.node for name in (node.name, *node.input, *node.output) if "$" in name]
    assert {one.s for one in graph.attribute if one.name == "compile_phase"} == {b"export.mindir"}
