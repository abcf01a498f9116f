"""30 epochs of a linear head on 2,128 x 1,280 features, batch 32: many steps a graph call, against plain loops.

After compilation; the loss curves must be equal. And L-BFGS: our path over three C, each started from the one before,
against scikit-learn's default, each from zero.
"""

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression

from bench import _paired
from sortline._core import runtime
from sortline.config.training import Recipe
from sortline.training import heads, lbfgs, loop, schedules
from sortline.training.head_graph import HeadNet
from sortline.training.targets import smooth_targets

ROWS, WIDTH, CLASSES, BATCH, EPOCHS = 2128, 1280, 26, 32, 30
RECIPE = Recipe(lr=0.1, weight_decay=1e-3, batch_size=BATCH, epochs=EPOCHS)


def data() -> tuple[np.ndarray, np.ndarray]:
    """Return features like pooled ReLU6 maps and labels that can be learned from them."""
    random = np.random.default_rng(0)
    labels = random.integers(0, CLASSES, ROWS)
    centres = random.gamma(0.5, 0.4, (CLASSES, WIDTH))
    features = np.minimum(centres[labels] * random.gamma(1.0, 1.0, (ROWS, WIDTH)), 6)
    return features.astype(np.float32), labels


def sortline(features: np.ndarray, targets: np.ndarray) -> np.ndarray:
    net, mask = HeadNet(WIDTH, CLASSES), np.ones((ROWS, 1), bool)
    return np.array([epoch.loss[0] for epoch in heads.epochs(features, targets, mask, net, RECIPE)])


def _orders() -> list[list[np.ndarray]]:
    generator = np.random.default_rng(RECIPE.seed)
    drawn = [loop.order(ROWS, BATCH, generator) for _ in range(EPOCHS)]
    return [[batch[: ROWS - step * BATCH] for step, batch in enumerate(epoch)] for epoch in drawn]


def pytorch(features: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The usual loop: one step a call."""
    x, t = torch.from_numpy(features), torch.from_numpy(targets)
    layer = torch.nn.Linear(WIDTH, CLASSES)
    torch.nn.init.zeros_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    groups = [{"params": [layer.weight], "weight_decay": RECIPE.weight_decay}, {"params": [layer.bias]}]
    optimizer = torch.optim.SGD(groups, lr=1.0, momentum=RECIPE.momentum)
    rates, losses = iter(schedules.learning_rates(RECIPE, -(-ROWS // BATCH))), []
    for epoch in _orders():
        total = 0.0
        for rows in epoch:
            for group in optimizer.param_groups:
                group["lr"] = float(next(rates)) if group is optimizer.param_groups[0] else group["lr"]
            optimizer.param_groups[1]["lr"] = optimizer.param_groups[0]["lr"]
            loss = -(t[rows] * torch.log_softmax(layer(x[rows]), -1)).sum(-1).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        losses.append(total / len(epoch))
    return np.array(losses)


def plain_numpy(features: np.ndarray, targets: np.ndarray) -> np.ndarray:
    weight, bias = np.zeros((WIDTH, CLASSES), np.float32), np.zeros(CLASSES, np.float32)
    weight_mean, bias_mean = np.zeros_like(weight), np.zeros_like(bias)
    rates, losses = iter(schedules.learning_rates(RECIPE, -(-ROWS // BATCH))), []
    for epoch in _orders():
        total = 0.0
        for rows in epoch:
            x, t, rate = features[rows], targets[rows], next(rates)
            logits = x @ weight + bias
            logits -= logits.max(1, keepdims=True)
            log_p = logits - np.log(np.exp(logits).sum(1, keepdims=True))
            error = (np.exp(log_p) - t) / np.float32(len(rows))
            weight_mean = RECIPE.momentum * weight_mean + x.T @ error + np.float32(RECIPE.weight_decay) * weight
            bias_mean = RECIPE.momentum * bias_mean + error.sum(0)
            weight, bias = weight - rate * weight_mean, bias - rate * bias_mean
            total += float(-(t * log_p).sum() / len(rows))
        losses.append(total / len(epoch))
    return np.array(losses)


def run(repeats: int) -> dict[str, object]:
    runtime.prepare(0)
    features, labels = data()
    targets = smooth_targets(labels, CLASSES, 0.1)
    loops = {"sortline": sortline, "pytorch": pytorch, "numpy": plain_numpy}
    curves = {name: loop(features, targets) for name, loop in loops.items()}  # compiles, too
    difference = max(float(np.abs(curves["sortline"] - other).max()) for other in curves.values())
    if difference > 2e-3:
        raise RuntimeError(f"the loss curves differ by {difference:.1e}")
    works = {name: (lambda loop=loop: loop(features, targets)) for name, loop in loops.items()}
    taken = _paired.seconds(works, repeats, warm_up=0)
    strengths = (0.3, 1.0, 3.0)
    fits = {
        "sortline": lambda: list(lbfgs._fit_path(features, labels, CLASSES, strengths, 300)),
        "scikit_learn": lambda: [LogisticRegression(C=c, max_iter=300).fit(features, labels) for c in strengths],
    }
    solved = _paired.seconds(fits, max(1, repeats // 2), warm_up=0)
    return {
        "rows": ROWS, "width": WIDTH, "batch": BATCH, "epochs": EPOCHS, "repeats": repeats,
        "seconds": {name: round(value, 3) for name, value in _paired.medians(taken).items()},
        "pytorch_over_sortline": _paired.ratio(taken, "pytorch", "sortline"),
        "numpy_over_sortline": _paired.ratio(taken, "numpy", "sortline"),
        "loss_curves_max_difference": difference,
        "lbfgs_seconds": {name: round(value, 2) for name, value in _paired.medians(solved).items()},
        "scikit_learn_over_sortline_lbfgs": _paired.ratio(solved, "scikit_learn", "sortline"),
    }  # fmt: skip
