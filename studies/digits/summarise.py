"""Choose from the grid, and draw up what all cells say; reads cells/*.json, writes JSON, a table and figures."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from sortline._core import files
from sortline._core.errors import run
from sortline.evaluation import metrics
from sortline.report.figures import curves
from sortline.report.figures.style import BLUE, GREY, INK, figure_at

CELLS = Path("cells")
TICKS = [2, 3, 5, 10, 20, 50, 90]  # percent, where they are on a log scale
COLUMNS = ("group", "cell", "train_n", "val_n", "seeds", "val_accuracy", "val_std", "val_log_loss", "if_sampled")


def main(argv: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["choose", "all"])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--table", type=Path)
    parser.add_argument("--figures", type=Path)
    parser.add_argument("--report", type=Path)
    args = parser.parse_args(argv)
    cells = [files.read_json(path) for path in sorted(CELLS.rglob("*.json"))]
    grid = ranked([cell for cell in cells if cell["group"] == "grid"])
    optimizer, schedule = grid[0]["names"]
    if args.what == "choose":
        files.write_json(args.out, {"optimizer": optimizer, "schedule": schedule})
        return
    rest = [
        cell for group in ("variant", "report", "final") for cell in ranked([c for c in cells if c["group"] == group])
    ]
    files.write_csv(args.table, COLUMNS, [row(cell) for cell in grid + rest])
    found = summary(cells, grid[0])
    files.write_metrics(args.out, found)
    files.write_text(args.report, report(grid, rest, found))
    with files.replacing(args.figures) as folder:
        folder.mkdir()
        draw_grid(grid, folder / "grid.png")
        draw_variants(grid[0], [cell for cell in rest if cell["group"] == "variant"], folder / "variants.png")
        series = {" + ".join(cell["names"]): mean_curve(cell) for cell in grid[:3] + grid[-3:]}
        title = f"Three best, three worst: mean of {len(grid[0]['seeds'])} seeds, n = {grid[0]['val_n']:,}"
        curves(series, "epoch", "validation accuracy", folder / "curves.png", title)


def ranked(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the cells by mean validation accuracy, then by log-loss, best first."""
    return sorted(cells, key=lambda cell: (-cell["val_accuracy"], cell["val_log_loss"]))


def label(cell: dict[str, Any]) -> str:
    return " + ".join(cell["names"])


def mean_curve(cell: dict[str, Any]) -> list[float]:
    return np.mean([one["curve"] for one in cell["seeds"]], axis=0).tolist()


def if_sampled(cell: dict[str, Any]) -> float:
    return float(np.mean([one["val_accuracy_if_sampled"] for one in cell["seeds"]]))


def row(cell: dict[str, Any]) -> list[Any]:
    spread = "" if cell["val_std"] is None else f"{cell['val_std']:.4f}"
    numbers = [f"{cell['val_accuracy']:.4f}", spread, f"{cell['val_log_loss']:.4f}", f"{if_sampled(cell):.4f}"]
    return [cell["group"], label(cell), cell["train_n"], cell["val_n"], len(cell["seeds"]), *numbers]


def summary(cells: list[dict[str, Any]], best: dict[str, Any]) -> dict[str, Any]:
    """Return metrics.json: the best of the grid, the reports' run and the CNN on test, what the two mistakes cost."""
    named = {(cell["group"], *cell["names"]): cell for cell in cells}
    return {
        "chosen": {"cell": label(best), **scores(best)},
        "lenet5_report_3_epochs": tested(named["report", "lenet5"]),
        "lenet5_chosen_3_epochs": tested(named["final", "lenet5_3_epochs"]),
        "digits_cnn": tested(named["final", "cnn"]),
        "mistakes": {
            "lenet5": mistakes(best, named["variant", "softmax_in_net"]),
            "digits_cnn": mistakes(named["report", "cnn"], named["report", "cnn_softmax_in_net"]),
        },
    }


def scores(cell: dict[str, Any]) -> dict[str, Any]:
    low, high = interval(cell["val_accuracy"], cell["val_n"])
    return {
        "val_accuracy": cell["val_accuracy"],
        "val_accuracy_low": low,
        "val_accuracy_high": high,
        "val_std": cell["val_std"],
        "val_n": cell["val_n"],
    }


def interval(accuracy: float, n: int) -> tuple[float, float]:
    """Return the 95 % interval (Wilson) of an accuracy on n digits, for other digits; other seeds are not in it."""
    return metrics.wilson(round(accuracy * n), n)


def shown(accuracy: float, n: int) -> str:
    return "{:.2f} [{:.2f}, {:.2f}]".format(*(100 * value for value in (accuracy, *interval(accuracy, n))))


def tested(cell: dict[str, Any]) -> dict[str, Any]:
    """Return a cell's scores on test: mean and spread over the seeds, the interval of the first seed."""
    found, first = [one["test_accuracy"] for one in cell["seeds"]], cell["seeds"][0]
    return scores(cell) | {
        "test_accuracy": float(np.mean(found)),
        "test_std": float(np.std(found, ddof=1)) if len(found) > 1 else None,
        "test_n": first["test_n"],
        "test_accuracy_low": first["test_low"],
        "test_accuracy_high": first["test_high"],
        "seeds": len(found),
    }


def mistakes(right: dict[str, Any], softmax: dict[str, Any]) -> dict[str, Any]:
    return {
        "right": right["val_accuracy"],
        "tested_by_sampling": if_sampled(right),
        "softmax_in_net": softmax["val_accuracy"],
        "both": if_sampled(softmax),
        "val_n": right["val_n"],
        "seeds": len(right["seeds"]),
    }


def report(grid: list[dict[str, Any]], rest: list[dict[str, Any]], found: dict[str, Any]) -> str:
    """Return RESULTS.md: what the cells say, in tables."""
    head = "| cell | digits to train on | accuracy, % [95 %] | spread of the seeds | if tested by sampling, % [95 %] |"
    tables = {"Optimizers and schedules": grid, "The others": rest}
    part = f"validation part of mnist, n = {grid[0]['val_n']:,}"
    lines = ["# What the cells say", "", f"Written by `summarise.py`; {part}, best first.", ""]
    for title, cells in tables.items():
        lines += [f"## {title}", "", head, "| --- | --- | --- | --- | --- |"]
        for cell in cells:
            spread = "one seed" if cell["val_std"] is None else f"{100 * cell['val_std']:.2f}"
            score, sampled = (shown(value, cell["val_n"]) for value in (cell["val_accuracy"], if_sampled(cell)))
            name = label(cell) if cell["group"] == "grid" else f"{cell['group']}: {label(cell)}"
            lines.append(f"| {name} | {cell['train_n']:,} | {score} | {spread} | {sampled} |")
        lines.append("")
    lines += ["![Grid](figures/grid.png)", "![Variants](figures/variants.png)", "![Curves](figures/curves.png)", ""]
    lines += ["## On the test part", "", "| run | test accuracy, % | 95 % interval | n | seeds |"]
    lines.append("| --- | --- | --- | --- | --- |")
    runs = {
        "lenet5_report_3_epochs": "LeNet-5, the report's 3 epochs",
        "lenet5_chosen_3_epochs": f"LeNet-5, 3 epochs, {found['chosen']['cell']}",
        "digits_cnn": f"digits CNN, {found['chosen']['cell']}",
    }
    for key, name in runs.items():
        one = found[key]
        low, high = (100 * one[f"test_accuracy_{end}"] for end in ("low", "high"))
        spread = "" if one["test_std"] is None else f" +- {100 * one['test_std']:.2f}"
        ends = f"{low:.2f} to {high:.2f}" + (" (first seed)" if one["seeds"] > 1 else "")
        score = f"{100 * one['test_accuracy']:.2f}{spread}"
        lines.append(f"| {name} | {score} | {ends} | {one['test_n']:,} | {one['seeds']} |")
    lines += ["", "## What the report's two mistakes cost", "", f"Accuracy, % [95 %], {part}.", ""]
    lines += [
        "| net | done right | tested by sampling | softmax in the net | both |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, one in found["mistakes"].items():
        values = (shown(one[key], one["val_n"]) for key in ("right", "tested_by_sampling", "softmax_in_net", "both"))
        lines.append(f"| {name} | {' | '.join(values)} |")
    return "\n".join(lines) + "\n"


def draw_grid(grid: list[dict[str, Any]], path: Path) -> None:
    """Draw the mean validation accuracy of every optimizer and schedule."""
    optimizers, schedules = (sorted({cell["names"][at] for cell in grid}) for at in (0, 1))
    values = {tuple(cell["names"]): cell for cell in grid}
    table = np.array([[100 * values[o, s]["val_accuracy"] for s in schedules] for o in optimizers])
    with figure_at(path, 5.6, 3.4) as figure:
        axes = figure.subplots()
        shades = axes.imshow(table, cmap="Blues", vmin=table.min() - 0.6 * np.ptp(table), aspect="auto")
        dark = np.asarray(shades.norm(table)) > 0.5
        for i, optimizer in enumerate(optimizers):
            for j, schedule in enumerate(schedules):
                cell = values[optimizer, schedule]
                text = f"{100 * cell['val_accuracy']:.2f}\n+-{100 * cell['val_std']:.2f}"
                colour = "white" if dark[i, j] else INK
                axes.text(j, i, text, ha="center", va="center", fontsize=8, color=colour)
        axes.set_xticks(range(len(schedules)), schedules)
        axes.set_yticks(range(len(optimizers)), optimizers)
        n, m, seeds = grid[0]["train_n"], grid[0]["val_n"], grid[0]["seeds"]
        of, epochs = f"mean and spread of {len(seeds)} seeds", len(seeds[0]["curve"])
        axes.set_title(f"Validation accuracy, %: {of}\nn = {m:,}; trained on {n:,} digits for {epochs} epochs")


def draw_variants(best: dict[str, Any], variants: list[dict[str, Any]], path: Path) -> None:
    """Draw the errors of each variant's seeds beside the chosen cell's, on a log scale: 2 % and 89 % in one."""
    cells = ranked([best, *variants])
    with figure_at(path, 6.4, 0.7 + 0.32 * len(cells)) as figure:
        axes = figure.subplots()
        for y, cell in enumerate(cells):
            errors = [100 - 100 * one["val_accuracy"] for one in cell["seeds"]]
            axes.plot(errors, [y] * len(errors), "o", color=GREY, ms=4)
            axes.plot(100 - 100 * cell["val_accuracy"], y, "|", color=BLUE, ms=16, mew=2)
        names = ["lenet5: max, relu" if cell is best else label(cell) for cell in cells]
        axes.set_yticks(range(len(cells)), names)
        axes.invert_yaxis()
        axes.grid(axis="x")
        axes.set_xscale("log")
        axes.set_xticks(TICKS, [str(tick) for tick in TICKS])
        axes.minorticks_off()
        axes.set(
            xlabel="wrong of the validation part, %", title=f"Points: seeds; bars: their mean (n = {best['val_n']:,})"
        )


if __name__ == "__main__":
    run(main)
