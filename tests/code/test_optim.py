"""sortline.optim: the learning rate at given steps, and Momentum against MindSpore's own optimiser."""

import math

import mindspore
import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn

from sortline import optim, runtime


@pytest.fixture(scope="module", autouse=True)
def graph_mode():
    runtime.prepare()


def test_cosine_with_warm_up_at_given_steps():
    rates = optim.learning_rates("cosine", 0.4, epochs=10, steps_per_epoch=10, warmup_epochs=2)
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
    assert optim.learning_rates("cosine", 0.3, 3, 19, 0) == pytest.approx(np.array(expected), abs=1e-7)


def test_without_warm_up_the_first_step_has_the_full_rate():
    assert optim.learning_rates("cosine", 0.3, 5, 4, 0)[0] == np.float32(0.3)


@pytest.mark.parametrize(("warmup_epochs", "steps"), [(0.3, 3), (1.5, 15), (0.01, 0), (0.04, 0), (2.97, 30)])
def test_a_fraction_of_an_epoch_of_warm_up(warmup_epochs, steps):
    rates = optim.learning_rates("cosine", 1.0, epochs=4, steps_per_epoch=10, warmup_epochs=warmup_epochs)
    assert rates[:steps] == pytest.approx([(i + 1) / steps for i in range(steps)])
    left = 40 - steps
    assert rates[steps:] == pytest.approx([math.cos(math.pi * i / left / 2) ** 2 for i in range(left)], abs=1e-6)


@pytest.mark.parametrize("warmup_epochs", [5, 5.0, 7, 1000])
def test_a_warm_up_as_long_as_the_training_only_rises(warmup_epochs):
    for schedule in optim.SCHEDULES:
        rates = optim.learning_rates(schedule, 0.2, 5, 3, warmup_epochs)
        assert rates == pytest.approx(0.2 * (np.arange(15) + 1) / 15)


def test_constant_stays_at_the_rate_after_the_warm_up():
    rates = optim.learning_rates("constant", 0.7, epochs=3, steps_per_epoch=4, warmup_epochs=0.5)
    assert rates == pytest.approx([0.35, *[0.7] * 11])


def test_one_step_in_all():
    for schedule in optim.SCHEDULES:
        for warmup_epochs in (0, 1):
            assert optim.learning_rates(schedule, 0.5, 1, 1, warmup_epochs).tolist() == [0.5]


@pytest.mark.parametrize(("factor", "decay"), [(0.9, 0.0), (0.9, 0.01), (0.0, 0.01), (0.0, 0.0)])
def test_momentum_matches_mindspores_optimiser(factor, decay):
    random = np.random.default_rng(5)
    start, gradients = random.normal(size=(3, 4)), random.normal(size=(6, 3, 4))

    value, velocity = Tensor(start, mindspore.float32), Tensor(np.zeros((3, 4)), mindspore.float32)
    for gradient in gradients:
        value, velocity = optim.momentum(value, Tensor(gradient, mindspore.float32), velocity, 0.3, factor, decay)

    parameter = Parameter(Tensor(start, mindspore.float32), name="weight")
    optimiser = nn.Momentum([parameter], learning_rate=0.3, momentum=factor, weight_decay=decay)
    for gradient in gradients:
        optimiser((Tensor(gradient, mindspore.float32),))
    assert value.asnumpy() == pytest.approx(parameter.asnumpy(), abs=2e-6)


def test_two_steps_of_momentum_by_hand():
    one = [Tensor(number, mindspore.float32) for number in (2.0, 1.0, 0.0, 0.1, 0.5, 0.25)]
    value, velocity = optim.momentum(*one)
    assert float(velocity) == pytest.approx(1 + 0.25 * 2) and float(value) == pytest.approx(2 - 0.1 * 1.5)
    value, velocity = optim.momentum(value, one[1], velocity, *one[3:])
    assert float(velocity) == pytest.approx(0.5 * 1.5 + 1 + 0.25 * 1.85)
    assert float(value) == pytest.approx(1.85 - 0.1 * (0.75 + 1 + 0.4625))
