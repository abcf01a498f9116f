"""Learning rates at given steps; every optimizer against PyTorch's, Momentum also MindSpore's."""

import math
from pathlib import Path
from typing import get_args

import mindspore
import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn

from sortline._core import runtime
from sortline.config.training import Optimizer, Recipe, Schedule
from sortline.training import optimizers, schedules


@pytest.fixture(scope="module", autouse=True)
def graph_mode():
    runtime.prepare()


def learning_rates(schedule, lr, epochs, steps_per_epoch, warmup_epochs, **more):
    recipe = Recipe(schedule=schedule, lr=lr, epochs=epochs, warmup_epochs=warmup_epochs, **more)
    return schedules.learning_rates(recipe, steps_per_epoch)


def test_what_the_config_names_is_there():
    assert get_args(Schedule) == tuple(schedules.SCHEDULES) and get_args(Optimizer) == tuple(optimizers.STEPS)


def test_cosine_with_warm_up_at_given_steps():
    rates = learning_rates("cosine", 0.4, epochs=10, steps_per_epoch=10, warmup_epochs=2)
    assert rates.shape == (100,) and rates.dtype == np.float32
    assert rates[0] == pytest.approx(0.4 / 20)  # first
    assert rates[9] == pytest.approx(0.2)  # half-way up
    assert rates[19] == pytest.approx(0.4)  # end of the warm-up
    assert rates[20] == pytest.approx(0.4)  # the cosine starts at its top
    assert rates[60] == pytest.approx(0.2)  # its middle
    assert rates[40] == pytest.approx(0.4 * (2 + math.sqrt(2)) / 4)  # its first quarter
    assert rates[99] == pytest.approx(0.4 * math.sin(math.pi / 160) ** 2, rel=1e-4)  # last: one step before 0
    assert (np.diff(rates[:20]) > 0).all() and (np.diff(rates[20:]) < 0).all() and (rates > 0).all()


def test_cosine_matches_mindspores():
    expected = nn.cosine_decay_lr(0.0, 0.3, total_step=57, step_per_epoch=1, decay_epoch=57)
    assert learning_rates("cosine", 0.3, 3, 19, 0) == pytest.approx(np.array(expected), abs=1e-7)


def test_without_warm_up_the_first_step_has_the_full_rate():
    assert learning_rates("cosine", 0.3, 5, 4, 0)[0] == np.float32(0.3)


@pytest.mark.parametrize(("warmup_epochs", "steps"), [(0.3, 3), (1.5, 15), (0.01, 0), (0.04, 0), (2.97, 30)])
def test_a_fraction_of_an_epoch_of_warm_up(warmup_epochs, steps):
    rates = learning_rates("cosine", 1.0, epochs=4, steps_per_epoch=10, warmup_epochs=warmup_epochs)
    assert rates[:steps] == pytest.approx([(i + 1) / steps for i in range(steps)])
    left = 40 - steps
    assert rates[steps:] == pytest.approx([math.cos(math.pi * i / left / 2) ** 2 for i in range(left)], abs=1e-6)


@pytest.mark.parametrize("warmup_epochs", [5, 5.0, 7, 1000])
def test_a_warm_up_as_long_as_the_training_only_rises(warmup_epochs):
    for schedule in schedules.SCHEDULES:
        rates = learning_rates(schedule, 0.2, 5, 3, warmup_epochs)
        assert rates == pytest.approx(0.2 * (np.arange(15) + 1) / 15)


def test_constant_stays_at_the_rate_after_the_warm_up():
    rates = learning_rates("constant", 0.7, epochs=3, steps_per_epoch=4, warmup_epochs=0.5)
    assert rates == pytest.approx([0.35, *[0.7] * 11])


def test_one_step_in_all():
    for schedule in schedules.SCHEDULES:
        for warmup_epochs in (0, 1):
            assert learning_rates(schedule, 0.5, 1, 1, warmup_epochs).tolist() == [0.5]


def decayed(schedule, **more):
    return learning_rates(schedule, 0.4, epochs=6, steps_per_epoch=10, warmup_epochs=1, **more).astype(float)


@pytest.mark.parametrize(
    ("schedule", "share"),
    [
        ("cosine", lambda x: math.cos(math.pi * x / 2) ** 2),
        ("square", lambda x: (1 - x) ** 2),
        ("linear", lambda x: 1 - x),
    ],
)
@pytest.mark.parametrize("lr_end", [0.0, 0.1])
def test_schedules_that_fall_to_an_end(schedule, share, lr_end):
    rates = decayed(schedule, lr_end=lr_end)
    expected = [lr_end + (0.4 - lr_end) * share(i / 50) for i in range(50)]
    assert rates[:10] == pytest.approx([0.04 * (i + 1) for i in range(10)])
    assert rates[10:] == pytest.approx(expected, abs=1e-6)


def test_the_square_schedule_is_mindspores_polynomial_decay():
    expected = nn.polynomial_decay_lr(0.3, 0.0, total_step=57, step_per_epoch=1, decay_epoch=57, power=2.0)
    assert learning_rates("square", 0.3, 3, 19, 0) == pytest.approx(np.array(expected), abs=1e-7)


def test_step_and_exponential_go_by_epochs():
    expected = nn.exponential_decay_lr(0.4, 0.9, total_step=50, step_per_epoch=10, decay_epoch=2, is_stair=True)
    assert decayed("step", decay_rate=0.9, decay_epochs=2)[10:] == pytest.approx(np.array(expected), abs=1e-7)
    stairs = decayed("step", decay_rate=0.5, decay_epochs=0.3)[10:]
    assert stairs[:7] == pytest.approx([0.4] * 3 + [0.2] * 3 + [0.1])
    smooth = decayed("exponential", decay_rate=0.9, decay_epochs=2)[10:]
    assert smooth == pytest.approx([0.4 * 0.9 ** (i / 20) for i in range(50)], abs=1e-6)


def run(name, gradients, start, decay, **options):
    """Take the steps of `gradients` at rate 0.05, all in one compiled loop."""
    rates = np.full(len(gradients), 0.05)
    recipe = Recipe(optimizer=name, **options)
    step_function, rows = optimizers.STEPS[name], Tensor(optimizers.plan(recipe, rates))

    @mindspore.jit
    def loop(step, value, mean, square, gradients, mask):
        while step < gradients.shape[0]:
            value, mean, square = step_function(value, gradients[step], mean, square, rows[step], mask)
            step = step + 1
        return value

    value, zeros = Tensor(start, mindspore.float32), Tensor(np.zeros(start.shape), mindspore.float32)
    mask = Tensor(decay * (np.arange(start.size).reshape(start.shape) > 0), mindspore.float32)  # not the first
    return loop(Tensor(0, mindspore.int32), value, zeros, zeros, Tensor(gradients, mindspore.float32), mask).asnumpy()


@pytest.fixture(scope="module")
def golden():
    with np.load(Path(__file__).parents[1] / "golden" / "optimizers.npz", allow_pickle=False) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("name", optimizers.STEPS)
@pytest.mark.parametrize("decay", [0.0, 0.02])
def test_twelve_steps_match_pytorchs_optimizer(golden, name, decay):
    ours = run(name, golden["gradients"], golden["start"], decay)
    assert ours == pytest.approx(golden[f"{name} {decay}"], abs=3e-6, rel=3e-6)
    assert np.abs(ours - golden["start"]).max() > 0.05


def test_the_optimizers_differ(golden):
    ends = {name: run(name, golden["gradients"], golden["start"], 0.02) for name in optimizers.STEPS}
    for name, end in ends.items():
        assert not any(np.allclose(end, other, atol=1e-3) for key, other in ends.items() if key != name), name


def test_other_betas(golden):
    ours = run("adam", golden["gradients"], golden["start"], 0.0, momentum=0.8, beta2=0.95)
    assert ours == pytest.approx(golden["adam 0.8 0.95"], abs=3e-6)


@pytest.mark.parametrize(("factor", "decay"), [(0.9, 0.0), (0.9, 0.01), (0.0, 0.01), (0.0, 0.0)])
def test_momentum_matches_mindspores_optimizer(factor, decay):
    random = np.random.default_rng(5)
    start, gradients = random.normal(size=(3, 4)), random.normal(size=(6, 3, 4))
    ours = run("momentum", gradients, start, decay, momentum=factor)

    parameter = Parameter(Tensor(start, mindspore.float32), name="weight")
    optimizer = nn.Momentum([parameter], learning_rate=0.05, momentum=factor, weight_decay=decay)
    for gradient in gradients:
        optimizer((Tensor(gradient, mindspore.float32),))
    assert ours.ravel()[1:] == pytest.approx(parameter.asnumpy().ravel()[1:], abs=2e-6)


@pytest.mark.parametrize("limit", [0.5, 4.0])
def test_clipping_keeps_the_direction_and_limits_the_norm_of_each_model_over_all_its_parameters(limit):
    random = np.random.default_rng(1)
    weight, bias = random.normal(size=(3, 2, 4)), random.normal(size=(1, 2, 4))  # inputs, models, outputs
    weight[:, 1] *= 0.01
    flat = np.concatenate((weight.ravel(), bias.ravel()))
    parts = ((0, 24, (3, 2, 4)), (24, 32, (1, 2, 4)))
    clipped = optimizers.clip(Tensor(flat, mindspore.float32), limit, parts).asnumpy()
    for model in range(2):
        norm = math.sqrt((weight[:, model] ** 2).sum() + (bias[:, model] ** 2).sum())
        for before, (start, end, shape) in zip((weight, bias), parts, strict=True):
            after = clipped[start:end].reshape(shape)[:, model]
            assert after == pytest.approx(before[:, model] * min(1, limit / norm), abs=1e-6)
