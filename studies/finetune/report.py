"""report: the table, the comparison with `head` on the same photos, and the figures.

Usage: report.py --cells FOLDER --curves FOLDER --answers FOLDER --out FILE --table FILE --figures FOLDER
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from common import HERE, INTERVAL, PARAMS
from matplotlib.ticker import PercentFormatter

from sortline._core import files
from sortline._core.errors import run
from sortline.evaluation import comparison
from sortline.report.figures.style import BLUE, GREY, SERIES, figure_at

BASE = "head"
Answers = dict[str, dict[str, tuple[bool, int]]]  # by part, by image: right or not, and the scene


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
        if cell["image_size"] == 160 and "head_160" in names:
            cell["against_head_160"] = against(answers["head_160"], answers[name], "train")
    others = [cell["against_head"] for name, cell in cells.items() if name != BASE]
    for row, p in zip(others, comparison.holm([row["p"] for row in others]), strict=True):
        row["p_holm"] = p
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
        draw_differences(cells, figures / "differences.png")


def read_answers(path: Path) -> Answers:
    """Return by part ("train", "val") whether each photo was answered rightly, and its scene."""
    found: Answers = {"train": {}, "val": {}}
    for row in files.read_csv(path):
        found[row["part"]][row["image"]] = row["truth"] == row["predicted"], int(row["scene"])
    return found


def against(base: Answers, other: Answers, part: str) -> dict[str, Any]:
    """Compare on the photos of `part` that both answered: difference, its paired 95 % interval and p by scene, n."""
    images = [image for image in base[part] if image in other[part]]
    a, b = (np.array([answers[part][image][0] for image in images], float) for answers in (base, other))
    scenes = np.array([base[part][image][1] for image in images])
    return comparison.paired_by_scene(a, b, scenes) | {"n": len(images), "head_accuracy": float(a.mean())}


def percent(row: dict[str, Any], prefix: str = "") -> str:
    value, low, high = (100 * row[prefix + key] for key in ("accuracy", "low", "high"))
    return f"{value:.1f} [{low:.1f}, {high:.1f}]"


def table(cells: dict[str, dict[str, Any]]) -> list[str]:
    lines = [
        "| way | scored on | accuracy, % [95 %] | against `head`, points [95 %] | p | p, Holm | val, % [95 %], n = 130 "
        "| pixels | trains | of parameters | ONNX, MB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, cell in cells.items():
        how = cell["against_head"]
        where = "out of fold" if cell["scored"] == "out of fold" else "held out"
        difference = f"{100 * how['difference']:+.1f}"
        difference += f" [{100 * how['difference_low']:+.1f}, {100 * how['difference_high']:+.1f}]"
        p = [comparison.show_p(how[key]) for key in ("p", "p_holm") if key in how]
        compared = ("", "", "") if name == BASE else (difference, *p)
        row = [
            f"`{name}`", f"{where}, n = {cell['n']:,}", percent(cell), *compared, percent(cell, "val_"),
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
        # Features that came out of DVC's cache took no time that would say anything.
        seconds = timings.get(f"extract@{features}", {}).get("seconds")
        extracted = "from the cache" if seconds is None else f"{seconds:.0f}"
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
