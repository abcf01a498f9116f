"""What the README claims is what the committed metrics say, and its commands exist."""

import json
import re
from pathlib import Path

import pytest
from scipy.stats import binomtest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text(encoding="utf-8")

# The README's rows, in order: metrics file, key of the accuracy, key of n.
ROWS = [
    ("train", "cv_accuracy", "cv_n"),
    ("evaluate", "accuracy", "n"),
    ("evaluate", "accuracy_deduplicated", "n_deduplicated"),
    ("evaluate", "bin_accuracy", "n"),
    ("export", "onnx_accuracy", "onnx_n"),
    ("export", "int8_accuracy", "int8_n"),
]


def metrics(stage: str, task: str = "garbage") -> dict:
    return json.loads((ROOT / f"metrics/{task}/{stage}.json").read_text(encoding="utf-8"))


def percent(value: float) -> str:
    return f"{100 * value:.1f}"


def interval(of: dict, key: str, n: str) -> list[str]:
    """Return Wilson's interval by SciPy, and check the one in the file."""
    found = binomtest(round(of[key] * of[n]), of[n]).proportion_ci(method="wilson")
    prefix = "" if "low" in of else f"{key}_"
    assert [of[f"{prefix}low"], of[f"{prefix}high"]] == pytest.approx([found.low, found.high], abs=6e-5)
    return [percent(found.low), percent(found.high)]


def row(of: dict, key: str, n: str) -> tuple[str, ...]:
    return percent(of[key]), " to ".join(interval(of, key, n)), f"{of[n]:,}"


def rows_of(name: str) -> list[tuple[str, ...]]:
    block = README.split(f"<!-- {name}:")[1].split(f"<!-- end of {name} -->")[0]
    rows = [line.split("|")[2:5] for line in block.splitlines() if line.startswith("|")][2:]
    return [tuple(cell.strip() for cell in row) for row in rows]


def test_results_table() -> None:
    assert rows_of("results") == [row(metrics(stage), key, n) for stage, key, n in ROWS]


def test_table_of_mnist() -> None:
    photos = metrics("export", "mnist")["digit_photos"]
    assert rows_of("mnist") == [
        row(metrics("evaluate", "mnist"), "accuracy", "n"),
        row(metrics("train", "mnist"), "val_accuracy", "val_n"),
        row(photos["dark on light"], "accuracy", "n"),
        row(photos["on paper"], "accuracy", "n"),
    ]


def test_figures_in_the_text() -> None:
    data, train, evaluate = metrics("data"), metrics("train"), metrics("evaluate")
    assert f"Of the {data['val']} val photos {data['exact_cross']} are byte for byte in train" in README
    assert f"{data['near_cross']} more nearly" in README
    assert f"ECE {evaluate['ece']:.3f} on val" in README
    export = metrics("export")
    assert f"{export['int8_bytes'] / 1e6:.1f} MB instead of {export['onnx_mb']:.1f}" in README
    agreement = 100 * export["int8_agreement"]
    assert f"on {agreement:.2f} % of the {export['int8_agreement_n']:,} photos" in " ".join(README.split())
    # What the app promises of the model.
    assert export["int8_bytes"] <= 3e6 and export["int8_agreement"] >= 0.97
    for key in train["selected_on_folds"]:
        assert f"`{key}`" in README
    assert f"{percent(train['cv_accuracy'])} %" in CHINESE and f"{percent(evaluate['accuracy'])} %" in CHINESE
    assert f"{percent(evaluate['accuracy_deduplicated'])} %" in CHINESE
    assert " 到 ".join(interval(evaluate, "accuracy", "n")) in CHINESE


@pytest.mark.parametrize("text", [README, CHINESE], ids=["en", "zh"])
def test_links_and_pictures_exist(text: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("https://") or (ROOT / target).exists(), target


def test_make_targets_exist() -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    used = set(re.findall(r"\bmake ([a-z]+)\b(?!\.)", README))
    assert used - {"here"} <= targets | {"installs"}


def test_the_stages_it_names_are_those_of_the_line() -> None:
    line = (ROOT / "dvc.yaml").read_text(encoding="utf-8")
    stages = set(re.findall(r"^  (\w+):$", line, re.M))
    table = README.split("| stage | does | writes |")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", "\n".join(row.split("|")[1] for row in table.splitlines()[2:]))) == stages


def test_speed_table() -> None:
    found = json.loads((ROOT / "bench/results.json").read_text(encoding="utf-8"))
    block = README.split("<!-- speed:")[1].split("<!-- end of speed -->")[0]
    rows = [line.split("|")[2:4] for line in block.splitlines() if line.startswith("|")][2:]
    shown = [[float(number) for number in re.findall(r"\b\d+(?:\.\d+)?\b(?!\s*bits)", " ".join(row))] for row in rows]
    extraction, head, lenet = found["extraction"], found["head"]["seconds"], found["lenet"]
    model, tuning = found["int8"]["224x224, 1 thread"], found["finetune"]
    assert shown == [
        [extraction[f"{name}_photos_per_s"] for name in
         ("sortline", "pytorch_channels_last", "mindspore_capped", "mindspore_as_installed")],
        [found["resnet"]["onnxruntime_images_per_s"], found["resnet"]["mindspore_images_per_s"]],
        [head["sortline"], head["pytorch"], head["numpy"]],
        [lenet["ours_32"], lenet["step_a_call_32"], lenet["torch_32"]],
        [lenet["ours_256"], lenet["step_a_call_256"], lenet["torch_256"]],
        [tuning["full"], tuning["torch_full"]],
        [tuning["partial_cached"], tuning["partial_uncached"], tuning["torch_partial_cached"]],
        [model["fp32_ms"], model["int8_ms"]],
    ]  # fmt: skip
