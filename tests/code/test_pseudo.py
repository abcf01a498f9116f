"""Photos without labels that teach a head: which labels they get from which head, and what is learnt from them."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from test_training import quick, toy

from sortline._core import files
from sortline._core.errors import UserError
from sortline.config.training import PseudoParams
from sortline.features.heads import Head
from sortline.training import heads, pseudo
from sortline.training.keeping import Keeper
from sortline.training.results import Trained

pytestmark = pytest.mark.usefixtures("graph_mode")

LABELLED = np.arange(240) % 12 == 0  # 20 of 240 photos: too few for three classes in 8 noisy dimensions


def parted(noise=1.2):
    """Return a few labelled photos, all the others as photos without a label, their labels."""
    data = toy(n=240, noise=noise, views=3)
    own = {name: getattr(data, name)[LABELLED] for name in ("features", "labels", "folds")}
    other = pseudo.UnlabelledSet(data.features[~LABELLED], data.folds[~LABELLED])
    return replace(data, **own), other, data.labels[~LABELLED]


def asked(**changes):
    return quick(pseudo=PseudoParams(**{"threshold": 0.8, "views": "others"} | changes), epochs=10)


def fixed(data, seed=0):
    """Return what a teacher would be, of weights drawn at random: four folds' heads and the final one."""
    random = np.random.default_rng(seed)
    models = [Head(random.normal(size=(3, 8)).astype(np.float32), np.zeros(3, np.float32), "mean") for _ in range(5)]
    said = softmax(random.normal(size=(len(data.labels), 3)) + 2 * np.eye(3)[data.labels], axis=1)
    return Trained({}, "last", said, [], "epoch", models=models)


def test_each_head_labels_for_its_own_student_what_it_is_sure_of_by_a_temperature_without_its_fold():
    data, other, _ = parted()
    teacher = fixed(data)
    labels, taken = pseudo.label(data, other, teacher, asked())
    for model, head in enumerate(teacher.models):
        known = data.folds != model  # of the final one, number 4, every photo
        given = np.log(teacher.out_of_fold[known])

        def loss(t, given=given, known=known):
            return -log_softmax(given / t, axis=1)[np.arange(known.sum()), data.labels[known]].mean()

        t = minimize_scalar(loss, bounds=(0.05, 20), method="bounded").x
        said = softmax((other.features[:, 0, 0] @ head.weight.T).astype(float) / t, axis=1)
        assert (labels[:, model] == said.argmax(1)).all()
        clear = abs(said.max(1) - 0.8) > 1e-3
        assert (taken[:, model] == ((said.max(1) >= 0.8) & (other.folds != model)))[clear].all()
        assert 0 < taken[:, model].sum() < len(taken)
    assert not any(taken[other.folds == fold, fold].any() for fold in range(4))


def test_a_photo_teaches_each_model_the_label_that_this_model_s_teacher_gave():
    data, other, _ = parted()
    labels, taken = pseudo.label(data, other, fixed(data), asked())
    extra = pseudo.taught(data, other, labels, taken, asked())
    plain = {row.tobytes(): photo for photo, views in enumerate(other.features[:, 1:, 0]) for row in views}
    photos = np.array([plain[row.tobytes()] for row in extra.features])  # other views alone
    told = extra.targets.argmax(1)
    assert np.allclose(np.sort(extra.targets, 1), [0.05, 0.05, 0.9])
    for model in range(5):
        pairs = sorted(zip(photos[extra.masks[:, model]], told[extra.masks[:, model]], strict=True))
        wanted = [(photo, labels[photo, model]) for photo in np.flatnonzero(taken[:, model])]
        assert pairs == sorted(wanted * 2)  # once a view
    everything = pseudo.taught(data, other, labels, taken, asked(views="all"))
    assert len(everything.features) == len(extra.features) * 3 // 2


def test_students_learn_what_the_teachers_say_and_get_better():
    data, other, truth = parted()
    alone = heads.train_by_steps(data, quick(epochs=10))
    student = pseudo.train(data, other, asked(threshold=0.0, rounds=2))
    held = other.features[:, 0]

    def right(found):
        return np.mean([(head.logits(held)[other.folds == fold].argmax(1) == truth[other.folds == fold]).mean()
                        for fold, head in found.fold_heads.items()])  # fmt: skip

    assert right(student) > right(alone) + 0.02
    assert student.facts["unlabelled"] == 220 and student.facts["pseudo_labelled"] == [220, 220]
    assert student.minimum is None and alone.minimum is not None


def test_what_a_fold_s_head_learns_does_not_hang_on_photos_of_its_fold():
    data, other, _ = parted()
    moved = replace(other, features=other.features.copy())
    moved.features[other.folds == 2] += 100
    # One batch an epoch: which rows there are for other heads does not shuffle those of this one.
    params = asked(threshold=0.0).model_copy(update={"batch_size": 4096})
    one, two = (pseudo.train(data, given, params) for given in (other, moved))
    assert np.abs(one.fold_heads[2].weight - two.fold_heads[2].weight).max() < 1e-4
    assert np.abs(one.fold_heads[1].weight - two.fold_heads[1].weight).max() > 1e-2


def test_no_label_at_all_leaves_the_heads_as_they_were(tmp_path):
    data, other, _ = parted()
    alone = heads.train_by_steps(data, quick(epochs=10))
    found = pseudo.train(data, other, asked(threshold=1.0), Keeper(tmp_path))
    assert found.facts["pseudo_labelled"] == [0]
    assert (found.heads["last"].weight == alone.heads["last"].weight).all()


HEADER = ["image", "label", "split", "fold", "photo_fold", "scene"]
ROWS = [
    ("train/a.jpg", 0, "train", 1, 0, 7),
    ("train/b.jpg", 1, "train", 0, 0, 3),
    ("unlabelled/a.jpg", -1, "unlabelled", "", "", 7),
    ("unlabelled/b.jpg", -1, "unlabelled", "", "", 5),
    ("unlabelled/c.jpg", -1, "unlabelled", "", "", 9),
    ("unlabelled/d.jpg", -1, "unlabelled", "", "", 4),
    ("val/a.jpg", 0, "val", "", "", 9),
    ("train/z.jpg", 1, "dropped", "", "", 4),
]


def table(rows):
    return [dict(zip(HEADER, map(str, row), strict=True)) for row in rows]


def test_photos_of_held_out_scenes_teach_nothing_and_those_of_train_not_their_fold(tmp_path):
    np.save(tmp_path / "pooled.npy", np.arange(8 * 2 * 2 * 3, dtype=np.float32).reshape(8, 2, 2, 3))
    files.write_json(tmp_path / "features.json", {"dataset": "0123"})
    found = pseudo.read(table(ROWS), tmp_path, asked())
    assert found.folds.tolist() == [1, -1]
    assert found.features[:, 0, 0, 0].tolist() == [2 * 12, 3 * 12]
    with pytest.raises(UserError, match="needs photos without a label"):
        pseudo.read(table(ROWS[:2] + ROWS[4:]), tmp_path, asked())


def test_what_cannot_be_is_refused():
    data, other, _ = parted()
    one = replace(data, features=data.features[:, :1]), replace(other, features=other.features[:, :1])
    with pytest.raises(UserError, match="plain view alone"):
        pseudo.train(*one, asked())
    with pytest.raises(ValidationError, match="lbfgs learns from labelled photos alone"):
        quick(optimizer="lbfgs", pseudo=PseudoParams())
    for wrong in ({"threshold": 1.5}, {"rounds": 0}, {"views": "strong"}):
        with pytest.raises(ValidationError):
            PseudoParams(**wrong)
