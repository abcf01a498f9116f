"""What studies/finetune says is what its committed results say."""

import json
import re
from pathlib import Path

import pytest
from study import between, report_of

from sortline.config.training import TrainParams
from sortline.evaluation.comparison import holm

STUDY = Path(__file__).parents[2] / "studies" / "finetune"
OWN = ("features", "scored", "inner")
# Every way that is measured, by the name of its cell.
WAYS = {"head", "head_v3", "lora_head_fitted", "partial_1"}


@pytest.fixture(scope="module")
def report():
    with report_of(STUDY) as found:
        yield found


def read(name):
    return json.loads((STUDY / name).read_text(encoding="utf-8"))


def text(name):
    return (STUDY / name).read_text(encoding="utf-8")


def test_every_way_is_there_with_what_was_measured():
    metrics = read("metrics.json")
    assert set(metrics) == WAYS
    for name, row in metrics.items():
        cell = read(f"cells/{name}.json")
        assert {key: row[key] for key in cell} == cell
        for prefix in ("", "val_"):
            assert row[f"{prefix}low"] < row[f"{prefix}accuracy"] < row[f"{prefix}high"]
            assert row[f"{prefix}scenes"] <= row[f"{prefix}n"]
        assert row["trainable"] <= row["parameters"] and row["val_n"] == 130
        assert row["n"] == row["against_head"]["n"]
    others = [row["against_head"] for name, row in metrics.items() if name != "head"]
    for row, p in zip(others, holm([row["p"] for row in others]), strict=True):
        assert row["p_holm"] == pytest.approx(p, abs=1e-4 * len(others))


def test_the_tables_of_the_readme_are_made_of_the_results(report):
    order = {name: read("metrics.json")[name] for name in report["PARAMS"]["names"]}
    made = "\n".join(report["table"](order)) + "\n"
    assert made == text("table.md")
    assert made == between(STUDY / "README.md", "table")
    spent = "\n".join(report["costs"](order, read("timings.json"))) + "\n"
    assert spent == text("costs.md")
    assert spent == between(STUDY / "README.md", "costs")


def test_every_cell_is_a_valid_setting_and_the_sources_of_its_inputs_are_extracted(report):
    params = report["PARAMS"]
    assert set(params["names"]) == WAYS <= set(params["cells"])
    for name, cell in params["cells"].items():
        assert cell["features"] == "line" or cell["features"] in params
        assert name not in WAYS or cell["features"] in ("line", *params["extracts"])
        assert cell["scored"] in ("folds", "holdout")
        settings = {key: value for key, value in cell.items() if key not in OWN}
        if settings:
            TrainParams(**settings)


def test_the_curves_are_as_long_as_the_training_was():
    for name, row in read("metrics.json").items():
        assert len(text(f"curves/{name}.csv").splitlines()) == row["epochs"] + 1


def test_a_low_rank_update_trains_what_its_rank_says():
    metrics = read("metrics.json")
    # down (rank, 1280), up (26, rank), and the bias
    assert metrics["lora_head_fitted"]["trainable"] == 8 * (1280 + 26) + 26
    assert metrics["head"]["trainable"] == 26 * 1280 + 26


def test_the_page_on_finetuning_says_what_was_measured():
    metrics, page = read("metrics.json"), (STUDY.parents[1] / "docs/finetuning.md").read_text(encoding="utf-8")
    part = page.split("<!-- finetune:")[1].split("-->\n", 1)[1].split("<!-- end of finetune -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines()[2:]]
    shown = {
        "the head alone, on MobileNetV2": "head",
        "head_v3": "head_v3",
        "lora_head, rank 8, on the fitted head": "lora_head_fitted",
        "partial, last block": "partial_1",
    }  # fmt: skip
    assert [row[0].replace("**", "") for row in rows] == list(shown)
    for (_, accuracy, interval, n, difference), name in zip(rows, shown.values(), strict=True):
        row = metrics[name]
        how = {key: 100 * row["against_head"][f"difference{key}"] for key in ("", "_low", "_high")}
        assert accuracy == f"{100 * row['accuracy']:.1f}" and n == f"{row['n']:,}"
        assert interval == f"{100 * row['low']:.1f} to {100 * row['high']:.1f}"
        wanted = f"{how['']:+.1f} [{how['_low']:+.1f}, {how['_high']:+.1f}]"
        assert difference == ("" if name == "head" else wanted)


def test_what_is_said_of_the_leaking_folds_is_in_the_file_of_that_run():
    rows, readme = read("leaking.json"), text("README.md")
    keys = {
        "`head_v3`": "head_v3", "`lora_head`, rank 1,": "lora_head_1", "`lora_head`, rank 8,": "lora_head_8",
        "`lora_head`, rank 25,": "lora_head_25", "`lora_backbone`": "lora_backbone",
        "`partial`, last block": "partial_1",
        "`partial`, last 3": "partial_3",
    }  # fmt: skip
    lines = readme.split("| way, on the leaking folds |")[1].split("\n\n")[0].splitlines()[2:]
    assert len(lines) == len(keys)
    columns = ("accuracy", "low", "high", "difference", "difference_low", "difference_high")
    for line, (way, name) in zip(lines, keys.items(), strict=True):
        assert line.startswith(f"| {way}")
        shown = [float(number) for number in re.findall(r"[-+]?\d+\.\d", line.split("|", 2)[2])]
        # The file has four decimals: of a half the last digit shown may go either way.
        assert shown == pytest.approx([100 * rows[name][key] for key in columns], abs=0.051), name
    said = " ".join(readme.split())
    for name in ("head", "full", "full_random_at_once", "scratch", "lenet5_plain", "lenet5_norm"):
        low, high = (100 * rows[name][key] for key in ("low", "high"))
        assert f"{100 * rows[name]['accuracy']:.1f} % [{low:.1f}, {high:.1f}]" in said, name
