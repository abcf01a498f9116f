"""Learning-rate schedules, by name. A new one is a function here, an entry in SCHEDULES, and its name in the config."""

from collections.abc import Callable

import numpy as np

from sortline.config.training import Recipe


def constant(recipe: Recipe, share: np.ndarray, epochs: np.ndarray) -> np.ndarray:
    return np.full_like(share, recipe.lr)


def cosine(recipe: Recipe, share: np.ndarray, epochs: np.ndarray) -> np.ndarray:
    """Cosine annealing (Loshchilov and Hutter 2017, arXiv:1608.03983), no restarts."""
    return recipe.lr_end + (recipe.lr - recipe.lr_end) * ((1 + np.cos(np.pi * share)) / 2)


def square(recipe: Recipe, share: np.ndarray, epochs: np.ndarray) -> np.ndarray:
    """Polynomial decay of power 2."""
    return recipe.lr_end + (recipe.lr - recipe.lr_end) * (1 - share) ** 2


def linear(recipe: Recipe, share: np.ndarray, epochs: np.ndarray) -> np.ndarray:
    return recipe.lr_end + (recipe.lr - recipe.lr_end) * (1 - share)


def step(recipe: Recipe, share: np.ndarray, epochs: np.ndarray) -> np.ndarray:
    return recipe.lr * recipe.decay_rate ** np.floor(_periods(recipe, epochs))


def exponential(recipe: Recipe, share: np.ndarray, epochs: np.ndarray) -> np.ndarray:
    return recipe.lr * recipe.decay_rate ** _periods(recipe, epochs)


def _periods(recipe: Recipe, epochs: np.ndarray) -> np.ndarray:
    # Rounded, so that 6 steps of 0.1 epochs are not 5.999 of them.
    return np.round(epochs / recipe.decay_epochs, 9)


# Each returns the rate of the steps after the warm-up, float64, of the share of these steps, and of the epochs, that
# has gone by before each.
SCHEDULES: dict[str, Callable[[Recipe, np.ndarray, np.ndarray], np.ndarray]] = {
    "constant": constant, "cosine": cosine, "square": square, "linear": linear, "step": step,
    "exponential": exponential,
}  # fmt: skip


def learning_rates(recipe: Recipe, steps_per_epoch: int) -> np.ndarray:
    """Return the rate of every step, float32 (epochs * steps_per_epoch,).

    Over the warm-up the rate rises linearly, step i (from 0) at lr * (i + 1) / warm-up steps; the schedule then runs
    over the steps that are left: `cosine`, `square` and `linear` from `lr` towards `lr_end`, which the step after the
    last would have; `step` multiplies by `decay_rate` after every `decay_epochs` epochs, `exponential` spreads that
    evenly over their steps; `constant` stays at `lr`.
    """
    total = recipe.epochs * steps_per_epoch
    warmup = min(round(recipe.warmup_epochs * steps_per_epoch), total)
    passed = np.arange(total - warmup, dtype=np.float64)
    after = SCHEDULES[recipe.schedule](recipe, passed / max(total - warmup, 1), passed / steps_per_epoch)
    rising = recipe.lr * (np.arange(warmup) + 1) / max(warmup, 1)
    return np.concatenate((rising, after)).astype(np.float32)
