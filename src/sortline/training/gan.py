"""Class-conditional generative adversarial nets of dense layers, many side by side; sampled in NumPy."""

from dataclasses import dataclass

import numpy as np
from mindspore import Tensor, ops

from sortline.training.side_by_side import Part, dense, with_kinds

SLOPE = 0.2  # of the leaky ReLU
PENALTY = 10.0
RATES = {"critic": 4.0}  # against the generator's: Heusel et al. 2017, arXiv:1706.08500

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Gan:
    """Rows of `dimension` numbers, of one of `classes`: Goodfellow et al. 2014, both nets given the class as Mirza and
    Osindero 2014 do (arXiv:1411.1784), trained by the Wasserstein distance with a gradient penalty (Gulrajani et al.
    2017, arXiv:1704.00028), as Xian et al. 2018 do for features (arXiv:1712.00981), but in steps of both at once, the
    critic at four times the rate, in place of several steps of the critic.

    One hidden layer of `hidden` units each, leaky ReLU.
    """

    dimension: int
    classes: int
    latent: int = 16
    hidden: int = 128

    @property
    def noise(self) -> int:
        return self.latent + 1  # the last one says where between a row and a made one the slope is looked at

    def shapes(self) -> dict[str, tuple[int, int]]:
        layers = {
            "maker_in": (self.latent + self.classes, self.hidden), "maker_out": (self.hidden, self.dimension),
            "critic_in": (self.dimension + self.classes, self.hidden), "critic_out": (self.hidden, 1),
        }  # fmt: skip
        shapes: dict[str, tuple[int, int]] = {}
        for name, (inputs, outputs) in layers.items():
            shapes |= {f"{name}_weight": (inputs, outputs), f"{name}_bias": (1, outputs)}
        return shapes

    def losses(self, part: Part, rows: Tensor, kinds: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return the critic's loss and the generator's; neither moves the other's parameters."""

        def fixed(name):
            return ops.stop_gradient(part(name))

        code = ops.broadcast_to(noise[..., : self.latent], (rows.shape[0], *noise.shape[1:-1], self.latent))
        made = dense(part, "maker_out", leaky(dense(part, "maker_in", with_kinds(code, kinds))))
        shown = ops.stop_gradient(made)
        between = shown + 0.5 * (1 + ops.erf(noise[..., self.latent :] / 2**0.5)) * (rows - shown)
        # One hidden layer: the slope of the critic is a product of its weights, which needs no second gradient.
        ascent = ops.cast(dense(part, "critic_in", with_kinds(between, kinds)) > 0, rows.dtype) * (1 - SLOPE) + SLOPE
        weights = part("critic_in_weight")[:, : self.dimension].swapaxes(1, 2)
        slope = ops.bmm(ascent * part("critic_out_weight").swapaxes(1, 2), weights)
        steep = (ops.sqrt((slope**2).sum(-1) + 1e-12) - 1) ** 2
        critic = judged(part, shown, kinds) - judged(part, rows, kinds) + PENALTY * steep
        return critic, -judged(fixed, made, kinds)

    def sample(self, values: Arrays, kinds: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Return a row of each of `kinds` float32 (n, classes), float32 (n, dimension)."""
        code = generator.standard_normal((len(kinds), self.latent), np.float32)
        inside = np.concatenate((code, kinds), 1) @ values["maker_in_weight"] + values["maker_in_bias"]
        return np.maximum(inside, np.float32(SLOPE) * inside) @ values["maker_out_weight"] + values["maker_out_bias"]


def leaky(rows: Tensor) -> Tensor:
    return ops.maximum(rows, SLOPE * rows)


def judged(part: Part, rows: Tensor, kinds: Tensor) -> Tensor:
    """Return how much like one of the train rows the critic finds each, (models, batch)."""
    return dense(part, "critic_out", leaky(dense(part, "critic_in", with_kinds(rows, kinds)))).squeeze(-1)
