"""report: the table, the comparison with `head` on the same photos, and the figures.

Usage: report.py --cells FOLDER --curves FOLDER --answers FOLDER --out FILE --table FILE --figures FOLDER
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from common import HERE, INTERVAL, PARAMS
from matplotlib.ticker import MaxNLocator, PercentFormatter

from sortline._core import files
from sortline._core.errors import run
from sortline.evaluation import comparison, metrics
from sortline.report.figures.style import BLUE, GREY, SERIES, VERMILION, figure_at

BASE = "head"
# What each failing recipe stands beside: the way that cures it.
PAIRS = (
    ("lora_head_report", "lora_head_25", "LoRA: on a frozen random layer, rank 8;\nfrom zero, rank 25"),
    ("full_report", "full", "All of it: random head, 0.03 at once;\nfitted head, small rates, fixed batch norm"),
    ("lenet5_plain", "lenet5_norm", "LeNet-5: plain;\nwith batch norm and dropout"),
    ("scratch", "partial_1", "MobileNetV2: from scratch at 96 pixels;\npretrained, last block"),
)


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for option in ("--cells", "--curves", "--answers", "--out", "--table", "--figures"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args(argv)
    names = PARAMS["names"]
    cells = {name: files.read_json(args.cells / f"{name}.json") for name in names}
    answers = {name: read_answers(args.answers / f"{name}.csv") for name in names}
    for name, cell in cells.items():
        cell["against_head"] = against(answers[BASE], answers[name], "train")
        cell["val_against_head"] = against(answers[BASE], answers[name], "val")
        if cell["image_size"] == 160:
            cell["against_head_160"] = against(answers["head_160"], answers[name], "train")
    timings = json.loads((HERE / "timings.json").read_text(encoding="utf-8"))
    files.write_metrics(args.out, cells)
    # As they stand there, rounded: table and figures can be made again from the file.
    written = files.read_json(args.out)
    cells = {name: written[name] for name in names}
    files.write_text(args.table, "\n".join(table(cells)) + "\n")
    files.write_text(HERE / "costs.md", "\n".join(costs(cells, timings)) + "\n")
    draw_use(timings, HERE / "cpu.png")
    curves = {name: files.read_csv(args.curves / f"{name}.csv") for name in names}
    with files.replacing(args.figures) as figures:
        figures.mkdir()
        draw_losses(curves, figures / "losses.png")
        draw_pairs(curves, cells, figures / "recipes.png")
        draw_ranks(cells, figures / "ranks.png")
        draw_differences(cells, figures / "differences.png")


def read_answers(path: Path) -> dict[str, dict[str, bool]]:
    """Return by part ("train", "val") whether each photo was answered rightly."""
    found: dict[str, dict[str, bool]] = {"train": {}, "val": {}}
    for row in files.read_csv(path):
        found[row["part"]][row["image"]] = row["truth"] == row["predicted"]
    return found


def against(base: dict[str, dict[str, bool]], other: dict[str, dict[str, bool]], part: str) -> dict[str, Any]:
    """Compare on the photos of `part` that both answered: difference, its paired 95 % interval, McNemar's p, n."""
    images = [image for image in base[part] if image in other[part]]
    right = [np.array([answers[part][image] for image in images]) for answers in (base, other)]
    result = comparison.compare(*right)
    kept = ("difference", "difference_low", "difference_high", "p", "n")
    return {key: result[key] for key in kept} | {"head_accuracy": result["a"]["accuracy"]}


def percent(row: dict[str, Any], key: str = "accuracy") -> str:
    prefix = key.removesuffix("accuracy")
    value, low, high = metrics.percentages(row, key, row[f"{prefix}n"])
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def table(cells: dict[str, dict[str, Any]]) -> list[str]:
    lines = [
        "| way | scored on | accuracy, % [95 %] | against `head`, points [95 %] | p | val, % [95 %], n = 130 | pixels "
        "| trains | of parameters | ONNX, MB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, cell in cells.items():
        how = cell["against_head"]
        where = "out of fold" if cell["scored"] == "out of fold" else "held out"
        difference = f"{100 * how['difference']:+.1f}"
        difference += f" [{100 * how['difference_low']:+.1f}, {100 * how['difference_high']:+.1f}]"
        compared = ("", "") if name == BASE else (difference, comparison.show_p(how["p"]))
        row = [
            f"`{name}`", f"{where}, n = {cell['n']:,}", percent(cell), *compared, percent(cell, "val_accuracy"),
            cell["image_size"], f"{cell['trainable']:,}", f"{cell['parameters']:,}", f"{cell['onnx_mb']:.1f}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(map(str, row))} |")
    return lines


def costs(cells: dict[str, dict[str, Any]], timings: dict[str, Any]) -> list[str]:
    """Return a table of what the cells cost. It is no output of the stage: seconds differ from run to run."""
    lines = ["| way | extracting, s | trainings | epochs | s an epoch | all, s | peak memory, MB | mean CPU use, % |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, cell in cells.items():
        spent = timings[f"cell@{name}"]
        features = PARAMS["cells"][name]["features"]
        extracted = "the line's" if features == "line" else f"{timings[f'extract@{features}']['seconds']:.0f}"
        # The line's heads, all folds' and the final one, train side by side.
        trainings = spent["runs"] if "net" in PARAMS["cells"][name] else "6 at once"
        epoch = spent["seconds_per_epoch"]
        use = np.mean(spent["cpu_percent"]) if spent["cpu_percent"] else float("nan")
        row = [
            f"`{name}`", extracted, trainings, cell["epochs"], f"{epoch:.2f}" if epoch < 10 else f"{epoch:.0f}",
            f"{spent['seconds']:.0f}", f"{spent['peak_mb']:,}", f"{use:.0f}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(map(str, row))} |")
    return lines


def column(rows: list[dict[str, str]], key: str) -> list[float]:
    return [float(row[key]) for row in rows]


def draw_losses(curves: dict[str, list[dict[str, str]]], path: Path) -> None:
    """Draw the training loss of all ways, against the share of their epochs."""
    shown = [name for name in curves if not name.startswith("lora_head_") or name.endswith(("_8", "fitted", "report"))]
    with figure_at(path, 8.4, 4.6) as figure:
        axes = figure.subplots()
        for place, name in enumerate(shown):
            loss = column(curves[name], "train_loss")
            style = ("-", "--", ":")[place // len(SERIES)]
            share = (np.arange(len(loss)) + 1) / len(loss)
            axes.plot(share, loss, style, color=SERIES[place % len(SERIES)], label=name)
        axes.set_yscale("log")
        axes.set_yticks([0.1, 0.2, 0.5, 0.65, 1, 2, 3], ["0.1", "0.2", "0.5", "0.65", "1", "2", "3"])
        axes.minorticks_off()
        axes.grid()
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.set(xlabel="share of the way's epochs", ylabel="training loss, nats (log scale)")
        axes.set_title("Training loss (with smoothed targets it cannot fall below 0.647)")
        figure.legend(loc="outside right upper", fontsize=8)


def draw_pairs(curves: dict[str, list[dict[str, str]]], cells: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw each failing recipe beside its cure: loss where it trains, loss where it is scored or watched."""
    with figure_at(path, 9.6, 6.4) as figure:
        for axes, (bad, good, title) in zip(figure.subplots(2, 2).flat, PAIRS, strict=True):
            for name, colour in ((bad, VERMILION), (good, BLUE)):
                epochs = range(1, len(curves[name]) + 1)
                axes.plot(epochs, column(curves[name], "train_loss"), "--", color=colour, label=f"{name}: training")
                score = f"{100 * cells[name]['accuracy']:.1f} %"
                axes.plot(epochs, column(curves[name], "held_loss"), color=colour, label=f"{name}: not seen ({score})")
            axes.set(xlabel="epoch", ylabel="loss, nats", title=title, ylim=(0, 4.5))
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.grid()
            axes.legend(fontsize=7)


def draw_ranks(cells: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw accuracy against the rank of an update that starts at zero."""
    ranks = [int(name.rsplit("_", 1)[1]) for name in cells if name.startswith("lora_head_") and name[-1].isdigit()]
    rows = [cells[f"lora_head_{rank}"] for rank in ranks]
    with figure_at(path, 6.4, 3.6) as figure:
        axes = figure.subplots()
        axes.vlines(ranks, [row["low"] for row in rows], [row["high"] for row in rows], color=BLUE)
        axes.plot(ranks, [row["accuracy"] for row in rows], "o-", color=BLUE, label="low rank, from zero")
        axes.axhline(cells[BASE]["accuracy"], color=GREY, linestyle="--", label="head: full rank, 25")
        axes.set_xscale("log")
        axes.set_xticks(ranks, [str(rank) for rank in ranks])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.grid()
        axes.set(
            xlabel="rank of the head's update", ylabel="out of fold", title=f"n = {rows[0]['n']:,}, 95 % intervals"
        )
        axes.legend(loc="lower right")


def draw_differences(cells: dict[str, dict[str, Any]], path: Path) -> None:
    """Draw the paired difference from `head` of the ways that come near it."""
    near = [name for name in cells if name != BASE and cells[name]["against_head"]["difference"] > -0.06]
    with figure_at(path, 7.0, 0.9 + 0.34 * len(near)) as figure:
        axes = figure.subplots()
        for y, name in enumerate(reversed(near)):
            row = cells[name]["against_head"]
            axes.hlines(y, row["difference_low"], row["difference_high"], color=BLUE)
            axes.plot(row["difference"], y, "o", color=BLUE)
        axes.axvline(0, color=GREY, linewidth=1)
        axes.set_yticks(
            range(len(near)), [f"{name} (n = {cells[name]['against_head']['n']:,})" for name in reversed(near)]
        )
        axes.xaxis.set_major_formatter(PercentFormatter(1))
        axes.grid(axis="x")
        axes.set(xlabel="accuracy less that of `head` on the same photos, with 95 % interval")


def draw_use(timings: dict[str, Any], path: Path) -> None:
    """Draw the CPU use of the cells over time, one after the other."""
    with figure_at(path, 9.6, 3.6) as figure:
        axes = figure.subplots()
        start = 0.0
        for place, name in enumerate(PARAMS["names"]):
            use = timings[f"cell@{name}"]["cpu_percent"]
            at = start + INTERVAL * np.arange(1, len(use) + 1)
            axes.plot(at / 60, use, color=SERIES[place % len(SERIES)], linewidth=0.8)
            start += timings[f"cell@{name}"]["seconds"]
            if timings[f"cell@{name}"]["seconds"] > 150:
                axes.text((at[0] + start) / 120, 212, name, rotation=90, ha="center", va="bottom", fontsize=7)
        axes.set(xlabel="minutes, cell after cell", ylabel="CPU use, % of one core", ylim=(0, 300))
        axes.set_yticks([0, 50, 100, 150, 200])
        axes.grid()


if __name__ == "__main__":
    run(main)
