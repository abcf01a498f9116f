"""How a photo that is not square becomes one: by the library, and in the exported graph."""

import io

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from small_model import HALVES

from sortline._core import sessions
from sortline.data.images import PADDING, frame, resize
from sortline.export import onnx_model
from sortline.export.parity import unframed

WAYS = ("squeeze", "centre_crop", "pad")


def photo(width: int, height: int) -> Image.Image:
    """A smooth photo, as it comes out of a JPEG file."""
    x, y = np.meshgrid(np.linspace(0, 9, width), np.linspace(0, 7, height))
    planes = [127 + 120 * np.sin(x + k) * np.cos(y - k) for k in range(3)]
    stream = io.BytesIO()
    Image.fromarray(np.stack(planes, 2).astype(np.uint8)).save(stream, "JPEG", quality=95)
    return Image.open(stream).convert("RGB")


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (501, 373), (256, 256), (300, 1201)])
def test_centre_crop_is_resize_to_256_and_crop_224(size):
    image = photo(*size)
    shorter = min(size)
    whole = image.resize([round(side * 256 / shorter) for side in size], Image.Resampling.BILINEAR)
    left, top = ((side - 224) // 2 for side in whole.size)
    expected = np.asarray(whole.crop((left, top, left + 224, top + 224)), np.float64)
    found = resize(frame(image, "centre_crop"), 224)
    # The same but for half a pixel of the photo, and what lies outside of the square at its edge.
    assert np.abs(found - expected)[2:-2, 2:-2].max() < 6 and np.abs(found - expected).mean() < 1


def test_pad_keeps_all_of_it_on_grey():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 51, 3), np.uint8)
    found = np.asarray(frame(Image.fromarray(pixels), "pad"))
    assert found.shape == (51, 51, 3) and np.array_equal(found[10:40], pixels)
    assert (found[:10] == PADDING).all() and (found[40:] == PADDING).all()


def network_of_pixels(side: int):
    """Its logits are its input, pixel by pixel."""
    shape = numpy_helper.from_array(np.array([-1, 3 * side * side]), "shape")
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, side, side])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 3 * side * side])
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["logits"])]
    graph = helper.make_graph(nodes, "pixels", [x], [logits], [shape])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.parametrize("size", [(64, 64), (97, 61), (61, 97), (1, 40), (333, 250)])
def test_the_exported_graph_frames_as_the_library_does(how, size):
    side = 32
    model = onnx_model.self_contained(network_of_pixels(side), HALVES, side, {}, how)
    image = photo(*size)
    found = sessions.session(model).run(["logits"], {"image": np.asarray(image)})[0]
    expected = HALVES(resize(frame(image, how), side)[None]).ravel()
    # Both round to whole levels, of which 127.5 are 1; the two do not always round alike.
    assert np.abs(found - expected).max() * 127.5 <= 1.01 and np.abs(found - expected).mean() * 127.5 < 0.2


@pytest.mark.parametrize("size", [32, 33, 224, 240, 255, 256, 260])
@pytest.mark.parametrize("how", WAYS)
def test_a_picture_that_frame_leaves_alone(size, how):
    pixels = np.random.default_rng(1).integers(0, 256, (size, size, 3), np.uint8)
    assert np.array_equal(np.asarray(frame(Image.fromarray(unframed(pixels, how)), how)), pixels)
