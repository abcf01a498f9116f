"""The stage export: what it writes is what was measured, and a model that fails its check replaces nothing."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from PIL import Image
from test_export import LABELS, PREPROCESSING, SIZE, OneConvolution, built, photo

from sortline import __version__
from sortline._core import files, sessions
from sortline.backbones.loading import Backbone
from sortline.backbones.preprocessing import IMAGENET
from sortline.export.classifier import Classifier
from sortline.features import similarity
from sortline.features.heads import save_heads

STAGE = Path(__file__).parents[2] / "stages" / "export.py"
CREDIT = {"title": "one convolution", "licence": "CC0-1.0", "address": None, "citation": "nobody 2026"}
ABOUT = {"title": "one convolution", "width": 1.0, "mean": list(IMAGENET.mean), "std": list(IMAGENET.std)}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with what the stage export reads, seven val photos among it; a stand-in for the backbone's weights."""
    root = tmp_path / "垃圾 分类"
    header = ["image", "label", "split", "fold", "photo_fold", "scene", "in_train_exact", "in_train_near"]
    table = [
        ["train/a.png", 0, "train", 0, 0, 9, 0, 0],
        *([f"val/{i} 果皮.png", i % 3, "val", "", "", i, 0, 0] for i in range(7)),
    ]
    files.write_csv(root / "prepared" / "split.csv", header, table)
    files.write_json(root / "prepared" / "classes.json", LABELS | {"table": None})
    for i, row in enumerate(table):
        path = root / "raw" / row[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(*[(64, 64), (90, 70), (31, 45)][i % 3], seed=i)).save(path)
    files.write_json(root / "features" / "features.json", {"image_size": SIZE})
    backbone, head, _ = built(OneConvolution)
    loaded = Backbone(backbone, PREPROCESSING, ABOUT, SIZE, (CREDIT,))
    monkeypatch.setattr("sortline.backbones.loading.load", lambda folder, size: loaded)
    (root / "head").mkdir()
    save_heads(root / "head", {"best": head, "last": head}, {"checkpoint": "last"})
    similarity.fit(np.random.default_rng(0).random((20, 8), np.float32)).write(root / "head" / "reference.safetensors")
    for name, content in metrics_before().items():
        files.write_json(root / "metrics" / f"{name}.json", content)
    files.write_json(root / "params.yaml", {"toy": {"export": {"check_photos": 2}}})
    monkeypatch.chdir(root)


def metrics_before():
    def share(name):
        return {name: 0.5, f"{name}_low": 0.25, f"{name}_high": 0.75}

    note, dataset = "drawn: proves nothing", "0123456789abcdef"
    data = {"source": "drawn", "dataset": dataset, "train": 1, "val": 7, "exact_cross": 0, "near_cross": 0,
            "duplicate_search": "exact", "scenes": 8, "scenes_train": 1, "largest_scene": 1, "dropped": 0,
            "exact_groups_train": 0, "near_groups_train": 0}  # fmt: skip
    train = {
        "solver": "momentum",
        "head": "linear, on the mean",
        "views": 2,
        "folds": 2,
        "cv_n": 4,
        "cv_accuracy_scenes": 4,
        "cv_scene_n": 4,
        "selected_on_folds": [],
        "threshold": 0.6,
        **share("cv_accuracy"),
        **share("cv_scene_accuracy"),
    }
    evaluate = {"dataset": dataset, "n": 7, "n_deduplicated": 7, "macro_f1": 0.4, "log_loss": 1.2, "ece": 0.1,
                "macro_recall": 0.4, "majority_class": "Can", "majority_share": 0.5, "never_predicted": [],
                "confused_pairs": [], "note": note, **share("accuracy"), **share("top5"),
                **share("accuracy_deduplicated")}  # fmt: skip
    diagnose = {"mean_corruption_accuracy": 0.4, "corruption_accuracy": {"blur 1": {"accuracy": 0.4, "n": 7}}}
    return {"data": data, "train": train, "evaluate": evaluate, "diagnose": diagnose}


def run_stage(monkeypatch):
    words = "export toy --prepared prepared --raw raw --weights weights --features features --head head"
    monkeypatch.setattr(sys, "argv", f"{words} --out out/export --metrics metrics/export.json".split())
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(STAGE), run_name="__main__")
    return ended.value.code


def test_the_stage(project, monkeypatch, capsys):
    assert run_stage(monkeypatch) == 0, capsys.readouterr().err
    out = Path("out/export")
    assert sorted(path.name for path in out.iterdir()) == [
        "MODEL_CARD.md", "SHA256SUMS", "labels.json", "model.mindir", "model.onnx", "model_int8.onnx"]  # fmt: skip
    listed = [line.split("  ") for line in (out / "SHA256SUMS").read_text().splitlines()]
    assert listed == [[files.sha256_file(path), path.name] for path in sorted(out.iterdir()) if path.suffix]
    added = {"note": "drawn: proves nothing", "threshold": 0.6, "cam": True, "image_size": SIZE}
    assert files.read_json(out / "labels.json") == LABELS | added

    session = onnxruntime.InferenceSession((out / "model.onnx").read_bytes(), providers=["CPUExecutionProvider"])
    metadata = session.get_modelmeta().custom_metadata_map
    assert metadata["sortline_version"] == __version__ and metadata["dataset"] == "0123456789abcdef"
    assert json.loads(metadata["backbone"]) == ABOUT
    right = 0
    for i in range(7):
        pixels = np.asarray(Image.open(f"raw/val/{i} 果皮.png"))
        right += int(session.run(["probabilities"], {"image": pixels})[0].argmax() == i % 3)

    metrics = files.read_json(Path("metrics/export.json"))
    assert metrics["onnx_accuracy"] == pytest.approx(right / 7, abs=5e-5) and metrics["onnx_n"] == 7
    assert metrics["onnx_accuracy_low"] <= metrics["onnx_accuracy"] <= metrics["onnx_accuracy_high"]
    assert metrics["max_abs_diff_onnx"] < 1e-3 and metrics["max_abs_diff_mindir"] < 1e-4
    assert metrics["checked_photos"] == 2 and metrics["image_size"] == SIZE
    assert metrics["resized_n"] == sum(kind["n"] for kind in metrics["resized_kinds"].values()) > 7
    assert metrics["resized_agreement_low"] <= metrics["resized_agreement"] <= metrics["resized_agreement_high"]
    assert metrics["onnx_mb"] == pytest.approx((out / "model.onnx").stat().st_size / 1e6, abs=1e-4)
    small = sessions.session(out / "model_int8.onnx")
    assert small.get_modelmeta().custom_metadata_map == metadata
    answers = [
        [int(one.run(["logits"], {"image": np.asarray(Image.open(path))})[0].argmax()) for one in (session, small)]
        for path in sorted(Path("raw").rglob("*.png"))
    ]
    assert metrics["int8_agreement"] == pytest.approx(np.mean([a == b for a, b in answers]), abs=5e-5)
    hits = [answer == i % 3 for i, (_, answer) in enumerate(answers[1:])]
    assert metrics["int8_accuracy"] == pytest.approx(np.mean(hits), abs=5e-5) and metrics["int8_n"] == 7
    assert metrics["int8_agreement_n"] == 8 and metrics["int8_calibration_photos"] == 1
    assert metrics["int8_bytes"] == (out / "model_int8.onnx").stat().st_size
    assert metrics["pretrained"] == [CREDIT]
    assert metrics["note"] == "drawn: proves nothing" and metrics["dataset"] == "0123456789abcdef"
    card = (out / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "drawn: proves nothing" in card
    assert "- Weights: one convolution; licence: CC0-1.0. Cite nobody 2026.\n" in card
    assert f"{right / 7:.1%} on val" in capsys.readouterr().out

    guess = Classifier(out)(Image.open("raw/val/1 果皮.png"), top=3)
    assert len(guess.top) == 3 and guess.bin["zh"] == "干垃圾"


def test_a_stage_that_fails_its_check_leaves_the_old_export(project, monkeypatch, capsys):
    files.write_json(Path("params.yaml"), {"toy": {"export": {"check_photos": 2, "max_difference": 1e-12}}})
    files.write_text(Path("out/export/model.onnx"), "old")
    assert run_stage(monkeypatch) == 2
    line = capsys.readouterr().err
    assert line.startswith("error: export: onnx logits differ") and line.count("\n") == 1
    assert [path.name for path in Path("out").iterdir()] == ["export"]
    assert Path("out/export/model.onnx").read_text() == "old" and not Path("metrics/export.json").exists()
