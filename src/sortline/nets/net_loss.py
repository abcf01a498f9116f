"""What a net's steps lower: the loss of its classes, and what contrast there may be of its features besides."""

import mindspore
from mindspore import Tensor, nn, ops

from sortline.backbones.joined import JoinedBackbone
from sortline.config.training import ContrastParams
from sortline.nets.inputs import Feed
from sortline.nets.photo_net import PhotoNet, Tail
from sortline.training import loop, losses


class NetLoss(nn.Cell):
    """The mean loss of a net over a batch of what a feed gives."""

    def __init__(self, net: nn.Cell, feed: Feed, loss: losses.Loss) -> None:
        super().__init__(auto_prefix=False)  # or the parameters' names would begin with `net.`
        self.net, self.scale, self.shift = net, Tensor(feed.scale), Tensor(feed.shift)
        self.loss_of = loss

    def construct(self, inputs, targets):
        x = ops.cast(inputs, mindspore.float32) * self.scale + self.shift
        logits = self.net(x)
        loss = self.loss_of(logits, targets).mean()
        seen = ops.stack((loss, loop.correct(logits, targets).mean())).reshape(2, 1)
        return loss, seen, ops.ones_like(loss).reshape(1)


class ContrastLoss(NetLoss):
    """The same, and a share that draws the features of a class together (`ContrastParams`), of a PhotoNet or the Tail
    of one. A class of its own: the plain loss's graph stays as it is."""

    def __init__(self, net: nn.Cell, feed: Feed, loss: losses.Loss, contrast: ContrastParams) -> None:
        super().__init__(net, feed, loss)
        self.share, self.temperature = contrast.share, contrast.temperature

    def construct(self, inputs, targets):
        features = self.net.features(ops.cast(inputs, mindspore.float32) * self.scale + self.shift)
        logits, label = self.net.classify(features), ops.argmax(targets, -1)
        alike = ops.cast(label.expand_dims(0) == label.expand_dims(1), mindspore.float32)
        rows = ops.cast(features, mindspore.float32).expand_dims(1)
        drawn = losses.supervised_contrastive(rows, alike, ops.ones_like(alike[:, :1]), self.temperature)
        loss = (1 - self.share) * self.loss_of(logits, targets).mean() + self.share * drawn.mean()
        seen = ops.stack((loss, loop.correct(logits, targets).mean())).reshape(2, 1)
        return loss, seen, ops.ones_like(loss).reshape(1)


class MembersLoss(NetLoss):
    """Of joined backbones: each learns to say it alone. Their mean is better than what they learn to say together."""

    def construct(self, inputs, targets):
        features = self.net.features(ops.cast(inputs, mindspore.float32) * self.scale + self.shift)
        said = self.net.alone(features)
        loss, logits = 0, 0
        for one in said:
            loss, logits = loss + self.loss_of(one, targets).mean(), logits + one
        seen = ops.stack((loss / len(said), loop.correct(logits, targets).mean())).reshape(2, 1)
        return loss, seen, ops.ones_like(loss).reshape(1)


def of(net: nn.Cell, feed: Feed, loss: losses.Loss, contrast: ContrastParams | None) -> NetLoss:
    photo_net = net.net if isinstance(net, Tail) else net
    if isinstance(photo_net, PhotoNet) and isinstance(photo_net.backbone, JoinedBackbone):
        return MembersLoss(net, feed, loss)
    return ContrastLoss(net, feed, loss, contrast) if contrast and contrast.share else NetLoss(net, feed, loss)
