"""Joined backbones whose last blocks train: the maps before them, what trains, the graphs of what was trained."""

from dataclasses import replace

import mindspore
import numpy as np
import onnxruntime
import pytest
from pretrained import pictures

from sortline import backbones
from sortline._core import parameters
from sortline._core.errors import UserError
from sortline.backbones import checkpoints, efficientnet_lite
from sortline.backbones.layers import Back, Front
from sortline.backbones.loading import Backbone, join
from sortline.config.training import TrainParams
from sortline.features import engines
from sortline.nets import finetune, fit, net_graphs, registry
from sortline.nets.inputs import Inputs, predictor

pytestmark = pytest.mark.usefixtures("graph_mode", "short")

CLASSES, COUNT, BLOCKS = 3, 18, 2
SMALL, LARGE = 64, 96  # maps of 2 x 2 and of 3 x 3
NAMES = ("mobilenet_v2", "efficientnet_lite0")
# Of each stage one block.
SETTINGS = tuple((*stage[:3], 1, stage[4]) for stage in efficientnet_lite.SETTINGS)


@pytest.fixture
def members(monkeypatch) -> list[Backbone]:
    monkeypatch.setattr(efficientnet_lite, "SETTINGS", SETTINGS)
    return drawn()


def drawn() -> list[Backbone]:
    """Two small backbones, of pictures of SMALL and of LARGE a side."""
    found = []
    for name, side, width in zip(NAMES, (SMALL, LARGE), (0.35, None), strict=True):
        known = backbones.get(name)
        release = known.release("random")
        net = known.net(release, width)
        checkpoints.draw(net, 1, known.draw)
        scaling = {"mean": [0.5] * 3, "std": [0.5] * 3, "channel_order": "RGB", "resize": "bilinear, antialiased"}
        info = {"network": name, "release": "random", "title": name, "width": width, **scaling}
        found.append(Backbone(net.set_train(False), release.preprocessing, info, side))
    return found


def maps_of(joined: Backbone) -> tuple[np.ndarray, ...]:
    """What extract keeps of some pictures, by ONNX Runtime."""
    engine = engines.onnxruntime_engine(engines.to_onnx(joined, LARGE, BLOCKS))
    return engine.run(joined.preprocessing(pictures(COUNT, LARGE)))


def parts(joined: Backbone) -> fit.Parts:
    mean, _, _, inner = maps_of(joined)
    found = Inputs(inner[:, None].astype(np.float16), BLOCKS, LARGE, mean[:, None])
    labels = np.arange(COUNT) % CLASSES
    return fit.Parts(found, np.arange(12), labels[:12], np.arange(12, COUNT), labels[12:], CLASSES)


def params(**more) -> TrainParams:
    settings = {"net": [*NAMES], "mode": "partial", "checkpoint": "last", "batch_size": 6, "epochs": 1, "lr": 0.01}
    return TrainParams(**settings | more)


def test_cut_in_two_they_are_what_they_are_whole(members):
    joined = join(members)
    assert (joined.blocks, joined.size) == (7, LARGE)
    mean, maximum, feature_map, inner = maps_of(joined)
    x = joined.preprocessing(pictures(COUNT, LARGE))
    whole = engines.mindspore_engine(joined).run(x)
    for found, expected in zip((mean, maximum, feature_map), whole, strict=True):
        assert found == pytest.approx(expected, abs=1e-3)
    assert np.ptp(mean[:, : members[0].net.channels]) > 0.1  # or anything would pass
    # The maps between are those of each alone.
    own = [members[0].net, members[1].net]
    resized = [mindspore.Tensor(x), mindspore.Tensor(x)]
    resized = [member.scaled(picture) for member, picture in zip(joined.net.members, resized, strict=True)]
    alone = [Front(net, BLOCKS)(one).asnumpy() for net, one in zip(own, resized, strict=True)]
    assert alone[0].shape[2:] != alone[1].shape[2:]
    assert inner[:, :, 0, 0] == pytest.approx(np.concatenate([one.reshape(COUNT, -1) for one in alone], 1), abs=1e-3)
    first = Back(own[0], BLOCKS)(mindspore.Tensor(alone[0])).asnumpy().mean((2, 3))
    assert mean[:, : first.shape[1]] == pytest.approx(first, abs=1e-3)


def test_the_last_blocks_of_each_train_and_the_saved_net_answers_as_the_trained_one(members, tmp_path):
    joined = join(members)
    data, settings = parts(joined), params()
    net = finetune.build(joined, CLASSES, settings, data.inputs, data.rows, data.labels)
    options, before = finetune.options(joined, settings), registry.values(net)
    result = fit.train(net, options, data, settings, tmp_path)
    after = registry.values(net)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    kept = ("conv.weight", "norm.beta")
    wanted = {
        name
        for name in before
        if name.startswith("head.")
        or name.endswith(kept)
        and any(f"members.{k}.net.{part}" in name for k in (0, 1) for part in ("blocks.5.", "blocks.6.", "last."))
    }
    assert changed == wanted and len(wanted) == 2 + 2 * 2 * 7

    again = registry.build(result.about["net"], CLASSES, options)
    registry.set_values(again, parameters.read(tmp_path / "last.safetensors"), "here")
    logits = predictor(data.inputs.part(again))(data.inputs.feed(again, data.val_rows))
    assert logits == pytest.approx(result.val_logits, abs=1e-4)

    net_graphs.write_graphs(tmp_path, result.about, data.inputs)
    inner = data.inputs.array[data.val_rows, 0].astype(np.float32)
    x = joined.preprocessing(pictures(COUNT, LARGE)[data.val_rows])
    for name, given, limit in (("tail", inner, 1e-4), ("net", x, 2e-2)):  # the maps are kept in 16 bits
        found = onnxruntime.InferenceSession(tmp_path / f"{name}.onnx").run(["logits", "mean"], {"x": given})
        assert found[0] == pytest.approx(result.val_logits, abs=limit), name
        assert found[1].shape == (len(given), joined.net.channels)


def test_each_learns_what_it_would_learn_alone(members, tmp_path):
    joined, settings = join(members), params(epochs=2, lr=0.002, warmup_epochs=0)
    data = parts(joined)
    net = finetune.build(joined, CLASSES, settings, data.inputs, data.rows, data.labels)
    start = registry.values(net)
    together = fit.train(net, finetune.options(joined, settings), data, settings, tmp_path)
    values, alone, begin = registry.values(net), [], 0
    for number, one in enumerate(drawn()):
        shape = Front(one.net, BLOCKS)(mindspore.Tensor(np.zeros((1, 3, one.size, one.size), np.float32))).shape[1:]
        end = begin + np.prod(shape)
        maps = data.inputs.array[:, :, begin:end].reshape(COUNT, 1, *shape)
        assert data.inputs.pooled is not None
        seen = np.split(data.inputs.pooled, joined.net.ends[:1], axis=-1)[number]
        own = replace(data, inputs=Inputs(maps, BLOCKS, one.size, seen))
        its = settings.model_copy(update={"net": NAMES[number]})
        single = finetune.build(one, CLASSES, its, own.inputs, own.rows, own.labels)
        alone.append(fit.train(single, finetune.options(one, its), own, its, tmp_path).val_logits)
        for name, value in registry.values(single).items():
            if name.endswith("blocks.6.project.conv.weight"):
                place = name.replace("backbone.", f"backbone.members.{number}.net.")
                moved = np.abs(value - start[place]).max()
                assert moved > 1e-3
                assert np.abs(values[place] - value).max() < 0.02 * moved
        begin = end
    assert together.val_logits == pytest.approx(np.mean(alone, 0), abs=1e-2)
    assert np.abs(alone[0] - alone[1]).max() > 0.1  # or either would pass for the mean


def test_weights_of_other_backbones_are_one_line(members):
    joined = join(members)
    data = parts(joined)
    with pytest.raises(UserError, match=r"train.net is efficientnet_lite0\+mobilenet_v2, the weights are of mobilenet"):
        finetune.build(joined, CLASSES, params(net=[*NAMES[::-1]]), data.inputs, data.rows, data.labels)
