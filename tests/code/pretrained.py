"""A small MobileNetV2 whose batch norms do something, pictures for it, and what it makes of them."""

import mindspore
import numpy as np

from sortline import backbones
from sortline.backbones import checkpoints
from sortline.backbones.loading import Backbone

WIDTH, COUNT = 0.35, 18
NETWORK = backbones.get("mobilenet_v2")
RELEASE = NETWORK.release("random")


def pretrained(seed=1) -> Backbone:
    """A small backbone whose batch norms do something."""
    net = NETWORK.net(RELEASE, WIDTH)
    checkpoints.draw(net, seed, NETWORK.draw)
    generator = np.random.default_rng(seed)
    for name, parameter in net.parameters_dict().items():
        if name.endswith(("moving_variance", "gamma")):
            parameter.set_data(mindspore.Tensor(generator.uniform(0.8, 1.2, parameter.shape).astype(np.float32)))
        elif name.endswith("moving_mean"):
            parameter.set_data(mindspore.Tensor(generator.normal(0, 0.1, parameter.shape).astype(np.float32)))
    net.set_train(False)
    return Backbone(net, RELEASE.preprocessing, {"network": "mobilenet_v2", "release": "random", "width": WIDTH})


def pictures(count=COUNT, side=32):
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3)).astype(np.uint8)


def batch(backbone, count=8, side=32):
    return mindspore.Tensor(backbone.preprocessing(pictures(count, side)))


def features(net, x):
    net.set_train(False)
    return net(x).asnumpy()
