"""What a person decided about labels: the file, and what `prepare` makes of it."""

import multiprocessing
from pathlib import Path

import numpy as np
import pytest
from pictures import two_classes
from test_card import BACKBONE, LABELS, measured
from test_prepare_stage import PARAMS, run_stage

from sortline._core.errors import UserError
from sortline._core.files import read_csv, read_json, read_yaml, sha256_file
from sortline._core.text import is_formula
from sortline.config.tasks import task_sections
from sortline.data import corrections, inbox, prepared
from sortline.data.corrected import added
from sortline.data.corrections import DROP, UNSURE, Decision
from sortline.data.inbox import Waiting
from sortline.data.prepared import Classes, Part
from sortline.evaluation.predictions import Predictions
from sortline.evaluation.training import on_given_labels
from sortline.report.model_card import model_card

DIGEST = "0" * 64


@pytest.fixture
def raw(tmp_path) -> Path:
    return two_classes(tmp_path / "raw")


@pytest.fixture
def stage(tmp_path, raw, monkeypatch):
    """A function that runs `prepare` with what is in toy.csv (None: without) and returns its files."""
    (tmp_path / "params.yaml").write_text(PARAMS, encoding="utf-8")

    def run(out: str, params: str = PARAMS) -> dict[str, bytes]:
        return run_stage(tmp_path, raw, params, monkeypatch, out, "--corrections toy.csv")

    return run


def decide(raw: Path, photo: str, new: str, old: str | None = None) -> Decision:
    decision = Decision(sha256_file(raw / photo), photo, photo.split("/")[1] if old is None else old, new)
    corrections.append(raw.parent / "toy.csv", decision)
    return decision


def rows(folder: Path) -> dict[str, dict[str, str]]:
    return {row["image"]: row for row in read_csv(folder / "split.csv")}


def written(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.*")}


def test_without_a_decision_everything_is_as_without_the_file(tmp_path, raw, stage, monkeypatch):
    run_stage(tmp_path, raw, PARAMS, monkeypatch, "without")
    corrections.create(tmp_path / "toy.csv")
    stage("empty")
    assert written(tmp_path / "without") == written(tmp_path / "empty")
    decide(raw, "train/can/1.png", "hat")
    decide(raw, "train/can/1.png", "")
    stage("undone")
    assert written(tmp_path / "without") == written(tmp_path / "undone")


def test_a_decision_changes_the_label_and_keeps_what_came_with_the_photo(tmp_path, raw, stage, capsys):
    stage("before")
    decide(raw, "train/can/1.png", "hat")
    decide(raw, "train/hat/1.png", UNSURE)
    decide(raw, "train/hat/2.png", "hat")
    decide(raw, "val/can/8.png", DROP)
    stage("after")
    before, after = rows(tmp_path / "before"), rows(tmp_path / "after")
    changed = {"train/can/1.png", "val/can/8.png"}
    for image, row in after.items():
        # All but the label and what was dropped stays where it was dealt.
        same = ("fold", "photo_fold", "scene", "in_train_exact", "in_train_near")
        assert [row[key] for key in same] == [before[image][key] for key in same]
        assert (row["given_label"], row["given_split"]) == (before[image]["label"], before[image]["split"])
        assert ((row["label"], row["split"]) != (row["given_label"], row["given_split"])) == (image in changed)
    assert after["train/can/1.png"]["label"] == "1" and after["val/can/8.png"]["split"] == "dropped"
    for name in ("images.csv", "views.json", "classes.json"):  # what extract reads, and the classes
        assert (tmp_path / "before" / name).read_bytes() == (tmp_path / "after" / name).read_bytes()
    counts = read_json(tmp_path / "after/data.json")["corrections"]
    fold = before["train/can/1.png"]["fold"]
    assert counts["changed_folds"] == {fold: 1} and counts["changed"] == {"train": 1, "val": 1}
    kinds = ("confirmed", "relabelled", "dropped", "unsure", "gone")
    assert [counts[kind] for kind in kinds] == [1, 1, 1, 1, 0]
    assert f"'{fold}': 1" in capsys.readouterr().out
    split = tmp_path / "after/split.csv"
    train, val = prepared.read_part(split, "train"), prepared.read_part(split, "val")
    place = train.images.index("train/can/1.png")
    assert (train.labels[place], train.given[place]) == (1, 0)
    assert prepared.is_corrected(split) and "val/can/8.png" not in val.images
    as_given = prepared.read_part(split, "val", as_given=True)
    assert as_given.images == prepared.read_part(tmp_path / "before/split.csv", "val").images


def test_the_last_line_about_a_photo_holds_and_what_is_gone_is_told(tmp_path, raw, stage, capsys):
    decide(raw, "train/can/1.png", "hat")
    decide(raw, "train/can/1.png", DROP)
    corrections.append(tmp_path / "toy.csv", Decision(DIGEST, "train/can/lost.png", "can", "hat"))
    corrections.append(tmp_path / "toy.csv", Decision("1" * 64, "new.png", "", "hat"))  # a label of a new photo
    stage("out")
    assert rows(tmp_path / "out")["train/can/1.png"]["split"] == "dropped"
    assert "gone: train/can/lost.png" in capsys.readouterr().out
    counts = read_json(tmp_path / "out/data.json")["corrections"]
    assert (counts["gone"], counts["not_taken_in"], counts["dropped"]) == (1, 1, 1)


def test_a_class_can_be_added_once_it_has_enough_photos(tmp_path, raw, stage):
    decide(raw, "train/can/1.png", "mug")
    with pytest.raises(UserError, match="'mug'.* 1 train and 0 val"):
        stage("out")
    for photo in ("train/can/2.png", "train/hat/1.png", "train/hat/2.png", "val/can/8.png"):
        decide(raw, photo, "mug")
    stage("out", PARAMS.replace("min_per_class: 3", "min_per_class: 2"))
    classes = prepared.read_classes(tmp_path / "out/classes.json")
    assert classes.names == ["can", "hat", "mug"]
    assert rows(tmp_path / "out")["val/can/8.png"]["label"] == "2"


def test_a_class_of_a_task_with_bins_comes_with_its_bin():
    bins = [{"id": "wet"}, {"id": "dry"}]
    assert added("Napkin (dry)", [], bins) == {"code": "Napkin (dry)", "en": "Napkin", "zh": "", "bin": "dry"}
    with pytest.raises(UserError, match=r"Name \(wet\)"):
        added("Napkin", [], bins)


def test_an_added_class_may_be_chosen_again_by_its_short_name(tmp_path, raw, monkeypatch):
    """As the page offers it after a rerun: also on a photo that is sorted before those it was added with."""
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables/pots.csv").write_text("code,en,bin\ncan,Can,wet\nhat,Hat,dry\n", encoding="utf-8")
    (tmp_path / "tables/pots_bins.csv").write_text("id,en\nwet,Wet\ndry,Dry\n", encoding="utf-8")
    params = PARAMS.replace("min_per_class: 3", "min_per_class: 2\n    table: pots")
    for photo in ("train/hat/1.png", "train/hat/2.png", "val/can/8.png"):
        decide(raw, photo, "Cork (dry)", photo.split("/")[1].title())
    run_stage(tmp_path, raw, params, monkeypatch, "first", "--corrections toy.csv")
    decide(raw, "train/can/1.png", prepared.read_classes(tmp_path / "first/classes.json").names[2], "Can")
    run_stage(tmp_path, raw, params, monkeypatch, "second", "--corrections toy.csv")
    assert (tmp_path / "first/classes.json").read_bytes() == (tmp_path / "second/classes.json").read_bytes()
    labels = {image: row["label"] for image, row in rows(tmp_path / "second").items()}
    assert labels["train/can/1.png"] == labels["train/hat/1.png"] == "2"


@pytest.mark.parametrize(
    "text", ["sha256,photo,old,new\n", "sha256,photo,old,new,why\nabc,a.png,can,hat,\n", "x\ny\n", "\udc80"]
)
def test_what_is_no_file_of_decisions_is_one_line(tmp_path, text):
    path = tmp_path / "toy.csv"
    row = f"{DIGEST},a.png,can,hat\n" if text.endswith("new\n") else ""
    path.write_bytes((text + row).encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=r"toy\.csv"):
        corrections.read(path)


def test_a_reason_is_no_formula_and_no_second_line(tmp_path):
    path = tmp_path / "toy.csv"
    corrections.append(path, Decision(DIGEST, "a, b.png", "can", "hat", '=HYPERLINK("x")'))
    corrections.append(path, Decision(DIGEST, "a.png", "can", "hat", "two\nlines"))
    one, two = corrections.read(path)
    assert one.photo == "a, b.png" and one.why.startswith("'=") and two.why == r"two\nlines"
    assert len(path.read_text(encoding="utf-8").splitlines()) == 3


def test_the_name_of_a_photo_is_no_formula(tmp_path):
    path, name = tmp_path / "toy.csv", '=HYPERLINK("http:x").png'
    corrections.append(path, Decision(DIGEST, name, "", "hat"))
    (tmp_path / "a.png").write_bytes(b"a photo")
    inbox.put(tmp_path / "inbox", [Waiting(DIGEST, tmp_path / "a.png", name, "")])
    for file in (path, tmp_path / "inbox/inbox.csv"):
        cells = [cell for row in read_csv(file) for cell in row.values()]
        assert f"./{name}" in cells and not any(is_formula(cell) for cell in cells)


def test_a_last_line_without_its_end_does_not_swallow_the_next(tmp_path):
    path = tmp_path / "toy.csv"
    corrections.append(path, Decision(DIGEST, "a.png", "can", "hat"))
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    corrections.append(path, Decision(DIGEST, "b.png", "can", "hat"))
    assert [one.photo for one in corrections.read(path)] == ["a.png", "b.png"]


def many(path: str, name: str) -> None:
    for number in range(100):
        corrections.append(Path(path), Decision(DIGEST, f"{name}{number}.png", "can", "hat"))


def test_several_processes_lose_no_line_of_one_another(tmp_path):
    path = tmp_path / "toy.csv"
    corrections.create(path)
    processes = [multiprocessing.get_context("fork").Process(target=many, args=(str(path), name)) for name in "ab"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    found = [one.photo for one in corrections.read(path)]
    for name in "ab":
        assert [one for one in found if one.startswith(name)] == [f"{name}{number}.png" for number in range(100)]


def test_every_task_that_could_be_listed_has_its_file():
    root = Path(__file__).parents[2]
    sections = task_sections(read_yaml(root / "params.yaml"))
    assert {path.stem for path in (root / "corrections").glob("*.csv")} == {
        name for name, section in sections.items() if "prepare" in section
    }
    for path in (root / "corrections").glob("*.csv"):
        corrections.read(path)


def test_the_score_on_the_labels_as_given_counts_what_was_dropped_as_incorrect():
    scenes, flags = np.arange(5), np.zeros(5, bool)
    given = Part(["a", "b", "c", "d", "e"], np.array([0, 0, 1, 1, 1]), np.array([0, 0, 1, 1, 1]), flags, flags,
                 np.arange(5), scenes, 5, "train")  # fmt: skip
    kept = Part(["a", "b", "d", "e"], np.array([1, 0, 1, 1]), np.array([0, 0, 1, 1]), flags[:4], flags[:4],
                np.array([0, 1, 3, 4]), scenes[[0, 1, 3, 4]], 5, "train")  # fmt: skip
    predicted = np.eye(2)[[1, 0, 1, 0]]  # on the labels now: a, b, d; on the given ones: b, d
    found = on_given_labels(Predictions(kept, Classes(["x", "y"], [], None), predicted), given)
    assert (found["cv_given_accuracy"], found["cv_given_n"]) == (0.4, 5)
    assert found["cv_given_changed"] == {"relabelled": 1, "dropped": 1}
    assert on_given_labels(Predictions(given, Classes(["x", "y"], [], None), np.eye(2)[given.labels]), given) == {}


def test_the_model_card_has_the_scores_on_the_labels_before_any_correction():
    metrics = measured()
    assert "before any correction" not in model_card(LABELS, BACKBONE, metrics)
    for stage, name in (("train", "cv_given"), ("evaluate", "given")):
        scored = {
            f"{name}_accuracy": 0.8,
            f"{name}_accuracy_low": 0.75,
            f"{name}_accuracy_high": 0.85,
            f"{name}_n": 900,
        }
        metrics[stage] |= scored
    card = model_card(LABELS, BACKBONE, metrics)
    for what in ("new scenes", "top-1, held out"):
        assert f"| {what}, labels before any correction | 80.0 | 75.0 to 85.0 | 900 |" in card
