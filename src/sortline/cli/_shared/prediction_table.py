"""The predictions of `sortline predict` on stdout: a table for people, CSV and JSON for programs."""

from __future__ import annotations

import argparse
import colorsys
import csv
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from sortline.export.classifier import Prediction

    Results = Sequence[tuple[Path, Prediction]]
HUES = ("red", "yellow", "green", "cyan", "blue", "magenta")  # from 0 degrees, by 60


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
    card = _card_columns([prediction for _, prediction in results])
    header += [f"{name}_{rank}" for rank in range(2, count + 1) for name in ("code", "en", "zh", "probability")]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(header + card)
    for photo, prediction in results:
        best, bin_ = prediction.label, prediction.bin or {}
        row = [photo.as_posix(), *_names(best), *(bin_.get(key, "") for key in ("id", "en", "zh"))]
        row += [f"{prediction.probability:.6f}", int(prediction.sure)]
        for guess in prediction.top[1:]:
            row += [*_names(guess.label), f"{guess.probability:.6f}"]
        about = dict(best.get("card", []))
        writer.writerow(row + [about.get(key, "") for key in card])


def _names(label: dict[str, Any]) -> list[str]:
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
        _add_block(table, str(photo.relative_to(shared) if shared else photo), prediction, binned)
    console = Console()
    if shared and shared.parts:
        console.print(Text(f"in {shared}:\n"), soft_wrap=True)
    console.print(table)
    _print_cards(console, [prediction for _, prediction in results])


def _add_block(table: Table, name: str, prediction: Prediction, binned: bool) -> None:
    from rich.text import Text

    for rank, guess in enumerate(prediction.top):
        style = "dim" if rank else "bold"
        unsure = not (rank or prediction.sure)
        bin_ = [Text(both_languages(guess.bin or {}), f"{style} {colour(guess.bin)}")] if binned else []
        bin_ = [Text("?", style)] if binned and unsure else bin_
        class_ = Text(("not sure: " if unsure else "") + both_languages(guess.label), style)
        # Text, not markup: a file may be "[red].jpg"
        table.add_row(Text("" if rank else name), class_, *bin_, Text(f"{100 * guess.probability:.1f} %", style))
    if len(prediction.top) > 1:
        table.add_section()


def shared_folder(photos: list[Path]) -> Path | None:
    """Return the deepest folder that all `photos`, as they are written, lie in; None where there is no such."""
    first, *others = [photo.parent for photo in photos]
    shared = (folder for folder in (first, *first.parents) if all(other.is_relative_to(folder) for other in others))
    return next(shared, None)


def both_languages(names: dict[str, Any]) -> str:
    """Return "Banana Peel 香蕉皮", or the one name there is."""
    return " ".join(dict.fromkeys(name for name in (names.get("en"), names.get("zh")) if name))


def colour(bin_: dict[str, Any] | None) -> str:
    """Return the terminal colour nearest to a bin's "#rrggbb" in hue, readable on light and dark; empty for none."""
    text = (bin_ or {}).get("colour") or ""
    if not re.fullmatch("#[0-9a-fA-F]{6}", text):
        return ""
    hue, _, saturation = colorsys.rgb_to_hls(*(byte / 255 for byte in bytes.fromhex(text[1:])))
    return HUES[round(6 * hue) % 6] if saturation > 0.15 else ""


def _cards(predictions: Sequence[Prediction]) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Return (class, its card's lines) for each class that is some photo's best guess and has a card."""
    found = {prediction.label["code"]: prediction.label for prediction in predictions}
    return [(label, dict(label["card"])) for label in found.values() if label.get("card")]


def _card_columns(predictions: Sequence[Prediction]) -> list[str]:
    """Return the names of the cards' lines, in their order; none where the classes have no cards."""
    return list(dict.fromkeys(key for _, card in _cards(predictions) for key in card))


def _print_cards(console: Console, predictions: Sequence[Prediction]) -> None:
    """Print the cards on a rich console, and each of their warnings once."""
    from rich.table import Table
    from rich.text import Text

    from sortline.report.model_card import WARNING

    found = _cards(predictions)
    for label, card in found:
        console.print(Text(f"\n{both_languages(label)}", "bold"))
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for key, text in card.items():
            if key != WARNING:
                grid.add_row(Text(f"  {key}"), Text(text))
        console.print(grid)
    for warning in dict.fromkeys(card[WARNING] for _, card in found if WARNING in card):
        console.print(Text(f"\n{WARNING}: {warning}", "bold red"))
