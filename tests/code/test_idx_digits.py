"""IDX files as a data set: what prepare makes of them."""

import numpy as np
import pytest

from sortline._core.errors import UserError
from sortline.config.prepare import DuplicateParams, PrepareParams, SplitParams
from sortline.data import idx
from sortline.data.datasets import open_dataset
from sortline.data.datasets.idx_digits import NOT_SEARCHED, IdxDigits
from sortline.data.preparation import prepare
from sortline.report.preparation import digits_sheet

LABELS = {str(digit): digit for digit in range(10)}
NAMES = list(LABELS)


def write(folder, train: int = 120, test: int = 40):
    """Write different pictures, labels 0 to 9 in turn."""
    generator = np.random.default_rng(1)
    counts = {"train": train, "t10k": test}
    pictures = {start: generator.integers(0, 256, (n, 6, 6), dtype=np.uint8) for start, n in counts.items()}
    pictures["train"][25] = pictures["train"][5]  # an exact copy inside train
    pictures["t10k"][3] = pictures["train"][13]  # a test digit that is in train too
    for start, images in pictures.items():
        (folder / f"{start}-{idx.IMAGES}").write_bytes(idx.packed(images))
        (folder / f"{start}-{idx.LABELS}").write_bytes(idx.packed(np.arange(len(images), dtype=np.uint8) % 10))


def wanted(val_fraction: float = 0.25, seed: int = 0, **policy: str) -> PrepareParams:
    split = SplitParams(val_fraction=val_fraction, seed=seed)
    return PrepareParams(split=split, duplicates=DuplicateParams(**policy))


@pytest.fixture
def digits(tmp_path):
    write(tmp_path)
    dataset = open_dataset(tmp_path)
    assert isinstance(dataset, IdxDigits)
    return dataset


@pytest.fixture
def audit(digits):
    return digits.audit(PrepareParams())


def test_every_digit_is_there_once_by_a_sorted_path(audit):
    paths = [photo.path for photo in audit.photos]
    assert paths == sorted(paths) and len(set(paths)) == 160
    assert paths[0] == "test/00000" and paths[-1] == "train/00119"
    assert {photo.folder for photo in audit.photos if photo.path.endswith("3")} == {"3"}


def test_the_test_part_stays_whole_and_val_is_a_stratified_share_of_train(digits, audit):
    split = digits.split(audit, LABELS, NAMES, wanted())
    test = np.array([photo.path.startswith("test/") for photo in audit.photos])
    assert (split.split[test] == "test").all() and (split.raw[test] == "test").all()
    val = split.split == "val"
    assert val.sum() == 30 and np.bincount(split.label[val]).tolist() == [3] * 10
    assert (split.fold == -1).all()


def test_the_split_depends_on_its_seed_alone(digits, audit):
    def val(seed):
        return digits.split(audit, LABELS, NAMES, wanted(seed=seed)).split == "val"

    assert np.array_equal(val(3), val(3)) and not np.array_equal(val(3), val(4))


def test_exact_copies_stay_together_and_those_of_test_leave_train(digits, audit):
    index = {photo.path: i for i, photo in enumerate(audit.photos)}
    for seed in range(8):
        split = digits.split(audit, LABELS, NAMES, wanted(seed=seed))
        assert split.split[index["train/00005"]] == split.split[index["train/00025"]]
        was_train = split.raw[index["train/00013"]] == "train"
        assert split.split[index["train/00013"]] == ("dropped" if was_train else "val")
        assert split.in_train_exact[index["test/00003"]] == was_train
        metrics = digits.metrics(audit, split, PrepareParams())
        assert metrics["train"] + metrics["val"] + metrics["test"] + metrics["dropped"] == 160
        assert (metrics["exact_cross"], metrics["near_cross"]) == (int(was_train), None)
        assert metrics["near_duplicates"] == NOT_SEARCHED


def test_a_policy_of_fail_names_the_copy(digits, audit):
    with pytest.raises(UserError, match="exact copies inside train .*train/00025"):
        digits.split(audit, LABELS, NAMES, wanted(0.1, exact_train="fail"))


def test_a_digit_that_train_lacks_is_named(tmp_path):
    write(tmp_path, train=40, test=40)
    (tmp_path / f"train-{idx.LABELS}").write_bytes(idx.packed(np.arange(40, dtype=np.uint8) % 9))
    with pytest.raises(UserError, match="no digit 9 in the train part"):
        prepare(tmp_path, tmp_path, wanted(0.1))


def test_the_sheet_shows_ten_of_each(digits, tmp_path):
    prepared = prepare(tmp_path, tmp_path, wanted())
    assert prepared.views.count == 1 and prepared.dataset.headline(prepared.metrics).endswith(" 40 test")
    sheet = digits_sheet(prepared)
    assert sheet.width > 900 and sheet.height > 900
