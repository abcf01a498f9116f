"""What is measured by scene: intervals, scenes counted once, paired differences, the novelty curve, parts apart."""

import json
import runpy
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from own_photos import refused
from pictures import drawn
from scipy.stats import binomtest, ttest_1samp
from test_export import SIZE, OneConvolution, built

from sortline import cli
from sortline._core import sessions
from sortline._core.errors import UserError
from sortline._core.files import read_csv
from sortline.config.prepare import DuplicateParams, PrepareParams
from sortline.data import prepared
from sortline.data.audit import audit_folder, walk
from sortline.evaluation import metrics, novelty, predictions
from sortline.evaluation.comparison import holm, paired_by_scene
from sortline.evaluation.predictions import Predictions
from sortline.export import onnx_model
from sortline.features import similarity
from sortline.features.answers import Familiar

RNG = np.random.default_rng(0)


def test_photos_that_are_scenes_of_their_own_have_nearly_wilsons_interval():
    correct = RNG.random(2000) < 0.8
    found = metrics.share_by_scene(correct, np.arange(2000))
    wilson = binomtest(int(correct.sum()), 2000).proportion_ci(method="wilson")
    assert (found["accuracy"], found["n"], found["scenes"]) == (correct.mean(), 2000, 2000)
    assert [found["low"], found["high"]] == pytest.approx([wilson.low, wilson.high], abs=0.004)


def test_copies_of_each_photo_widen_the_interval_of_photos_by_the_root_of_their_number():
    once = RNG.random(500) < 0.7
    alone = metrics.share_by_scene(once, np.arange(500))
    copied = metrics.share_by_scene(np.repeat(once, 9), np.repeat(np.arange(500), 9))
    assert copied["accuracy"] == alone["accuracy"] and copied["n"] == 4500 and copied["scenes"] == 500
    # Nine copies say no more than one.
    assert [copied["low"], copied["high"]] == pytest.approx([alone["low"], alone["high"]], abs=0.006)


def test_scenes_are_drawn_in_pieces_to_the_same_interval(monkeypatch):
    correct, scenes = RNG.random(900) < 0.7, RNG.integers(0, 300, 900)
    found = metrics.share_by_scene(correct, scenes), metrics.share_of_scenes(correct, scenes)
    monkeypatch.setattr(metrics, "AT_A_TIME", 10_000)
    assert (metrics.share_by_scene(correct, scenes), metrics.share_of_scenes(correct, scenes)) == found
    tracemalloc.start()
    metrics.share_by_scene(correct, scenes)
    assert tracemalloc.get_traced_memory()[1] < 1e6  # all draws at once are 5 MB, and their photos twice that
    tracemalloc.stop()


def test_a_scene_counted_once_weighs_as_another_however_many_photos_it_has():
    correct, scenes = np.array([1, 1, 1, 1, 0, 1], bool), np.array([7, 7, 7, 7, 3, 5])
    assert metrics.share_of_scenes(correct, scenes)["accuracy"] == pytest.approx(2 / 3)
    assert metrics.share_by_scene(correct, scenes)["accuracy"] == pytest.approx(5 / 6)
    half = metrics.share_of_scenes(np.array([1, 0], bool), np.array([2, 2]))
    assert half["accuracy"] == 0.5 and half["n"] == 1


def test_where_all_scenes_are_correct_the_interval_is_not_nothing():
    found = metrics.share_by_scene(np.ones(60, bool), np.repeat(np.arange(20), 3))
    assert (found["low"], found["high"]) == metrics.wilson(20, 20) and found["low"] < 0.9


def test_a_paired_difference_of_single_photos_is_students():
    a, b = RNG.random(300), RNG.random(300) + 0.03
    found = paired_by_scene(a, b, np.arange(300))
    student = ttest_1samp(b - a, 0)
    interval = student.confidence_interval(0.95)
    assert found["difference"] == pytest.approx((b - a).mean())
    assert found["p"] == pytest.approx(student.pvalue, rel=0.1)
    assert [found["difference_low"], found["difference_high"]] == pytest.approx([*interval], abs=2e-3)


def test_a_paired_difference_does_not_gain_from_copies():
    a, b, scenes = RNG.random(80), RNG.random(80) + 0.1, np.arange(80)
    alone = paired_by_scene(a, b, scenes)
    assert paired_by_scene(*(np.repeat(one, 5) for one in (a, b, scenes))) == pytest.approx(alone)
    assert paired_by_scene(a, a, scenes)["p"] == 1


def test_holms_correction_on_his_own_example():
    # Holm 1979: 0.01, 0.04, 0.03, 0.005 become 0.03, 0.06, 0.06, 0.02.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1, 1] and holm([]) == []


def test_the_similarity_is_the_cosine_to_the_nearest():
    features = RNG.normal(size=(40, 6)).astype(np.float32)
    found = similarity.fit(features)
    new = RNG.normal(size=(5, 6)).astype(np.float32)
    # All six components are kept, so the cosine is that of the centred features.
    a, b = new - features.mean(0), features - features.mean(0)
    cosine = (a @ b.T) / np.linalg.norm(a, axis=1)[:, None] / np.linalg.norm(b, axis=1)
    assert found.similarity(new) == pytest.approx(cosine.max(1), abs=1e-5)
    assert found.similarity(features) == pytest.approx(np.ones(40), abs=1e-5)


def test_out_of_fold_a_photo_is_compared_with_other_folds_alone():
    features = RNG.normal(size=(20, 5)).astype(np.float32)
    features[10:] = features[:10]  # a copy of each
    found = similarity.fit(features)
    parted, together = found.out_of_fold(np.repeat([0, 1], 10)), found.out_of_fold(np.tile(np.arange(10) % 2, 2))
    assert parted == pytest.approx(np.ones(20), abs=1e-5) and together.max() < 0.999


def test_a_reference_is_read_as_it_was_written(tmp_path):
    found = similarity.fit(RNG.normal(size=(30, 4)).astype(np.float32))
    found.write(tmp_path / "reference.safetensors")
    read = similarity.read(tmp_path / "reference.safetensors")
    assert all(np.array_equal(getattr(found, name), getattr(read, name)) for name in ("center", "axes", "rows"))
    with pytest.raises(UserError, match="reference.safetensors: .*missing or damaged"):
        similarity.read(tmp_path / "none" / "reference.safetensors")


def test_one_in_forty_is_unfamiliar():
    values = np.linspace(0, 1, 4001)
    below = similarity.unfamiliar_below(values)
    assert (values < below).mean() == pytest.approx(1 / 40, abs=0.001)


def test_the_exported_graph_gives_the_similarity():
    _, _, net = built(OneConvolution)
    reference = similarity.fit(RNG.normal(size=(50, 8)).astype(np.float32))
    graph = onnx_model.network_graph(net, SIZE)
    pooled = next(node.output[0] for node in graph.graph.node if node.op_type == "ReduceMean")
    onnx_model.add_similarity(graph, reference)
    graph.graph.output.append(onnx.helper.make_tensor_value_info(pooled, onnx.TensorProto.FLOAT, None))
    x = RNG.normal(size=(1, 3, SIZE, SIZE)).astype(np.float32)
    near, features = sessions.session(graph).run(["similarity", pooled], {"x": x})
    assert near == pytest.approx(reference.similarity(features.reshape(1, 8)), abs=0.01)
    assert abs(near[0]) < 0.999  # or anything near would pass


def test_a_train_photo_is_like_itself_and_no_more():
    """In 8 bits a row may be longer than 1."""
    _, _, net = built(OneConvolution)
    photos = RNG.normal(size=(30, 1, 3, SIZE, SIZE)).astype(np.float32)
    graph = onnx_model.network_graph(net, SIZE)
    pooled = next(node.output[0] for node in graph.graph.node if node.op_type == "ReduceMean")
    graph.graph.output.append(onnx.helper.make_tensor_value_info(pooled, onnx.TensorProto.FLOAT, None))
    features = np.concatenate([sessions.session(graph).run([pooled], {"x": x})[0].reshape(1, 8) for x in photos])
    onnx_model.add_similarity(graph, similarity.fit(features))
    session = sessions.session(graph)
    near = np.concatenate([session.run(["similarity"], {"x": x})[0] for x in photos])
    assert near == pytest.approx(np.ones(30), abs=0.01)
    assert near.max() == 1 and (near == 1).sum() > 1  # some would be above


def test_the_novelty_curve_counts_each_photo_once():
    near = np.array([-0.4, 0.2, 0.55, 0.65, 0.651, 0.99, 1.0, 1.0001], np.float32)  # rounding may exceed 1
    probabilities = np.tile([0.9, 0.1], (8, 1))
    labels = np.array([1, 1, 1, 0, 1, 0, 0, 0])
    rows = novelty.curve(Familiar(labels, probabilities, near), 0.95)
    assert [(row["upto"], row["n"], row["accuracy"]) for row in rows] == [
        (0.5, 2, 0),
        (0.6, 1, 0),
        (0.7, 2, 0.5),
        (1, 3, 1),
    ]
    assert all(row["answered"] == 0 and row["confidence"] == pytest.approx(0.9) for row in rows)
    header, table = novelty.table({"new scenes": rows})
    assert all(len(row) == len(header) for row in table) and sum(row[header.index("n")] for row in table) == 8


@pytest.fixture
def photos(tmp_path):
    """train/ and val/ of two classes, a test/, a field/ with two sources; photo 0 of the kitchen is one of train's."""
    root = tmp_path / "raw"
    places = {"train/cup": range(6), "train/can": range(10, 16), "val/cup": [20], "val/can": [21], "test/can": [22, 23]}
    places |= {"field/kitchen/cup": [0, 24], "field/yard/can": [25], "field/yard/cup": [26]}
    for place, seeds in places.items():
        (root / place).mkdir(parents=True)
        for seed in seeds:
            drawn(seed).save(root / place / f"{seed}.png")
    return root


def test_field_and_test_are_parts_of_their_own(photos):
    tree = walk(photos)
    assert tree.classes == {"train": ["can", "cup"], "val": ["can", "cup"], "test": ["can"], "field": ["can", "cup"]}
    assert tree.ignored == []
    splits = {entry.path: (entry.split, entry.folder) for entry in tree.entries}
    assert splits["field/kitchen/cup/24.png"] == ("field", "cup") and splits["test/can/22.png"] == ("test", "can")


def test_a_field_without_sources_and_without_val(photos):
    for name in ("val", "test"):
        for path in sorted((photos / name).rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        (photos / name).rmdir()
    (photos / "field/kitchen/cup").rename(photos / "field/cup")
    (photos / "field/kitchen").rmdir()
    for path in sorted((photos / "field/yard").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (photos / "field/yard").rmdir()
    assert walk(photos).classes == {"": ["can", "cup"], "field": ["cup"]}


@pytest.mark.parametrize("place", ["field/kitchen/spoon", "test/spoon"])
def test_a_class_that_train_does_not_have_is_refused(photos, place):
    (photos / place).mkdir(parents=True)
    drawn(30).save(photos / place / "30.png")
    with pytest.raises(UserError, match="'spoon' is no class of train"):
        audit_folder(photos).class_folders()


def prepare(photos, monkeypatch):
    folder = photos.parent
    monkeypatch.chdir(folder)
    Path("params.yaml").write_text("toy:\n  prepare: {min_per_class: 3, split: {folds: 3}}\n", encoding="utf-8")
    Path("raw.json").write_text(json.dumps({"name": "toy", "note": ""}), encoding="utf-8")
    words = "toy --raw raw --source raw.json --tables tables --out out --metrics out/data.json --plots out/plots"
    runpy.run_path(str(Path(__file__).parents[2] / "stages/prepare.py"))["main"](words.split())


def test_nothing_of_them_is_trained_on_and_their_copies_in_train_are_told(photos, monkeypatch):
    prepare(photos, monkeypatch)
    split = Path("out/split.csv")
    rows = {row["image"]: row for row in read_csv(split)}
    assert (
        rows["field/kitchen/cup/0.png"]["split"] == "field" and rows["field/kitchen/cup/0.png"]["in_train_exact"] == "1"
    )
    assert rows["train/cup/0.png"]["split"] == "dropped"  # as it is in a held-out part
    data = json.loads(Path("out/data.json").read_text(encoding="utf-8"))
    assert [data[key] for key in ("train", "val", "test", "field", "dropped")] == [11, 2, 2, 4, 1]
    assert (data["exact_cross"], data["near_cross"]) == (1, 0)  # of the field
    assert prepared.read_splits(split) == ["dropped", "field", "test", "train", "val"]
    assert (prepared.read_folds(split) >= 0).sum() == 11 == (prepared.read_folds(split, "photo_fold") >= 0).sum()


def test_val_is_what_is_scored_where_nothing_was_chosen_on_it(photos, monkeypatch):
    prepare(photos, monkeypatch)
    assert prepared.read_part(Path("out/split.csv")).split == "val"  # the test/ beside it stands apart


def test_a_disk_without_room_is_one_line(photos, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=100_000))
    assert "0.0 GB free" in refused("audit", photos)
    assert audit_folder(photos, PrepareParams(duplicates=DuplicateParams(search="exact"))).photos


def test_a_field_is_scored_by_source(photos, monkeypatch):
    prepare(photos, monkeypatch)
    field = prepared.read_part(Path("out/split.csv"), "field")
    classes = prepared.read_classes(Path("out/classes.json"))
    # Everything is taken for a can (label 0).
    found = predictions.apart(Predictions(field, classes, np.tile([0.9, 0.1], (4, 1))), 0.5)
    assert (found["accuracy"], found["n"], found["classes"]) == (0.25, 4, 2)
    assert {name: (score["accuracy"], score["n"]) for name, score in found["per_source"].items()} == {
        "kitchen": (0, 2), "yard": (0.5, 2),
    }  # fmt: skip
    assert found["n_deduplicated"] == 3 and found["answered_n"] == 4


def test_audit_draws_the_scenes(photos):
    sheet = photos.parent / "scenes.png"
    assert cli.main(["audit", str(photos), "--sheet", str(sheet)]) == 0
    assert sheet.read_bytes().startswith(b"\x89PNG")
    assert "takes the name of a PNG file" in refused("audit", photos, "--sheet", "scenes.jpg")
