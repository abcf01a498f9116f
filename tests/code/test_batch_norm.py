"""sortline.nets.batch_norm: folding and measuring leave the features as they are."""

import numpy as np
import pytest
from pretrained import NETWORK, RELEASE, WIDTH, batch, features, pretrained

from sortline.backbones import checkpoints
from sortline.backbones.loading import Backbone
from sortline.nets import batch_norm

pytestmark = pytest.mark.usefixtures("graph_mode", "short")


def test_folding_changes_no_feature():
    backbone = pretrained()
    before = features(backbone.net, batch(backbone))
    batch_norm.fold(backbone.net)
    assert np.abs(features(backbone.net, batch(backbone)) - before).max() < 1e-4


def test_measured_batch_norm_changes_no_feature_and_holds_the_statistics_of_a_batch():
    backbone = pretrained()
    batch_norm.fold(backbone.net)
    released = Backbone(NETWORK.net(RELEASE, WIDTH), backbone.preprocessing, {})
    names = [parameter.name for parameter in released.net.get_parameters()]
    checkpoints.draw(released.net, 1, NETWORK.draw)
    x = batch(released, 16, 64)
    before = features(released.net, x)
    batch_norm.measure(released.net, [x])
    assert [parameter.name for parameter in released.net.get_parameters()] == names
    assert np.abs(features(released.net, x) - before).max() < 1e-4
    # In training mode each norm takes the batch's own mean and variance, which are the measured ones.
    released.net.set_train(True)
    assert np.abs(released.net(x).asnumpy() - before).max() < 1e-2


def test_without_measuring_training_mode_throws_the_features_away():
    """What the test above guards against."""
    backbone = pretrained()
    x = batch(backbone, 16, 64)
    before = features(backbone.net, x)
    backbone.net.set_train(True)
    assert np.abs(backbone.net(x).asnumpy() - before).max() > 0.5
