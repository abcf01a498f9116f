"""Optimiser steps and learning-rate schedules, by name."""

import numpy as np
from mindspore import Tensor


def cosine(step: np.ndarray, steps: int) -> np.ndarray:
    """Cosine annealing from 1 to 0 (Loshchilov and Hutter 2017, arXiv:1608.03983), no restarts."""
    return (1 + np.cos(np.pi * step / steps)) / 2


def constant(step: np.ndarray, steps: int) -> np.ndarray:
    return np.ones_like(step)


SCHEDULES = {"cosine": cosine, "constant": constant}


def learning_rates(schedule: str, lr: float, epochs: int, steps_per_epoch: int, warmup_epochs: float) -> np.ndarray:
    """Return the rate of every step, float32 (epochs * steps_per_epoch,).

    Over the warm-up the rate rises linearly, step i (from 0) at lr * (i + 1) / warm-up steps; the schedule
    then runs over the steps that are left.
    """
    total = epochs * steps_per_epoch
    warmup = min(round(warmup_epochs * steps_per_epoch), total)
    rising = (np.arange(warmup) + 1) / max(warmup, 1)
    after = SCHEDULES[schedule](np.arange(total - warmup, dtype=np.float64), max(total - warmup, 1))
    return (lr * np.concatenate((rising, after))).astype(np.float32)


def momentum(
    value: Tensor, gradient: Tensor, velocity: Tensor, lr: Tensor, factor: Tensor, weight_decay: Tensor
) -> tuple[Tensor, Tensor]:
    """One step of Momentum with L2 weight decay: v = factor v + g + decay w; w = w - lr v. Return (w, v)."""
    velocity = factor * velocity + gradient + weight_decay * value
    return value - lr * velocity, velocity
