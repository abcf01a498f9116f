"""sortline.export.onnx_model: the class activation maps that a linear head's logits are made of."""

import numpy as np
import onnx
import pytest
from test_export import SIZE, OneConvolution, built, exported, photo

from sortline._core import sessions
from sortline.export import onnx_model


def network(pooling):
    """Return the head and the network (one convolution, so that its feature map is 2 x 2) with its maps."""
    _, head, net = built(OneConvolution, pooling)
    graph = onnx_model.network_graph(net, SIZE)
    onnx_model.add_cam(graph, head)
    return head, graph


def outputs(graph, x):
    return sessions.session(graph).run(["logits", "cam"], {"x": x})


def test_the_mean_of_a_map_and_the_bias_are_the_logit():
    head, graph = network("mean")
    x = np.random.default_rng(0).normal(size=(1, 3, SIZE, SIZE)).astype(np.float32)
    logits, maps = outputs(graph, x)
    assert maps.shape == (1, 3, 2, 2) and maps.dtype == np.float32
    assert maps.mean((2, 3)) + head.bias == pytest.approx(logits, abs=1e-5)
    assert np.ptp(maps) > 0.1  # or anything would pass


@pytest.mark.parametrize("pooling", ["max", "mean+max"])
def test_other_poolings_weigh_the_same_feature_map(pooling):
    head, graph = network(pooling)
    x = np.random.default_rng(1).normal(size=(1, 3, SIZE, SIZE)).astype(np.float32)
    (weight,) = (one for one in graph.graph.initializer if one.dims[:] == [8, 3, 32, 32])
    kernels = onnx.numpy_helper.to_array(weight).astype(np.float64).reshape(8, -1)
    cells = x[0].reshape(3, 2, 32, 2, 32).transpose(1, 3, 0, 2, 4).reshape(2, 2, -1)
    features = cells @ kernels.T  # (h, w, channels)
    per_channel = head.weight if pooling == "max" else head.weight[:, :8] + head.weight[:, 8:]
    assert outputs(graph, x)[1][0] == pytest.approx(np.einsum("hwc,kc->khw", features, per_channel), abs=1e-4)


def test_the_self_contained_model_gives_them_for_one_photo():
    _, head, net = built(OneConvolution, "mean")
    session = sessions.session(exported(net, head))
    assert [one.name for one in session.get_outputs()] == ["probabilities", "logits", "cam", "set_scores"]
    logits, maps = session.run(["logits", "cam"], {"image": photo(97, 50)})
    assert maps.shape == (3, 2, 2)
    assert maps.mean((1, 2)) + head.bias == pytest.approx(logits, abs=1e-4)


def test_a_graph_that_pools_nothing_is_refused():
    _, head, net = built(OneConvolution, "mean")
    graph = onnx_model.network_graph(net, SIZE)
    for node in graph.graph.node:
        if node.op_type in onnx_model.POOLING_OPS:
            node.op_type = "Identity"
    with pytest.raises(ValueError, match="found 0"):
        onnx_model.add_cam(graph, head)
