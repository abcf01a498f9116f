"""sortline.cam: evidence against MindSpore's own gradients, and pictures that show it where it is."""

from dataclasses import replace

import mindspore
import numpy as np
import pytest
from mindspore import Tensor, nn
from PIL import Image
from test_graphs import HEADS, gate_arrays

from sortline._core import runtime
from sortline.export.network import HeadOnBackbone
from sortline.features.evidence import channel_weights, class_activation
from sortline.features.heads import GATES, Head
from sortline.report.overlay import overlay


class Given(nn.Cell):
    """A backbone whose map is its input."""

    def construct(self, x):
        return x


def made(kind):
    options = dict(HEADS[kind]) | {"activation": "none", "scale": 1.0}
    hidden, random = options.pop("hidden", None), np.random.default_rng(4)
    width = 14 if options["pooling"] == "mean+max" else 7
    if hidden:
        options |= {"hidden_weight": random.normal(size=(hidden, width)).astype(np.float32),
                    "hidden_bias": random.normal(size=hidden).astype(np.float32)}  # fmt: skip
    options |= gate_arrays(options["pooling"], 7, lambda *shape: random.normal(size=shape).astype(np.float32))
    weight = random.normal(size=(4, hidden or width)).astype(np.float32)
    return Head(weight, np.zeros(4, np.float32), **options), random.normal(size=(7, 3, 5)).astype(np.float32)


@pytest.mark.parametrize("kind", HEADS)
def test_the_evidence_is_grad_cams(kind):
    runtime.prepare()
    head, feature_map = made(kind)
    plain, given = head, feature_map
    if head.squeeze_weight is not None:
        # Of the map that the gates leave: that is the last one, which is pooled.
        feature_map, plain = head.gated(feature_map[None])[0], replace(head, **dict.fromkeys(GATES), pooling="mean")
    net = HeadOnBackbone(Given(), plain).set_train(False)

    def logit(x, one_hot):
        return (net(x) * one_hot).sum()

    for label in range(4):
        gradient = mindspore.grad(logit)(Tensor(feature_map[None]), Tensor(np.eye(4)[label], mindspore.float32))
        gradient = gradient.asnumpy()[0]
        mean = gradient.mean((1, 2))  # per channel, over the positions
        expected = np.maximum(np.einsum("c,chw->hw", mean, feature_map), 0) * 15
        assert class_activation(head, given, label) == pytest.approx(expected, abs=1e-4)
        assert expected.max() > 0


def test_for_a_linear_head_on_the_mean_the_evidence_adds_up_to_the_logit():
    head, feature_map = made("mean")
    weights = channel_weights(head, feature_map, 2)
    total = np.einsum("c,chw->hw", weights, feature_map).mean()
    pooled = np.stack((feature_map.mean((1, 2)), feature_map.max((1, 2))))[None]
    assert total == pytest.approx(head.logits(pooled)[0, 2], abs=1e-5)


def test_the_overlay_is_bright_where_the_evidence_is():
    evidence = np.zeros((7, 7), np.float32)
    evidence[1, 5] = 2.0
    shown = np.asarray(overlay(Image.new("RGB", (140, 70), (40, 90, 160)), evidence), np.int16)
    assert shown.shape == (70, 140, 3)
    coloured = np.ptp(shown, axis=2)  # the photo itself is grey
    assert np.unravel_index(coloured.argmax(), coloured.shape) == pytest.approx((15, 110), abs=9)
    assert coloured[40:, :60].max() <= 3


def test_no_evidence_leaves_the_photo_grey():
    photo = Image.new("RGB", (20, 10), (200, 10, 10))
    shown = np.asarray(overlay(photo, np.zeros((7, 7), np.float32)))
    assert np.ptp(shown, axis=2).max() == 0 and shown[0, 0, 0] == photo.convert("L").getpixel((0, 0))
