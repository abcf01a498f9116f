"""Joined backbones: the features of each side by side, in one net from a picture, whatever engine runs it."""

import mindspore
import numpy as np
import pytest
from test_export import OneConvolution

from sortline._core import graphs, runtime, sessions
from sortline.backbones.joined import Resized, area_weights
from sortline.backbones.loading import Backbone, join
from sortline.backbones.preprocessing import HALF, IMAGENET
from sortline.export import onnx_model
from sortline.export.network import HeadOnBackbone
from sortline.features import engines
from sortline.features.heads import Head

OWN, LARGEST = 64, 96  # maps of 2 x 2 and of 3 x 3


def by_area(array: np.ndarray, before: int, after: int) -> np.ndarray:
    """The last two axes resized: each number repeated `after` times, then means of `before` of them."""
    fine = array.repeat(after, -1).repeat(after, -2)
    return fine.reshape(*array.shape[:-2], after, before, after, before).mean((-3, -1))


@pytest.mark.parametrize(("before", "after"), [(240, 224), (7, 8), (3, 2), (2, 3), (5, 5), (6, 3)])
def test_resizing_by_area_keeps_the_mean(before, after, pynative_mode):
    x = np.random.default_rng(0).random((2, 3, before, before)).astype(np.float32)
    resized = Resized(before, after)(mindspore.Tensor(x)).asnumpy()
    if before < 200:
        assert resized == pytest.approx(by_area(x, before, after), abs=1e-5)
    assert resized.mean((2, 3)) == pytest.approx(x.mean((2, 3)), abs=1e-5)
    assert area_weights(before, after).sum(1) == pytest.approx(np.ones(after), abs=1e-6)


def info(name: str) -> dict:
    scaling = {"mean": [0.5] * 3, "std": [0.5] * 3, "channel_order": "RGB", "resize": "bilinear, antialiased"}
    return {"network": name, "release": "random", "title": name.upper(), "width": None, **scaling}


@pytest.fixture(scope="module")
def members() -> list[Backbone]:
    """One convolution of pictures of OWN a side, another of such of LARGEST, each scaled its way."""
    runtime.prepare()
    net = OneConvolution()
    net.conv.weight.set_data(-net.conv.weight + 0.01)
    small = Backbone(net, HALF, info("small"), OWN, ({"title": "SMALL"},))
    return [small, Backbone(OneConvolution(), IMAGENET, info("large"), LARGEST, ({"title": "LARGE"},))]


@pytest.fixture(scope="module")
def joined(members) -> Backbone:
    return join(members)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (2, LARGEST, LARGEST, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def maps(members, pictures) -> list[np.ndarray]:
    """The map of each member alone, on its own picture."""
    planes = pictures.transpose(0, 3, 1, 2) / 255
    found = []
    for one, resized in zip(members, (by_area(planes, LARGEST, OWN), planes), strict=True):
        mean, std = (np.reshape(values, (1, 3, 1, 1)) for values in (one.preprocessing.mean, one.preprocessing.std))
        found.append(one.net(mindspore.Tensor(((resized - mean) / std).astype(np.float32))).asnumpy())
    return found


def test_a_joined_backbone_says_what_it_is(joined):
    assert (joined.size, joined.net.channels, joined.blocks) == (LARGEST, 16, None)
    assert (joined.info["network"], joined.info["title"]) == ("small+large", "SMALL and LARGE")
    assert [one["network"] for one in joined.info["joined"]] == ["small", "large"]
    assert [one["title"] for one in joined.credits] == ["SMALL", "LARGE"]


@pytest.mark.parametrize("engine", ["mindspore", "onnxruntime"])
def test_features_are_those_of_each_side_by_side(joined, pictures, maps, engine):
    runtime.prepare()
    run = {
        "mindspore": lambda: engines.mindspore_engine(joined),
        "onnxruntime": lambda: engines.onnxruntime_engine(engines.to_onnx(joined, LARGEST)),
    }[engine]().run
    mean, maximum, feature_map = run(joined.preprocessing(pictures))
    small, large = maps
    assert mean == pytest.approx(np.concatenate((small.mean((2, 3)), large.mean((2, 3))), 1), abs=1e-4)
    assert feature_map.shape == (2, 16, 3, 3)
    assert feature_map[:, :8] == pytest.approx(by_area(small, 2, 3), abs=1e-4)
    assert feature_map[:, 8:] == pytest.approx(large, abs=1e-4)
    assert maximum == pytest.approx(feature_map.max((2, 3)), abs=1e-5)
    assert np.ptp(mean[:, :8]) > 0.1 and np.ptp(mean[:, 8:]) > 0.1  # or anything would pass


def test_a_smaller_picture_is_taken_as_it_is(members, joined):
    both = join(members, OWN)
    x = np.random.default_rng(2).integers(0, 256, (1, OWN, OWN, 3), dtype=np.uint8)
    mean, _, feature_map = engines.onnxruntime_engine(engines.to_onnx(both, OWN)).run(both.preprocessing(x))
    alone = engines.mindspore_engine(members[0]).run(members[0].preprocessing(x))[0]
    assert both.size == OWN and feature_map.shape == (1, 16, 2, 2)
    assert mean[:, :8] == pytest.approx(alone, abs=1e-4)


def test_one_graph_from_photo_to_probabilities_with_evidence_of_both(joined, pictures, maps, tmp_path):
    runtime.prepare()
    weight = np.random.default_rng(3).normal(scale=0.05, size=(3, 16)).astype(np.float32)
    head = Head(weight, np.array([0.1, 0.0, -0.2], np.float32), "mean")
    cell = HeadOnBackbone(joined.net, head).set_train(False)
    graph = onnx_model.network_graph(cell, LARGEST)
    onnx_model.add_cam(graph, head)
    model = onnx_model.self_contained(graph, joined.preprocessing, LARGEST, {})
    small, large = (one[0].mean((1, 2)) for one in maps)
    expected = weight @ np.concatenate((small, large)) + head.bias
    logits, cam = sessions.session(model).run(["logits", "cam"], {"image": pictures[0]})
    assert logits == pytest.approx(expected, abs=1e-4)
    assert cam.shape == (3, 3, 3)
    assert cam.mean((1, 2)) + head.bias == pytest.approx(expected, abs=1e-4)
    assert cam[:, 0, 0] == pytest.approx(
        weight[:, :8] @ maps[0][0, :, 0, 0] + weight[:, 8:] @ maps[1][0, :, 0, 0], abs=1e-3
    )
    (tmp_path / "model.mindir").write_bytes(graphs.to_mindir(cell, LARGEST))
    assert graphs.run_mindir(tmp_path / "model.mindir", joined.preprocessing(pictures[:1]))[0] == pytest.approx(
        expected, abs=1e-4
    )
