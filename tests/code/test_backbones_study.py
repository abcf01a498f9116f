"""What studies/backbones says is what its committed results say."""

import json
from pathlib import Path

import numpy as np
import pytest
from study import between, report_of

from sortline._core.errors import UserError
from sortline.config.training import TrainParams
from sortline.evaluation.comparison import holm

STUDY = Path(__file__).parents[2] / "studies" / "backbones"


@pytest.fixture(scope="module")
def report():
    with report_of(STUDY) as found:
        yield found


@pytest.fixture(scope="module")
def metrics():
    return json.loads((STUDY / "metrics.json").read_text(encoding="utf-8"))


def test_every_way_is_measured_and_p_is_corrected_for_all_of_them(report, metrics):
    params, rows = report["PARAMS"], metrics["ways"]
    assert {row["way"] for row in rows.values()} == {*params["names"], *params["whole"], *params["means"]}
    assert {*params["names"], *params["whole"]} <= set(params["ways"])
    others = [row for name, row in rows.items() if name != params["base"]]
    assert metrics["tried"] == len(others) == len(rows) - 1
    for row, p in zip(others, holm([row["p"] for row in others]), strict=True):
        assert row["p_holm"] == pytest.approx(p, abs=1e-4 * len(others))
    base = rows[params["base"]]["accuracy"]
    for row in others:
        assert row["difference"] == pytest.approx(row["accuracy"] - base, abs=2e-4)
        assert row["low"] < row["accuracy"] < row["high"] and row["n"] == 2125


def test_the_base_is_the_head_of_the_line(report, metrics):
    line = json.loads((STUDY.parents[1] / "metrics/garbage/train.json").read_text(encoding="utf-8"))
    row = metrics["ways"][report["PARAMS"]["base"]]
    assert row["accuracy"] == line["cv_accuracy"] and row["scenes"] == line["cv_accuracy_scenes"]


def test_the_table_of_the_readme_is_made_of_the_results(report, metrics):
    made = "\n".join(report["table"](in_order(report, metrics))) + "\n"
    assert made == (STUDY / "table.md").read_text(encoding="utf-8") == between(STUDY / "README.md", "table")


def in_order(report, metrics):
    params = report["PARAMS"]
    order = [*params["names"], *params["whole"], *params["means"]]
    rows = metrics["ways"].items()
    return dict(sorted(rows, key=lambda one: (order.index(one[1]["way"]), one[1]["share"])))


def test_a_way_is_put_together_of_its_folds_and_not_of_fewer(report, tmp_path):
    said, folds = np.random.default_rng(0).random((6, 3)).astype(np.float32), np.arange(6) % 3
    name = report["PARAMS"]["whole"][0]
    (tmp_path / name).mkdir()
    for fold in range(3):
        with pytest.raises(UserError, match=name):
            report["read_way"](tmp_path, name)
        np.savez(tmp_path / name / f"{fold}.npz", **{"0.5": np.where(folds[:, None] == fold, said, np.nan)})
    assert np.array_equal(report["read_way"](tmp_path, name)["0.5"], said)


def test_every_way_that_trains_is_a_valid_setting_of_the_line(report):
    params = report["PARAMS"]
    for way in params["ways"].values():
        assert set(way.get("heads", [])) | set(way.get("teacher", [])) <= set(params["backbones"])
        if "train" in way:
            nets = TrainParams(**params["train"] | way["train"]).net.split("+")
            assert set(nets) <= set(params["backbones"])


def test_the_page_on_finetuning_says_what_was_measured(report, metrics):
    page = STUDY.parents[1] / "docs/finetuning.md"
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in between(page, "backbones").splitlines()[2:]
    ]
    assert len(rows) >= 3
    for name, share, accuracy, low_to_high, difference, p_holm in rows:
        way = name.strip("`")
        row = metrics["ways"][way if way == report["PARAMS"]["base"] else f"{way}, share {share}"]
        assert accuracy == f"{100 * row['accuracy']:.1f}"
        assert low_to_high == f"{100 * row['low']:.1f} to {100 * row['high']:.1f}"
        how = {key: 100 * row.get(f"difference{key}", 0) for key in ("", "_low", "_high")}
        wanted = f"{how['']:+.1f} [{how['_low']:+.1f}, {how['_high']:+.1f}]"
        assert difference == ("" if "p" not in row else wanted)
        assert p_holm == ("" if "p" not in row else report["comparison"].show_p(row["p_holm"]))


def test_the_readme_says_what_was_measured(metrics, report):
    readme = " ".join((STUDY.parents[1] / "README.md").read_text(encoding="utf-8").split())
    for way in ("tuned_lite1", "tuned_joined"):
        row = metrics["ways"][f"{way}, share 0.5"]
        low, high = (100 * row[key] for key in ("low", "high"))
        assert f"{100 * row['accuracy']:.1f} % [{low:.1f}, {high:.1f}], which" in readme
    p = report["comparison"].show_p(row["p_holm"])
    assert f"(p = {p} after Holm for {metrics['tried']} tries)" in readme


def test_what_the_study_settles_is_what_was_measured(metrics, report):
    settled = " ".join(between(STUDY / "README.md", "settled").split())
    row, tried = metrics["ways"]["tuned_joined, share 0.5"], metrics["tried"]
    low, high = (100 * row[key] for key in ("low", "high"))
    assert f"get {100 * row['accuracy']:.1f} % [{low:.1f}, {high:.1f}] of new scenes right" in settled
    show = report["comparison"].show_p
    assert f"p = {show(row['p'])}, {show(row['p_holm'])} after Holm's correction for all {tried} rows" in settled
    best = max(one["accuracy"] for one in metrics["ways"].values())
    assert f"{tried} rows, the highest {100 * best:.1f} %" in settled and best < 0.92
