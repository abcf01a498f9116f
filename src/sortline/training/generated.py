"""Features that are made up: each head learns from the train photos, and from what a model of those alone has made."""

from dataclasses import dataclass

import numpy as np
from scipy.sparse.linalg import eigsh

from sortline._core.errors import UserError
from sortline.config.training import Recipe, TrainHeadParams
from sortline.training import gan, vae
from sortline.training.side_by_side import fit

AXES = 64  # principal components in which the nets work: a twentieth of the numbers, half of what varies
ROWS = 2000  # are enough to find them by
STEPS = {"vae": 400, "gan": 800}
RECIPES = {
    "vae": Recipe(optimizer="adam", lr=3e-3, batch_size=256),
    "gan": Recipe(optimizer="adam", lr=1e-3, momentum=0, beta2=0.9, batch_size=256),
}


@dataclass(frozen=True)
class Space:
    """Where features lie, seen from the mean of their class: `means` and `spreads` float32 (classes, D), of each
    channel; `axes` float32 (D, K), along which features of a class vary most; `scale`, of a coordinate; `low` and
    `high` float32 (D,), between which every channel was."""

    means: np.ndarray
    spreads: np.ndarray
    axes: np.ndarray
    scale: float
    low: np.ndarray
    high: np.ndarray

    def coordinates(self, features: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Map features (n, D) of classes int (n,) to float32 (n, K)."""
        return (features - self.means[labels]) @ self.axes / self.scale

    def features(self, coordinates: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return self.means[labels] + self.scale * coordinates @ self.axes.T


def space(features: np.ndarray, labels: np.ndarray, classes: int, axes: int = AXES) -> Space:
    """Return the space of features float32 (n, D) of classes int (n,); one without any has the mean of all.

    Raises `UserError` where the features of a class are all the same.
    """
    count = np.bincount(labels, minlength=classes)[:, None]
    one_hot = kinds_of(labels, classes)
    means = np.where(count, one_hot.T @ features / np.maximum(count, 1), features.mean(0)).astype(np.float32)
    apart = features - means[labels]
    spreads = np.sqrt(one_hot.T @ apart**2 / np.maximum(count, 1)).astype(np.float32)
    few = apart[:: max(1, len(apart) // ROWS)].astype(float)
    if not few.any():
        raise UserError(
            "params.yaml: train_head.generated: the photos of each class are all alike, so that nothing can be made of "
            "them; add others, or set by to none"
        )
    start = np.random.default_rng(0).standard_normal(few.shape[1])
    values, found = eigsh(few.T @ few / len(few), min(axes, few.shape[1] - 1), v0=start)
    found *= np.sign(found[np.abs(found).argmax(0), np.arange(found.shape[1])])  # or the sign would be anyone's
    scale = float(np.sqrt(np.maximum(values.mean(), 1e-12)))
    return Space(means, spreads, found.astype(np.float32), scale, features.min(0), features.max(0))


def kinds_of(labels: np.ndarray, classes: int) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[labels]


def nets(
    by: str, features: np.ndarray, labels: np.ndarray, masks: np.ndarray, spaces: list[Space], seed: int
) -> tuple[vae.Vae | gan.Gan, list[dict[str, np.ndarray]]]:
    """Return the kind of net, and its parameters for each column of `masks` bool (n, models), trained on that column's
    features in its space."""
    classes = len(spaces[0].means)
    net = {"vae": vae.Vae, "gan": gan.Gan}[by](spaces[0].axes.shape[1], classes)
    rows = np.stack([one.coordinates(features, labels) for one in spaces], 1)
    recipe = RECIPES[by]
    epochs = -(-STEPS[by] * recipe.batch_size // len(rows))
    recipe = recipe.model_copy(update={"seed": seed, "epochs": epochs})
    return net, fit(net, rows, kinds_of(labels, classes), masks, recipe, gan.RATES if by == "gan" else None)


def made(
    by: str, features: np.ndarray, labels: np.ndarray, masks: np.ndarray, wanted: np.ndarray, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return (features (m, D), labels (m,)) for each column of `masks` bool (n, models): as many of each class as
    `wanted` int (models, classes) says, made from nothing but the features of its mask."""
    classes = wanted.shape[1]
    generator = np.random.default_rng([seed, 2])
    kinds = [np.repeat(np.arange(classes), counts) for counts in wanted]
    if by == "copies":
        own = [drawn(labels, mask, counts, generator) for mask, counts in zip(masks.T, wanted, strict=True)]
        return [(features[rows], one) for rows, one in zip(own, kinds, strict=True)]
    spaces = [space(features[mask], labels[mask], classes) for mask in masks.T]
    found = []
    if by == "noise":
        for one, inside in zip(spaces, kinds, strict=True):
            noise = generator.standard_normal((len(inside), features.shape[1]), np.float32)
            found.append(one.means[inside] + one.spreads[inside] * noise)
    else:
        net, trained = nets(by, features, labels, masks, spaces, seed)
        for one, values, inside in zip(spaces, trained, kinds, strict=True):
            found.append(one.features(net.sample(values, kinds_of(inside, classes), generator), inside))
    return [(np.clip(rows, one.low, one.high), inside) for rows, one, inside in zip(found, spaces, kinds, strict=True)]


def drawn(labels: np.ndarray, mask: np.ndarray, counts: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return random rows of `mask`, int (m,): of each class as many as `counts` says."""
    found = [np.empty(0, int)]
    for kind in np.flatnonzero(counts):
        found.append(generator.choice(np.flatnonzero(mask & (labels == kind)), counts[kind]))
    return np.concatenate(found)


def with_generated(
    features: np.ndarray, photo: np.ndarray, masks: np.ndarray, labels: np.ndarray, params: TrainHeadParams
) -> tuple[np.ndarray, np.ndarray, np.ndarray, TrainHeadParams]:
    """Return the rows to train on, with those that `params` asks for behind the photos' own: features (rows, D), a
    photo of each row's class int (rows,), masks bool (rows, models), and the parameters with batches that are longer by
    as much, so that there are as many steps.

    `features` (n, D) of `photo` int (n,); `masks` bool (photos, models), of the photos that a model may see: what is
    made of them is for that model alone; `labels` int (photos,).
    """
    asked = params.generated
    if asked.by == "none":
        return features, photo, masks[photo], params
    kinds, first = np.unique(labels, return_index=True)  # a photo of each class says what its features are to teach
    seen, classes = masks[photo], kinds[-1] + 1
    there = np.stack([np.bincount(labels[photo[mask]], minlength=classes) for mask in seen.T])
    wanted = there.max(1, keepdims=True) - there if asked.count == "even" else np.full_like(there, asked.count)
    parts = made(asked.by, features, labels[photo], seen, np.where(there, wanted, 0), params.seed)
    of_model = np.repeat(np.arange(len(parts)), [len(one) for _, one in parts])
    rows = np.concatenate([features, *(rows for rows, _ in parts)])
    photos = np.concatenate([photo, *(first[np.searchsorted(kinds, one)] for _, one in parts)])
    seen = np.concatenate([seen, of_model[:, None] == np.arange(len(parts))])
    size = round(params.batch_size * len(rows) / len(features))
    return rows, photos, seen, params.model_copy(update={"batch_size": size})
