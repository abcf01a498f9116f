"""Class-conditional variational autoencoders of dense layers, many side by side; sampled and scored in NumPy."""

import math
from dataclasses import dataclass

import numpy as np
from mindspore import Tensor, ops
from scipy.special import expit

from sortline.training.side_by_side import Part, dense, with_kinds

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Vae:
    """Rows of `dimension` numbers, of one of `classes`, by `latent` normal numbers: Kingma and Welling 2014,
    arXiv:1312.6114, both parts given the class as Sohn et al. 2015 do ("Learning Structured Output Representation using
    Deep Conditional Generative Models", NIPS).

    One hidden layer of `hidden` units each way. Rows are normal around what is decoded, each number with a spread of
    its own that is learned; `binary` ones are shares from 0 to 1 (Bernoulli).
    """

    dimension: int
    classes: int
    latent: int = 16
    hidden: int = 128
    binary: bool = False

    @property
    def noise(self) -> int:
        return self.latent

    def shapes(self) -> dict[str, tuple[int, int]]:
        layers = {
            "read": (self.dimension + self.classes, self.hidden), "code": (self.hidden, 2 * self.latent),
            "open": (self.latent + self.classes, self.hidden), "write": (self.hidden, self.dimension),
        }  # fmt: skip
        shapes: dict[str, tuple[int, int]] = {}
        for name, (inputs, outputs) in layers.items():
            shapes |= {f"{name}_weight": (inputs, outputs), f"{name}_bias": (1, outputs)}
        return shapes if self.binary else shapes | {"log_spread": (1, self.dimension)}

    def losses(self, part: Part, rows: Tensor, kinds: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Return the two parts of the negative evidence lower bound, in nats: of the decoded row, of the code."""
        code = dense(part, "code", ops.relu(dense(part, "read", with_kinds(rows, kinds))))
        mean, log_variance = code[..., : self.latent], code[..., self.latent :]
        drawn = mean + ops.exp(log_variance / 2) * noise
        found = dense(part, "write", ops.relu(dense(part, "open", with_kinds(drawn, kinds))))
        if self.binary:
            apart = ops.relu(found) - found * rows + ops.log(1 + ops.exp(-ops.abs(found)))
        else:
            spread = part("log_spread")
            apart = ((rows - found) * ops.exp(-spread)) ** 2 / 2 + spread + math.log(2 * math.pi) / 2
        return apart.sum(-1), (mean**2 + ops.exp(log_variance) - 1 - log_variance).sum(-1) / 2

    def sample(self, values: Arrays, kinds: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Return a row of each of `kinds` float32 (n, classes), float32 (n, dimension); of binary ones the shares."""
        code = generator.standard_normal((len(kinds), self.latent), np.float32)
        rows = self.decoded(values, code, kinds)
        if self.binary:
            return expit(rows)
        return rows + np.exp(values["log_spread"]) * generator.standard_normal(rows.shape, np.float32)

    def decoded(self, values: Arrays, code: np.ndarray, kinds: np.ndarray) -> np.ndarray:
        inside = np.concatenate((code, kinds), 1) @ values["open_weight"] + values["open_bias"]
        return np.maximum(inside, 0) @ values["write_weight"] + values["write_bias"]

    def bound(self, values: Arrays, rows: np.ndarray, kinds: np.ndarray) -> np.ndarray:
        """Return the evidence lower bound of normal rows, in nats, float (n,); the mean code stands for a draw."""
        inside = np.concatenate((rows, kinds), 1) @ values["read_weight"] + values["read_bias"]
        code = np.maximum(inside, 0) @ values["code_weight"] + values["code_bias"]
        mean, log_variance = code[:, : self.latent], code[:, self.latent :]
        spread = values["log_spread"]
        apart = ((rows - self.decoded(values, mean, kinds)) * np.exp(-spread)) ** 2 / 2 + spread
        far = (mean**2 + np.exp(log_variance) - 1 - log_variance).sum(1) / 2
        return -(apart + np.log(2 * np.pi) / 2).sum(1) - far
