"""Mixed precision, as far as a CPU shows it: the scale cancels, an overflow leaves a step out and halves the scale."""

from pathlib import Path

import numpy as np
import pydantic
import pytest
from mindspore import nn
from test_fit_net import CLASSES, RECIPE, changed, linear, params, pictures, problem

from sortline.config.training import TrainParams
from sortline.nets import fit, half, net_graphs, registry
from sortline.nets.inputs import Pictures
from sortline.training import loop, wide_steps
from sortline.training.keeping import Keeper

pytestmark = pytest.mark.usefixtures("graph_mode")


def trained(scale, recipe=RECIPE):
    """Return each epoch's loss and parameters."""
    images, labels = problem()
    targets = fit.targets_of(labels, CLASSES, recipe)
    epochs = fit.epochs(linear(), Pictures(images), targets, recipe, scale=scale)
    return [(epoch.loss[0], epoch.parameters) for epoch in epochs]


@pytest.mark.parametrize(("scale", "optimizer"), [(1024.0, "momentum"), ("dynamic", "adam")])
def test_the_scale_cancels(scale, optimizer):
    recipe = changed(optimizer=optimizer, clip_norm=0.3)
    for (loss, value), (expected_loss, expected) in zip(trained(scale, recipe), trained(None, recipe), strict=True):
        assert loss == pytest.approx(expected_loss, abs=1e-6)
        assert np.abs(value - expected).max() < 1e-6


class Seen(Keeper):
    """What the loop would keep after each step."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.steps: list[dict[str, np.ndarray]] = []

    @property
    def is_due(self) -> bool:
        return True

    def write(self, arrays, facts) -> None:
        self.steps.append({name: array.copy() for name, array in arrays.items()})


class Loud(Pictures):
    """Inputs of which gradients are large."""

    @property
    def scale(self):
        return 300 * super().scale


def steps(tmp_path, monkeypatch, scale, **constants):
    """Train step by step; return the state before each."""
    monkeypatch.setattr(loop, "BATCH_BYTES", 0)
    for name, value in constants.items():
        monkeypatch.setattr(wide_steps, name, value)
    images, labels = problem()
    keeper = Seen(tmp_path)
    recipe = changed(epochs=2, lr=1e-6)
    targets = fit.targets_of(labels, CLASSES, recipe)
    list(fit.epochs(linear(), Loud(images), targets, recipe, keeper=keeper, scale=scale))
    return keeper.steps


def test_an_overflow_leaves_the_step_out_and_halves_a_dynamic_scale(tmp_path, monkeypatch):
    found = steps(tmp_path, monkeypatch, "dynamic", FIRST_SCALE=2.0**127)
    scales = [float(one["scale"]) for one in found]
    assert scales[0] == 2.0**127
    overflowed = [i for i in range(len(scales) - 1) if scales[i + 1] < scales[i]]
    assert overflowed and overflowed == list(range(len(overflowed)))  # at first, until it fits
    for i in range(len(scales) - 1):
        same = all(np.array_equal(found[i][name], found[i + 1][name]) for name in ("value", "mean", "square"))
        assert same == (i in overflowed)
        assert scales[i + 1] == scales[i] / (2 if i in overflowed else 1)
    assert all(np.isfinite(one["value"]).all() for one in found)


def test_a_static_scale_stays_and_its_overflow_is_left_out(tmp_path, monkeypatch):
    found = steps(tmp_path, monkeypatch, 2.0**127)
    assert {float(one["scale"]) for one in found} == {2.0**127}
    assert all(np.array_equal(one["value"], found[0]["value"]) for one in found)


def test_a_dynamic_scale_is_doubled_after_steps_without_overflow(tmp_path, monkeypatch):
    found = steps(tmp_path, monkeypatch, "dynamic", FIRST_SCALE=8.0, PATIENCE=3, LARGEST_SCALE=32.0)
    assert [float(one["scale"]) for one in found] == [8, 8, 8, 16, 16, 16, 32, 32, 32, 32]
    assert [float(one["good"]) for one in found] == [0, 1, 2] * 3 + [0]


def test_layers_compute_in_half_precision_and_keep_their_parameters():
    nets = [registry.build("lenet5_norm", 10, {}) for _ in range(2)]
    for net in nets:
        registry.initialize(net, 0)
        net.set_train(False)
    half.halve(nets[1])
    x = Pictures(pictures().inputs.array[:8])
    from sortline.nets.inputs import predictor

    whole, halved = (predictor(net)(x) for net in nets)
    assert 0 < np.abs(whole - halved).max() < 2e-2 and halved.dtype == np.float32
    assert list(nets[0].parameters_dict()) == list(nets[1].parameters_dict())
    kinds = {type(cell) for _, cell in nets[1].cells_and_names() if isinstance(cell, half.Half)}
    assert kinds == {half.Half}
    inside = [cell.layer for _, cell in nets[1].cells_and_names() if isinstance(cell, half.Half)]
    assert len(inside) == 5 and all(isinstance(layer, nn.Conv2d | nn.Dense) for layer in inside)


def test_a_net_trains_so_and_its_checkpoint_is_that_of_any_other(tmp_path):
    data = pictures()
    settings = params(precision="amp", loss_scale="dynamic", epochs=6, augment={})
    trained = fit.train(*fit.build(data, settings, Path("none")), data, settings, tmp_path)
    assert trained.curve[-1]["train_loss"] < trained.curve[0]["train_loss"]
    net_graphs.write_graphs(tmp_path, trained.about, data.inputs)  # which takes the checkpoint strictly


def test_what_the_scale_may_be():
    assert TrainParams(precision="amp").loss_scale == 1024
    for wrong in (0, -1, "static", True, None):
        with pytest.raises(pydantic.ValidationError):
            TrainParams(precision="amp", loss_scale=wrong)
