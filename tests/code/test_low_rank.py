"""sortline.nets.low_rank: the merged weight is the sum of what stays and the update."""

import mindspore
import numpy as np
import pytest

from sortline.nets import low_rank

pytestmark = pytest.mark.usefixtures("graph_mode")


@pytest.mark.parametrize("kind", ["conv", "dense"])
def test_merged_is_unmerged(kind):
    """Against W x + alpha / rank up (down x), worked out apart in float64."""
    owner = mindspore.nn.Cell()
    conv = kind == "conv"
    owner.layer = mindspore.nn.Conv2d(6, 4, 1, has_bias=False) if conv else mindspore.nn.Dense(6, 4)
    name = owner.layer.weight.name
    low_rank.adapt(owner, "layer", 2, 16, np.random.default_rng(0))
    layer, generator = owner.layer, np.random.default_rng(1)
    assert layer.weight.name == name and np.abs(layer.merged() - layer.weight.asnumpy()).max() == 0
    layer.up.set_data(mindspore.Tensor(generator.normal(0, 1, (4, 2)).astype(np.float32)))
    x = generator.normal(0, 1, (5, 6, 3, 3) if conv else (5, 6)).astype(np.float32)
    weight = layer.weight.asnumpy().reshape(4, 6).astype(np.float64)
    expected = np.einsum("oi,ni...->no...", weight, x)
    expected += 8 * np.einsum("or,ri,ni...->no...", layer.up.asnumpy(), layer.down.asnumpy(), x)
    if not conv:
        expected += layer.bias.asnumpy()
    assert np.abs(layer(mindspore.Tensor(x)).asnumpy() - expected).max() < 1e-4
    merged = np.einsum("oi,ni...->no...", layer.merged().reshape(4, 6), x) + (0 if conv else layer.bias.asnumpy())
    assert np.abs(merged.reshape(expected.shape) - expected).max() < 1e-4
