"""sortline.nets.finetune and the cells it uses: what trains, from which start, and what must not change."""

import os
import re
import subprocess
import sys
from pathlib import Path

import mindspore
import numpy as np
import onnx
import onnxruntime
import pytest
from pretrained import COUNT, RELEASE, batch, features, pictures, pretrained
from pydantic import ValidationError
from short_net import SHORT

from sortline import backbones
from sortline._core import parameters
from sortline._core.errors import UserError
from sortline.backbones import mobilenet_v2
from sortline.backbones.layers import Back, Front
from sortline.backbones.loading import Backbone
from sortline.config.training import TrainParams
from sortline.nets import finetune, fit, net_graphs, registry
from sortline.nets.inputs import Inputs, predictor
from sortline.nets.photo_net import HeadV3, PhotoNet, Tail

pytestmark = pytest.mark.usefixtures("graph_mode", "short")

CLASSES, VIEWS = 3, 2
STATISTICS = r"\.moving_(mean|variance)$"


def inputs(kind):
    generator = np.random.default_rng(2)
    pooled = generator.standard_normal((COUNT, VIEWS, 1280)).astype(np.float32)
    if kind == "pixels":
        return Inputs(pictures(), None, 32)
    if kind == "pooled":
        return Inputs(pooled[..., None, None], 0, 32, pooled)
    channels = 24 if mobilenet_v2.SETTINGS is SHORT else 56  # of what the third last block is given
    maps = generator.standard_normal((COUNT, VIEWS, channels, 1, 1)).astype(np.float16)
    return Inputs(maps, 3, 32, pooled)


def params(mode, **more):
    settings = {"net": "mobilenet_v2", "mode": mode, "checkpoint": "last", "batch_size": 6, "epochs": 1, "lr": 0.01}
    return TrainParams(**settings | {"rank": 2} | more)


def parts(kind):
    labels = np.arange(COUNT) % CLASSES
    return fit.Parts(inputs(kind), np.arange(12), labels[:12], np.arange(12, COUNT), labels[12:], CLASSES)


def built(mode, kind, **more):
    data, settings = parts(kind), params(mode, **more)
    backbone = pretrained()
    net = finetune.build(backbone, CLASSES, settings, data.inputs, data.rows, data.labels)
    return net, finetune.options(backbone, settings), data, settings


# What a mode trains, as a pattern of the names of what is saved; and of what it adds to these while it trains.
TRAINED = {
    ("head_v3", "pooled"): r"head\.",
    ("lora_head", "pooled"): r"head\.(weight|bias)$",
    ("lora_backbone", "maps"): r"head\.|backbone\.(last|blocks\.[456]\.(expand|project))\.conv\.weight$",
    ("partial", "maps"): r"head\.|backbone\.(last|blocks\.[456]\.\w+)\.(conv\.weight|norm\.beta)$",
    ("full", "pixels"): r"head\.|backbone\..*(conv\.weight|norm\.beta)$",
    ("scratch", "pixels"): r"",
}


# A whole net at once takes long to compile.
@pytest.mark.parametrize(
    ("mode", "kind"), [pytest.param(*way, marks=[pytest.mark.slow] if way[1] == "pixels" else []) for way in TRAINED]
)
def test_exactly_what_should_train_does_and_the_saved_net_answers_as_the_trained_one(mode, kind, tmp_path):
    net, options, data, settings = built(mode, kind)
    before = registry.values(net)
    result = fit.train(net, options, data, settings, tmp_path)
    after = registry.values(net)
    assert list(before) == list(after)
    changed = {name for name in before if not np.array_equal(before[name], after[name])}
    wanted = {name for name in before if re.match(TRAINED[mode, kind], name)}
    assert {name for name in changed if not re.search(STATISTICS, name)} == {
        name for name in wanted if not re.search(STATISTICS, name)
    }
    # Statistics of batch norms move where these are trained, only there.
    moved = {name for name in changed if re.search(STATISTICS, name)}
    assert moved == {name for name in wanted if re.search(STATISTICS, name)}

    again = registry.build("mobilenet_v2", CLASSES, options)
    registry.set_values(again, parameters.read(tmp_path / "last.safetensors"), "here")
    logits = predictor(data.inputs.part(again))(data.inputs.feed(again, data.val_rows))
    assert np.abs(logits - result.val_logits).max() < 1e-4

    net_graphs.write_graphs(tmp_path, result.about, data.inputs)
    for name in ("net", "tail"):
        assert (tmp_path / f"{name}.onnx").exists() == (name == "net" or kind != "pixels")
    x = data.inputs.array[data.val_rows]
    x = x[:, 0] if kind != "pixels" else registry.preprocessing(again)(x)
    session = onnxruntime.InferenceSession(tmp_path / ("net.onnx" if kind == "pixels" else "tail.onnx"))
    assert session.run(["logits"], {"x": x.astype(np.float32)})[0] == pytest.approx(
        result.val_logits, rel=1e-4, abs=1e-4
    )
    found = {one.name: list(one.dims) for one in onnx.load(tmp_path / "net.onnx").graph.initializer}
    saved = {name: list(array.shape) for name, array in after.items()}
    assert saved.items() <= found.items()  # another checkpoint is other values of the same names


def test_parameters_are_counted_without_the_statistics(tmp_path):
    net, options, data, settings = built("head_v3", "pooled")
    counts = fit.train(net, options, data, settings, tmp_path).counts
    head = 1280 * 1280 + 2 * 1280 + CLASSES * 1280 + CLASSES
    assert counts["trainable"] == head
    backbone = pretrained().net
    assert counts["parameters"] == head + sum(parameter.size for parameter in backbone.trainable_params())


@pytest.mark.parametrize(
    ("mode", "kind", "message"),
    [
        ("full", "maps", "train.mode full trains from pictures; set extract.pixels"),
        ("scratch", "pooled", "train.mode scratch trains from pictures"),
        ("partial", "pooled", "trains the last 3 blocks, and extract kept pooled features; set extract.upto: 3"),
    ],
)
def test_a_mode_that_does_not_fit_what_was_cached_is_one_line(mode, kind, message):
    with pytest.raises(UserError, match=message):
        built(mode, kind)


def test_pictures_that_are_grey_or_of_another_size_are_one_line():
    backbone, rows = pretrained(), np.arange(6)
    for array, side, message in (
        (pictures()[..., 0], 32, "mode full needs extract.colour: true"),
        (pictures(side=40), 40, "takes pictures of a multiple of 32 pixels, extract.image_size is 40"),
    ):
        with pytest.raises(UserError, match=message):
            finetune.build(backbone, CLASSES, params("full"), Inputs(array, None, side), rows, rows % CLASSES)


def test_settings_that_do_not_go_together_are_refused():
    with pytest.raises(ValidationError, match="mode goes with a pretrained net"):
        TrainParams(net="mobilenet_v2", checkpoint="last")
    with pytest.raises(ValidationError, match="mode goes with a pretrained net"):
        TrainParams(net="lenet5", mode="full")
    with pytest.raises(ValidationError, match="norms: train goes with mode: full"):
        params("partial", norms="train")
    with pytest.raises(ValidationError, match="nothing may be chosen on it"):
        params("full", checkpoint="best")


def test_more_blocks_than_were_cached_is_one_line():
    with pytest.raises(UserError, match="the last 5 blocks, and extract kept the maps before the last 3"):
        built("lora_backbone", "maps", blocks=5)


def test_fewer_blocks_than_were_cached_train_too(tmp_path):
    net, options, data, settings = built("partial", "maps", blocks=1)
    before = registry.values(net)
    fit.train(net, options, data, settings, tmp_path)
    changed = {name for name, value in registry.values(net).items() if not np.array_equal(value, before[name])}
    assert not any(name.startswith(("backbone.blocks.4", "backbone.blocks.5")) for name in changed)
    assert "backbone.blocks.6.depthwise.conv.weight" in changed


def test_front_and_tail_are_the_net():
    backbone = pretrained()
    net = PhotoNet(CLASSES, backbone.net, backbone.preprocessing, "v3")
    net.initialize(3)
    net.head.last.weight.set_data(mindspore.Tensor(np.random.default_rng(0).normal(0, 1, (3, 1280)).astype(np.float32)))
    names = [parameter.name for parameter in net.get_parameters()]
    x = batch(backbone)
    whole = features(net, x)
    for blocks in (1, 3, 6):
        maps = mindspore.Tensor(features(Front(net.backbone, blocks), x))
        assert np.abs(features(Tail(net, blocks), maps) - whole).max() < 1e-4
    pooled = mindspore.Tensor(features(net.backbone, x).mean((2, 3), keepdims=True))
    assert np.abs(features(Tail(net, 0), pooled) - whole).max() < 1e-4
    assert [parameter.name for parameter in net.get_parameters()] == names


def test_head_v3_is_its_formula():
    head = HeadV3(40, CLASSES)
    generator = np.random.default_rng(0)
    for parameter in head.get_parameters():
        parameter.set_data(mindspore.Tensor(generator.uniform(0.2, 1, parameter.shape).astype(np.float32)))
    value = {name: parameter.asnumpy().astype(np.float64) for name, parameter in head.parameters_dict().items()}
    x = generator.normal(0, 0.4, (5, 40)).astype(np.float32)
    y = x @ value["first.weight"].T
    y = (y - value["norm.moving_mean"]) / np.sqrt(value["norm.moving_variance"] + head.norm.eps)
    y = y * value["norm.gamma"] + value["norm.beta"]
    y = y * np.clip(y + 3, 0, 6) / 6
    expected = y @ value["last.weight"].T + value["last.bias"]
    assert np.abs(features(head, mindspore.Tensor(x)) - expected).max() < 1e-3


# ---- the start


def test_a_fitted_head_answers_before_any_step(tmp_path):
    """Three heaps of features: a head that was trained tells them apart, the net has not been trained yet."""
    generator = np.random.default_rng(0)
    labels = np.arange(60) % CLASSES
    pooled = 0.1 * generator.standard_normal((60, 1, 1280)).astype(np.float32)
    pooled[np.arange(60), 0, labels] += 6
    found = Inputs(pooled[..., None, None], 0, 32, pooled)
    net = finetune.build(pretrained(), CLASSES, params("lora_head"), found, np.arange(40), labels[:40])
    logits = predictor(found.part(net))(found.feed(net, np.arange(40, 60)))
    assert (logits.argmax(1) == labels[40:]).all()


def test_from_pictures_the_head_is_fitted_to_the_backbones_features():
    net, _, data, _ = built("full", "pixels")
    backbone = pretrained()
    expected = features(backbone.net, mindspore.Tensor(backbone.preprocessing(pictures()[:4]))).mean((2, 3))
    found = finetune.pooled(net, data.inputs, np.arange(4))
    assert found.shape == (4, 1, 1280) and np.abs(found[:, 0] - expected).max() < 1e-3


def test_layers_further_from_the_head_go_slower():
    net, *_ = built("full", "pixels")
    rates = fit.layer_rates(net, 0.5)
    assert rates["head.weight"] == 1 and rates["backbone.last.conv.weight"] == 0.5
    assert rates["backbone.blocks.6.project.norm.beta"] == 0.25
    assert rates["backbone.blocks.0.depthwise.conv.weight"] == 0.5**8 and rates["backbone.stem.conv.weight"] == 0.5**9
    assert fit.layer_rates(net, 1) is None


def test_back_is_not_a_copy():
    backbone = pretrained()
    back = Back(backbone.net, 2)
    assert {id(p) for p in back.get_parameters()} == {id(p) for p in backbone.net.get_parameters()}


def test_from_a_folder_that_holds_a_resnet_is_one_line(tmp_path):
    resnet = backbones.get("resnet18").net(RELEASE)
    with pytest.raises(UserError, match="mobilenet_v2.* of resnet18"):
        other = Backbone(resnet, RELEASE.preprocessing, {"network": "resnet18", "release": "random", "width": None})
        finetune.build(other, CLASSES, params("full"), inputs("pixels"), np.arange(6), np.arange(6) % 3)


def test_a_net_without_a_mode_takes_no_maps():
    data = parts("maps")
    with pytest.raises(UserError, match="train.net resnet18 trains from pictures"):
        fit.build(data, TrainParams(net="resnet18", checkpoint="last"), Path("none"))


def test_the_rank_bounds_the_update(tmp_path):
    net, options, data, settings = built("lora_head", "pooled", start="zero", rank=1, epochs=3, lr=0.1)
    fit.train(net, options, data, settings, tmp_path)
    weight = parameters.read(tmp_path / "last.safetensors")["head.weight"]
    assert np.linalg.matrix_rank(weight, tol=1e-4 * np.abs(weight).max()) == 1


def test_two_processes_train_the_same_bytes(tmp_path):
    """With dropout, whose draws are MindSpore's own."""
    program = (
        "import sys; import test_finetune as t; from pathlib import Path; from sortline._core import runtime; "
        "t.mobilenet_v2.SETTINGS = t.SHORT; runtime.prepare(); "
        "t.fit.train(*t.built('head_v3', 'pooled', epochs=2), Path(sys.argv[1]))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        command = [sys.executable, "-c", program, str(tmp_path / name)]
        subprocess.run(command, check=True, capture_output=True, env=environment)
    first, second = ((tmp_path / name / "last.safetensors").read_bytes() for name in ("a", "b"))
    assert first == second


def test_a_setting_of_another_net_is_refused():
    with pytest.raises(ValidationError, match="only with a mode of a pretrained net: layer_decay, rank"):
        TrainParams(net="lenet5", layer_decay=0.5, rank=2)


def test_what_is_measured_out_of_fold_is_refused_where_nothing_is():
    tuned = {
        "net": "mobilenet_v2",
        "mode": "partial",
        "checkpoint": "last",
        "calibrate": True,
        "chosen_on_folds": ["lr"],
    }
    with pytest.raises(ValidationError, match="only with out_of_fold: true: calibrate, chosen_on_folds"):
        TrainParams(**tuned)
    assert TrainParams(out_of_fold=True, **tuned).chosen_on_folds == ["lr"]
