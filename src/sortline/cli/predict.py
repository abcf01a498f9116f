"""`sortline predict`: classify photos, for people (table) and for programs (JSON, CSV)."""

import argparse
import colorsys
import csv
import json
import re
import sys
from pathlib import Path

from tqdm import tqdm

from sortline._core.errors import UserError
from sortline.cli._shared import class_card, places
from sortline.cli._shared.explain import explainer
from sortline.cli._shared.photos import find_photos
from sortline.export.classifier import Classifier, Prediction, predict_files

Results = list[tuple[Path, Prediction]]
HUES = ("red", "yellow", "green", "cyan", "blue", "magenta")  # from 0 degrees, by 60


def main(options: argparse.Namespace) -> int:
    """Return 0 if every photo was classified, 1 if some were, 2 if none was."""
    classifier = Classifier(model_folder(options.model, options.task))
    if classifier.note:
        say(f"note: {classifier.note}")
    found = find_photos(options.photos)
    for problem in found.problems:
        say(f"error: {problem}")
    if found.skipped:
        say(f"note: {found.skipped} other file{'s' * (found.skipped > 1)} skipped (not named like a photo)")
    failed = len(found.problems)
    explain = explainer(classifier, options) if options.explain else None
    results: Results = []
    for photo, outcome in predict_files(classifier, found.photos, options.top):
        if isinstance(outcome, Prediction):
            results.append((photo, outcome))
            if explain:
                explain(photo, outcome)
        else:
            say(f"error: {outcome}")
            failed += 1
    show(results, options)
    if failed and results:
        say(f"{len(results)} classified, {failed} failed")
    return 0 if not failed else 1 if results else 2


def say(line: str) -> None:
    """Print a line on stderr without breaking a progress bar; stdout is for results alone."""
    tqdm.write(line, file=sys.stderr)


def model_folder(model: str | None, task: str | None) -> Path:
    """Return the export folder to use: `model`, else the task's, else that of the first listed task that has one."""
    if model:
        if not Path(model).is_dir():
            raise UserError(f"{model}: no such folder; --model takes a folder with model.onnx and labels.json")
        return Path(model)
    if task:
        if not places.is_exported(task):
            places.check_task(task)
            raise UserError(f"no model at {places.export(task).as_posix()}; make it: dvc repro export@{task}")
        return places.export(task)
    if not places.PARAMS.exists():
        raise UserError("no model here: run in sortline's project folder, or name a model's folder with --model")
    for listed in places.listed_tasks():
        if places.is_exported(listed):
            say(f"model: {places.export(listed).as_posix()} (task {listed})")
            return places.export(listed)
    raise UserError("no model yet; make one: make run (or: dvc repro export@garbage)")


def show(results: Results, options: argparse.Namespace) -> None:
    """Print the results on stdout in the format asked for."""
    if options.json:
        content = [{"photo": photo.as_posix(), **prediction.as_dict()} for photo, prediction in results]
        print(json.dumps(content, ensure_ascii=False, indent=2))
    elif options.csv:
        _show_csv(results)
    elif results:
        _show_table(results)


def _show_csv(results: Results) -> None:
    """One row a photo; later guesses follow as code_2, en_2, zh_2, probability_2, ..., then the best guess's card."""
    count = max((len(prediction.top) for _, prediction in results), default=1)
    header = ["photo", "code", "en", "zh", "bin", "bin_en", "bin_zh", "probability", "sure"]
    card = class_card.columns([prediction for _, prediction in results])
    header += [f"{name}_{rank}" for rank in range(2, count + 1) for name in ("code", "en", "zh", "probability")]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(header + card)
    for photo, prediction in results:
        best, bin_ = prediction.label, prediction.bin or {}
        row = [photo.as_posix(), *_names(best), *(bin_.get(key, "") for key in ("id", "en", "zh"))]
        row += [f"{prediction.probability:.6f}", int(prediction.sure)]
        for guess in prediction.top[1:]:
            row += [*_names(guess.label), f"{guess.probability:.6f}"]
        said = dict(best.get("card", []))
        writer.writerow(row + [said.get(key, "") for key in card])


def _names(label: dict) -> list[str]:
    return [label.get(key) or "" for key in ("code", "en", "zh")]


def _show_table(results: Results) -> None:
    """A block a photo: the best guess in bold, the others below it; colours only on a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    shared = shared_folder([photo for photo, _ in results])
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    binned = any(guess.bin for _, prediction in results for guess in prediction.top)
    for heading in ("photo", "class", "bin") if binned else ("photo", "class"):
        table.add_column(heading, overflow="fold")
    table.add_column("probability", justify="right", no_wrap=True)
    for photo, prediction in results:
        for rank, guess in enumerate(prediction.top):
            style, name = ("dim", "") if rank else ("bold", str(photo.relative_to(shared) if shared else photo))
            unsure = not (rank or prediction.sure)
            bin_ = [Text(both_languages(guess.bin or {}), f"{style} {colour(guess.bin)}")] if binned else []
            bin_ = [Text("?", style)] if binned and unsure else bin_
            probability = Text(f"{100 * guess.probability:.1f} %", style)
            # Text, not markup: a file may be "[red].jpg"
            table.add_row(
                Text(name),
                Text(("not sure: " if unsure else "") + both_languages(guess.label), style),
                *bin_,
                probability,
            )
        if len(prediction.top) > 1:
            table.add_section()
    console = Console()
    if shared and shared.parts:
        console.print(Text(f"in {shared}:\n"), soft_wrap=True)
    console.print(table)
    class_card.show(console, [prediction for _, prediction in results], both_languages)


def shared_folder(photos: list[Path]) -> Path | None:
    """Return the deepest folder that all `photos`, as they are written, lie in; None where there is no such."""
    first, *others = [photo.parent for photo in photos]
    shared = (folder for folder in (first, *first.parents) if all(other.is_relative_to(folder) for other in others))
    return next(shared, None)


def both_languages(names: dict) -> str:
    """Return "Banana Peel 香蕉皮", or the one name there is."""
    return " ".join(dict.fromkeys(name for name in (names.get("en"), names.get("zh")) if name))


def colour(bin_: dict | None) -> str:
    """Return the terminal colour nearest to a bin's "#rrggbb" in hue, readable on light and dark; empty for none."""
    text = (bin_ or {}).get("colour") or ""
    if not re.fullmatch("#[0-9a-fA-F]{6}", text):
        return ""
    hue, _, saturation = colorsys.rgb_to_hls(*(byte / 255 for byte in bytes.fromhex(text[1:])))
    return HUES[round(6 * hue) % 6] if saturation > 0.15 else ""
