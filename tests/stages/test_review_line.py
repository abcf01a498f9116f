"""From photos without a label to a line that was trained with them: `sortline next`, decisions, `review --apply`."""

import csv
import json
import sys

import numpy as np
import pytest
from PIL import Image

from sortline._core.files import read_csv, sha256_file
from sortline.data import corrections, inbox
from sortline.data.corrections import Decision


def sortline(project, *words: str, ok: bool = True):
    return project.run(sys.executable, "-m", "sortline.cli", *words, ok=ok)


@pytest.fixture
def new(project):
    """Six photos without a label, and a file that is none."""
    folder = project.root.parent / "new photos"
    (folder / "inner").mkdir(parents=True)
    for number in range(6):
        clouds = np.random.default_rng(900 + number).integers(0, 256, (48, 64, 3)).astype(np.uint8)
        Image.fromarray(clouds).save(folder / "inner" / f"{number}.png")
    (folder / "broken.png").write_bytes(b"no photo")
    return folder


def test_next_chooses_and_says_what_it_could_not_read(project, new):
    """Two commands, each of which loads a backbone."""
    done = sortline(project, "next", "tiny", str(new), "--n", "3", ok=False)
    assert done.returncode == 1 and "broken.png" in done.stdout and "3 of 6 photos chosen" in done.stdout
    photos = inbox.read(project.root / "data/inbox/tiny")
    there = {sha256_file(path) for path in (new / "inner").iterdir()}
    assert len(photos) == 3 and {one.sha256 for one in photos} <= there
    assert all(sha256_file(one.file) == one.sha256 and "margin" in one.note for one in photos)
    (new / "broken.png").unlink()
    again = sortline(project, "next", "tiny", str(new), "--n", "9")
    assert "3 of 3 photos chosen (3 were known)" in again.stdout


@pytest.mark.slow  # a whole line, 30 s
def test_apply_trains_with_what_was_decided_and_compares_on_both_labels(project, new):
    (new / "broken.png").unlink()
    sortline(project, "next", "tiny", str(new), "--n", "2")
    path = project.root / "corrections/tiny.csv"
    labelled = inbox.read(project.root / "data/inbox/tiny")
    for one in labelled:
        corrections.append(path, Decision(one.sha256, one.name, "", "Can"))
    photo = "train/Can/02.png"
    corrections.append(path, Decision(sha256_file(project.data / "tiny" / photo), photo, "Can", "纸"))
    said = sortline(project, "review", "tiny", "--apply").stdout
    assert "2 newly labelled photos taken in" in said and "1 relabelled" in said and "fold " in said
    for part in ("held out", "folds"):
        assert all(f"{part}, labels as they {word}" in said for word in ("were:", "are now:"))
    rows = {row["image"]: row for row in read_csv(project.root / "data/prepared/tiny/split.csv")}
    added = [row for image, row in rows.items() if labelled[0].sha256[:20] in image or labelled[1].sha256[:20] in image]
    assert [(row["label"], row["split"]) for row in added] == [("0", "train")] * 2
    assert (rows[photo]["label"], rows[photo]["given_label"]) == ("2", "0")
    evaluated = json.loads((project.root / "metrics/tiny/evaluate.json").read_text(encoding="utf-8"))
    trained = json.loads((project.root / "metrics/tiny/train.json").read_text(encoding="utf-8"))
    assert evaluated["given_n"] == evaluated["n"] and trained["cv_given_changed"]["relabelled"] == 1
    with (project.root / "plots/tiny/train/predictions.csv").open(encoding="utf-8", newline="") as stream:
        truth = {row["image"]: row["truth"] for row in csv.DictReader(stream)}
    assert truth[photo] == "纸"
    again = sortline(project, "review", "tiny", "--apply").stdout
    assert "newly labelled" not in again and "difference +0.0 points" in again
