"""Training without labels: the loss against its formula, which views meet, what trains, and going on after a kill."""

import re
from dataclasses import replace

import numpy as np
import pytest
from mindspore import Tensor, nn
from pretrained import COUNT, pretrained
from pydantic import ValidationError
from scipy.special import logsumexp
from test_finetune import CLASSES, inputs, params, parts

from sortline._core.errors import UserError
from sortline.config.augment import CropParams
from sortline.config.training import SimclrParams
from sortline.data import prepared
from sortline.nets import finetune, fit, registry, simclr
from sortline.nets.inputs import Maps, Pictures
from sortline.training import keeping, loop

pytestmark = pytest.mark.usefixtures("graph_mode")

ASKED = {"epochs": 3, "lr": 0.05, "batch_size": 6, "temperature": 0.5, "width": 16}


class Itself(nn.Cell):
    """Maps of one position are their own features."""

    def features(self, x):
        return x.mean((2, 3))


def nt_xent(rows, photos, temperature):
    """Chen et al. 2020, eq. 1, row by row; and how many rows are nearest to a row of their photo."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    losses, found = [], []
    for i, photo in enumerate(photos):
        similar = unit @ unit[i]
        others = np.arange(len(photos)) != i
        (partner,) = np.flatnonzero(others & (photos == photo))
        losses.append(logsumexp(similar[others] / temperature) - similar[partner] / temperature)
        found.append(np.where(others, similar, -np.inf).argmax() == partner)
    return np.mean(losses), np.mean(found)


def test_the_loss_is_that_of_its_paper():
    random = np.random.default_rng(0)
    x, photos = random.normal(size=(10, 7, 1, 1)).astype(np.float32), np.tile(np.arange(5), 2)
    x[5:] = x[:5] + 0.8 * x[5:]
    cell = simclr.PairLoss(Itself(), 7, Maps(x[:, None]), SimclrParams(**ASKED), seed=3)
    loss, seen, _ = cell(Tensor(x), Tensor(photos.astype(np.int32)))
    first, last = (getattr(cell, name).weight.asnumpy().astype(float) for name in ("first", "last"))
    projected = np.maximum(x[:, :, 0, 0] @ first.T, 0) @ last.T
    wanted, found = nt_xent(projected, photos, 0.5)
    assert float(loss) == pytest.approx(wanted, abs=1e-5)
    assert seen.asnumpy()[1, 0] == pytest.approx(found) and 0 < found < 1
    assert {one.name for one in cell.trainable_params()} == {
        f"project.{layer}.{part}" for layer in ("first", "last") for part in ("weight", "bias")
    }


def test_two_views_of_a_photo_meet_and_they_are_never_the_same_one():
    maps = np.arange(6 * 3).reshape(6, 3, 1, 1, 1)  # photo 2, view 1 is 7
    pairs = simclr.Pairs(Maps(maps), seed=1)
    rows = np.array([[0, 1, 2], [3, 4, 5]] * 20)
    both, photos = pairs.take(rows, np.ones(rows.shape, bool), pairs.generator(1))
    assert both.shape == (40, 6, 1, 1, 1) and (photos == np.concatenate((rows, rows), 1)).all()
    seen = both[..., 0, 0, 0]
    assert (seen // 3 == photos).all() and (seen[:, :3] != seen[:, 3:]).all()
    assert len(np.unique(seen)) == 18  # every view, sooner or later
    again, _ = pairs.take(rows, np.ones(rows.shape, bool), pairs.generator(1))
    assert (again == both).all()


def test_of_pictures_both_views_are_drawn_anew():
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.uint8)
    feed = Pictures(images, pretrained().preprocessing, CropParams(scale=[0.3, 1.0], flip=0.5))
    first, second = feed.pairs(np.arange(4), np.random.default_rng(0))
    assert first.shape == second.shape == (4, 3, 32, 32) and (first != second).any((1, 2, 3)).all()


def built(keep=None, **asked):
    data, settings = parts("maps"), params("partial", simclr=ASKED | asked)
    net = finetune.build(pretrained(), CLASSES, settings, data.inputs, data.rows, data.labels, keep=keep)
    return net, data, settings


def test_it_changes_what_the_mode_trains_but_the_head_which_is_fitted_on_what_came_of_it(capsys):
    net, data, settings = built()
    plain = params("partial", start="zero")
    before = registry.values(finetune.build(pretrained(), CLASSES, plain, data.inputs, data.rows, data.labels))
    after = registry.values(net)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    blocks = r"backbone\.(last|blocks\.1[456]\.\w+)\.(conv\.weight|norm\.beta)$"
    assert {name for name in changed if not name.startswith("head.")} == {
        name for name in before if re.match(blocks, name)
    }
    features = finetune.seen_by(net, data.inputs)
    weight, bias = finetune.fitted_head(features[data.rows], data.labels, CLASSES, settings.head)
    assert after["head.weight"] == pytest.approx(weight, abs=1e-5) and after["head.bias"] == pytest.approx(bias)
    assert all(parameter.requires_grad for parameter in net.head.get_parameters())
    assert re.search(r"simclr: \d+\.\d% of views find their photo, loss \d\.\d+; 12 photos", capsys.readouterr().out)


@pytest.mark.slow  # a whole net takes long to compile
@pytest.mark.usefixtures("short")
def test_a_whole_net_learns_so_from_pictures_before_its_head_is_fitted():
    data, settings = parts("pixels"), params("full", simclr=ASKED | {"epochs": 1})
    made = [
        finetune.build(pretrained(), CLASSES, one, data.inputs, data.rows, data.labels)
        for one in (params("full"), settings)
    ]
    before, after = map(registry.values, made)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    assert changed == {name for name in before if re.match(r"head\.|backbone\..*(conv\.weight|norm\.beta)$", name)}
    weight, _ = finetune.fitted_head(
        finetune.pooled(made[1], data.inputs, data.rows), data.labels, CLASSES, settings.head
    )
    assert after["head.weight"] == pytest.approx(weight, abs=1e-5)


def test_photos_find_their_other_view_more_often_afterwards():
    data = parts("maps")
    # Two noisy views of each, so that there is something to learn.
    random = np.random.default_rng(5)
    maps = (inputs("maps").array[:, :1] + random.normal(0, 0.8, (COUNT, 2, 56, 1, 1))).astype(np.float16)
    data = replace(data, inputs=replace(data.inputs, array=maps))
    found = []
    for epochs in (1, 25):
        settings = params("partial", simclr=ASKED | {"epochs": epochs, "batch_size": 12})
        net = finetune.build(pretrained(), CLASSES, settings, data.inputs, data.rows, data.labels)
        first, second = finetune.seen_by(net, data.inputs)[data.rows].transpose(1, 0, 2)
        unit = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in (first, second)]
        cosines = unit[0] @ unit[1].T
        found.append(np.diag(cosines).mean() - cosines[~np.eye(12, dtype=bool)].mean())
    assert found[1] > found[0] + 0.05


def test_photos_without_a_label_are_learnt_from_too(monkeypatch):
    seen = []
    monkeypatch.setattr(simclr, "pretrain", lambda net, inputs, rows, params, keep: seen.append(rows))
    data = replace(parts("maps"), unlabelled=prepared.Unlabelled(np.array([15, 17]), np.array([-1, 2])))
    monkeypatch.setattr("sortline.backbones.load", lambda weights: pretrained())
    fit.build(data, params("partial", simclr=ASKED), "weights")
    assert seen[0].tolist() == [*range(12), 15, 17]
    assert data.unlabelled.without(2).rows.tolist() == [15]


class Killed(BaseException):
    pass


@pytest.mark.slow
def test_a_killed_one_goes_on_and_ends_in_the_same_values(tmp_path, monkeypatch):
    whole = registry.values(built()[0])
    monkeypatch.setattr(keeping, "EVERY", 0.0)
    monkeypatch.setattr(keeping, "SHARE", 0)
    train, calls = loop.train, []

    def killed(*args, keeper=None, **options):
        for epoch in train(*args, keeper=keeper, **options):
            if keeper is not None:  # heads are fitted by the loop, too
                calls.append(epoch.number)
                if len(calls) == 2:
                    raise Killed
            yield epoch

    monkeypatch.setattr(loop, "train", killed)
    with pytest.raises(Killed):
        built(tmp_path / "keep")
    found = registry.values(built(tmp_path / "keep")[0])
    assert calls in ([1, 2, 2, 3], [1, 2, 3])  # not from its beginning
    assert all((found[name] == whole[name]).all() for name in whole)

    calls.clear()  # when it is done, only the head is fitted
    again = registry.values(built(tmp_path / "keep")[0])
    assert not calls and all((again[name] == whole[name]).all() for name in whole)


def test_one_view_is_a_line():
    data = parts("maps")
    single = replace(data.inputs, array=data.inputs.array[:, :1])
    with pytest.raises(UserError, match=r"two views.*prepare\.views\.count"):
        finetune.build(pretrained(), CLASSES, params("partial", simclr=ASKED), single, data.rows, data.labels)


@pytest.mark.parametrize("mode", ["head_v3", "lora_head", "lora_backbone", "scratch"])
def test_modes_that_keep_or_draw_the_backbone_refuse_it(mode):
    with pytest.raises(ValidationError, match="simclr goes with mode: partial or full"):
        params(mode, simclr=ASKED)
