"""Learning-rate schedules, by name. A new one is an entry of SCHEDULES, and its name in the config."""

from collections.abc import Callable

import numpy as np

from sortline.config.training import Recipe


def _between(recipe: Recipe, share: np.ndarray) -> np.ndarray:
    return recipe.lr_end + (recipe.lr - recipe.lr_end) * share


# The rate of the steps after the warm-up, float64, from the share of these steps, and the number of `decay_epochs`,
# that have gone by before each.
SCHEDULES: dict[str, Callable[[Recipe, np.ndarray, np.ndarray], np.ndarray]] = {
    "constant": lambda recipe, passed, periods: np.full_like(passed, recipe.lr),
    # Cosine annealing (Loshchilov and Hutter 2017, arXiv:1608.03983), no restarts.
    "cosine": lambda recipe, passed, periods: _between(recipe, (1 + np.cos(np.pi * passed)) / 2),
    "square": lambda recipe, passed, periods: _between(recipe, (1 - passed) ** 2),  # polynomial decay of power 2
    "linear": lambda recipe, passed, periods: _between(recipe, 1 - passed),
    "step": lambda recipe, passed, periods: recipe.lr * recipe.decay_rate ** np.floor(periods),
    "exponential": lambda recipe, passed, periods: recipe.lr * recipe.decay_rate**periods,
}


def learning_rates(recipe: Recipe, steps_per_epoch: int) -> np.ndarray:
    """Return the rate of every step, float32 (epochs * steps_per_epoch,).

    Over the warm-up the rate rises linearly, step i (from 0) at lr * (i + 1) / warm-up steps; the schedule then runs
    over the steps that are left: `cosine`, `square` and `linear` from `lr` towards `lr_end`, which the step after the
    last would have; `step` multiplies by `decay_rate` after every `decay_epochs` epochs, `exponential` spreads that
    evenly over their steps; `constant` stays at `lr`.
    """
    total = recipe.epochs * steps_per_epoch
    warmup = min(round(recipe.warmup_epochs * steps_per_epoch), total)
    steps = np.arange(total - warmup, dtype=np.float64)
    # Rounded, so that 6 steps of 0.1 epochs are not 5.999 of them.
    periods = np.round(steps / steps_per_epoch / recipe.decay_epochs, 9)
    after = SCHEDULES[recipe.schedule](recipe, steps / max(total - warmup, 1), periods)
    rising = recipe.lr * (np.arange(warmup) + 1) / max(warmup, 1)
    return np.concatenate((rising, after)).astype(np.float32)
