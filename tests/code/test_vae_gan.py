"""The losses of the nets that make features: against integrals, SciPy's densities and differences."""

import mindspore
import numpy as np
import pytest
from mindspore import ops
from scipy.integrate import quad
from scipy.stats import bernoulli, norm

from sortline.training.gan import PENALTY, Gan
from sortline.training.side_by_side import Layout
from sortline.training.vae import Vae

pytestmark = pytest.mark.usefixtures("graph_mode")

MODELS, BATCH = 2, 5
KINDS = np.eye(3, dtype=np.float32)[[0, 2, 1, 1, 0]]


def losses(net, rows, noise):
    """Return the two losses, (models, batch), of nets whose parameters are drawn here, and those by model."""
    layout = Layout(net.shapes(), MODELS)
    random = np.random.default_rng(3)
    flat = 0.3 * random.standard_normal(layout.initial(0).size).astype(np.float32)

    def part(name):
        start, end, shape = layout.places()[name]
        return mindspore.Tensor(flat[start:end].reshape(shape))

    given = rows.repeat(MODELS, 0), KINDS[None], noise[None]
    found = net.losses(part, *map(mindspore.Tensor, given))
    arrays = [{name: one.astype(float) for name, one in layout.arrays(flat, model).items()} for model in range(MODELS)]
    return [one.asnumpy() for one in found], arrays


def layer(arrays, name, rows):
    return rows @ arrays[f"{name}_weight"] + arrays[f"{name}_bias"]


@pytest.mark.parametrize("binary", [False, True])
def test_the_parts_of_the_lower_bound_are_a_density_and_a_divergence(binary):
    net = Vae(4, 3, latent=2, hidden=6, binary=binary)
    random = np.random.default_rng(0)
    rows = random.standard_normal((1, BATCH, 4), np.float32)
    if binary:
        rows = (rows > 0).astype(np.float32)
    noise = random.standard_normal((BATCH, 2), np.float32)
    (apart, far), every = losses(net, rows, noise)
    for model, arrays in enumerate(every):
        code = layer(arrays, "code", np.maximum(layer(arrays, "read", np.hstack((rows[0], KINDS))), 0))
        mean, spread = code[:, :2], np.exp(code[:, 2:] / 2)
        opened = np.maximum(layer(arrays, "open", np.hstack((mean + spread * noise, KINDS))), 0)
        out = layer(arrays, "write", opened)
        if binary:
            density = bernoulli.logpmf(rows[0], 1 / (1 + np.exp(-out)))
        else:
            density = norm.logpdf(rows[0], out, np.exp(arrays["log_spread"]))
        assert apart[model] == pytest.approx(-density.sum(1), rel=1e-4)

        def divergence(mean, spread):
            own = norm(mean, spread)
            ends = mean - 9 * spread, mean + 9 * spread
            return quad(lambda z: own.pdf(z) * (own.logpdf(z) - norm.logpdf(z)), *ends)[0]

        wanted = [sum(map(divergence, *one)) for one in zip(mean, spread, strict=True)]
        assert far[model] == pytest.approx(wanted, rel=1e-3)


def test_the_bound_in_numpy_is_the_loss_where_nothing_is_drawn():
    net = Vae(4, 3, latent=2, hidden=6)
    rows = np.random.default_rng(1).standard_normal((1, BATCH, 4), np.float32)
    (apart, far), every = losses(net, rows, np.zeros((BATCH, 2), np.float32))
    for model, arrays in enumerate(every):
        assert net.bound(arrays, rows[0], KINDS) == pytest.approx(-(apart + far)[model], rel=1e-4)


def test_the_critic_s_loss_has_the_slope_that_differences_show():
    net = Gan(4, 3, latent=2, hidden=6)
    random = np.random.default_rng(0)
    rows = random.standard_normal((1, BATCH, 4), np.float32)
    noise = random.standard_normal((BATCH, 3), np.float32)
    (critic, maker), every = losses(net, rows, noise)
    for model, arrays in enumerate(every):

        def judged(rows, arrays=arrays):
            inside = layer(arrays, "critic_in", np.hstack((rows, KINDS)))
            return layer(arrays, "critic_out", np.where(inside > 0, inside, 0.2 * inside))[:, 0]

        inside = layer(arrays, "maker_in", np.hstack((noise[:, :2], KINDS)))
        made = layer(arrays, "maker_out", np.where(inside > 0, inside, 0.2 * inside))
        between = made + norm.cdf(noise[:, 2:]) * (rows[0] - made)
        small = 1e-6 * np.eye(4)
        slope = np.stack([(judged(between + step) - judged(between - step)) / 2e-6 for step in small], 1)
        penalty = PENALTY * (np.linalg.norm(slope, axis=1) - 1) ** 2
        assert critic[model] == pytest.approx(judged(made) - judged(rows[0]) + penalty, rel=1e-3, abs=1e-3)
        assert maker[model] == pytest.approx(-judged(made), rel=1e-3, abs=1e-3)


def test_neither_net_moves_the_other():
    net = Gan(4, 3, latent=2, hidden=6)
    layout = Layout(net.shapes(), 1)
    places = layout.places()
    random = np.random.default_rng(0)
    given = [random.standard_normal((1, BATCH, 4), np.float32), KINDS[None],
             random.standard_normal((1, BATCH, 3), np.float32)]  # fmt: skip
    given = [mindspore.Tensor(one) for one in given]

    def loss(flat, which):
        def part(name):
            start, end, shape = places[name]
            return flat[start:end].reshape(shape)

        return net.losses(part, *given)[which].sum()

    flat = mindspore.Tensor(layout.initial(0))
    for which, own in enumerate(("critic", "maker")):
        gradient = ops.grad(loss)(flat, which).asnumpy()
        for name, (start, end, _) in places.items():
            moved = np.abs(gradient[start:end]).max() > 0
            assert moved == (name.startswith(own) and name != "critic_out_bias"), name
