"""Training without labels: a net learns which two views are of one photo (Chen et al. 2020, arXiv:2002.05709)."""

from pathlib import Path

import mindspore
import numpy as np
from mindspore import Tensor, nn, ops

from sortline._core.errors import UserError
from sortline.config.training import Recipe, SimclrParams, TrainParams
from sortline.nets.inputs import Feed, Inputs
from sortline.nets.photo_net import PhotoNet
from sortline.training import loop, losses
from sortline.training.keeping import Keeper
from sortline.training.progress import Progress

NEVER = -2.0  # and a cosine are less than any cosine


class PairLoss(nn.Cell):
    """How badly the views of a batch find the other one of their photo, by cosine of what two dense layers make of the
    net's features: SimCLR's NT-Xent. They are dropped afterwards."""

    def __init__(self, net: nn.Cell, channels: int, feed: Feed, asked: SimclrParams, seed: int) -> None:
        super().__init__(auto_prefix=False)
        self.net, self.scale, self.shift = net, Tensor(feed.scale), Tensor(feed.shift)
        self.temperature = asked.temperature
        self.first, self.last = nn.Dense(channels, channels), nn.Dense(channels, asked.width)
        self.relu = nn.ReLU()
        generator = np.random.default_rng(seed)
        for name, layer in (("first", self.first), ("last", self.last)):
            drawn = generator.standard_normal(layer.weight.shape) * np.sqrt(2 / channels)
            layer.weight.set_data(Tensor(drawn.astype(np.float32)))
            layer.bias.set_data(Tensor(np.zeros(layer.bias.shape, np.float32)))
            layer.weight.name, layer.bias.name = f"project.{name}.weight", f"project.{name}.bias"

    def construct(self, inputs, photos):
        features = self.net.features(ops.cast(inputs, mindspore.float32) * self.scale + self.shift)
        rows = self.last(self.relu(self.first(features)))
        alike = ops.cast(photos.expand_dims(0) == photos.expand_dims(1), mindspore.float32)
        own = ops.eye(rows.shape[0], rows.shape[0], mindspore.float32)
        inside = ops.ones_like(alike[:, :1])
        loss = losses.supervised_contrastive(rows.expand_dims(1), alike, inside, self.temperature).mean()
        unit = rows * ops.rsqrt((rows * rows).sum(-1, keepdims=True) + 1e-12)
        nearest = ops.argmax(ops.matmul(unit, unit.transpose(1, 0)) + NEVER * own, -1)
        found = ops.gather_elements(alike, 1, nearest.expand_dims(1)).mean()
        return loss, ops.stack((loss, found)).reshape(2, 1), ops.ones_like(loss).reshape(1)


class Pairs:
    """Two views of each photo of a feed, drawn as the epoch's number and the seed have it, and the photo's number."""

    def __init__(self, feed: Feed, seed: int) -> None:
        self.feed, self.seed, self.count = feed, seed, len(feed)
        self.bytes_each = 2 * feed.plain(np.arange(1)).nbytes

    def generator(self, number: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, number])

    def take(self, rows: np.ndarray, fresh: np.ndarray, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
        first, second = (one.reshape(*rows.shape, *one.shape[1:]) for one in self.feed.pairs(rows.ravel(), generator))
        photos = np.concatenate((rows, rows), 1).astype(np.int32)
        return np.concatenate((first, second), 1), photos


def pretrain(net: PhotoNet, inputs: Inputs, rows: np.ndarray, params: TrainParams, keep: Path | None = None) -> None:
    """Train what of `net` is trainable, in place, on `rows` int (n,) of `inputs`, as `params.simclr` says.

    `keep`: a folder from which a run that broke off goes on. Raises `UserError` where a photo has one view.
    """
    asked = params.simclr
    assert asked is not None
    if inputs.blocks is not None and inputs.array.shape[1] < 2:
        raise UserError("params.yaml: train.simclr needs two views of a photo; raise prepare.views.count")
    epochs, done = (_keeper(keep and keep / name) for name in ("epochs", "done"))
    if found := done and done.read():
        (arrays, _), _ = found
        for parameter in net.trainable_params():
            parameter.set_data(Tensor(arrays[parameter.name]))
        return
    feed, part = inputs.feed(net, rows, params.crops), inputs.part(net)
    recipe = Recipe(
        optimizer=params.optimizer, momentum=params.momentum, beta2=params.beta2, weight_decay=params.weight_decay,
        lr=asked.lr, batch_size=asked.batch_size, epochs=asked.epochs, checkpoint="last", seed=params.seed,
    )  # fmt: skip
    loss = PairLoss(part, net.backbone.channels, feed, asked, params.seed)
    loss.set_train(True)
    trainable = loss.trainable_params()
    start = np.concatenate([parameter.asnumpy().ravel() for parameter in trainable])
    decayed = [np.full(parameter.size, parameter.name.endswith("weight"), np.float32) for parameter in trainable]
    steps, pairs = loop.Steps(loss, recipe.optimizer, clipped=False), Pairs(feed, params.seed)
    trained = loop.train(steps, pairs, recipe, start, np.concatenate(decayed), keeper=epochs)
    progress, said = Progress("simclr", recipe.epochs, len(feed)), ""
    for epoch in progress.watch(trained):
        said = f"{epoch.accuracy[0]:.1%} of views find their photo, loss {epoch.loss[0]:.3f}"
        progress.bar.set_postfix_str(said)
    progress.end()
    if said:
        print(f"simclr: {said}; {len(feed):,} photos, batches of {min(recipe.batch_size, len(feed))}")
    if done:
        done.write({one.name: one.asnumpy() for one in net.trainable_params()}, {})


def _keeper(folder: Path | None) -> Keeper | None:
    if folder is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    return Keeper(folder)
