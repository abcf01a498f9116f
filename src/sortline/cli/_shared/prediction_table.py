"""The predictions of `sortline predict` on stdout: a table for people, CSV and JSON for programs."""

from __future__ import annotations

import argparse
import colorsys
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sortline._core.files import CsvWriter
from sortline._core.text import is_formula, json_text, path_cell, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from sortline.export.classifier import Prediction

    Results = Sequence[tuple[Path, Prediction]]
FEW = 3  # classes that "or" joins
HUES = ("red", "yellow", "green", "cyan", "blue", "magenta")  # from 0 degrees, by 60


def show(results: Results, options: argparse.Namespace) -> None:
    if options.json:
        content = [{"photo": photo.as_posix(), **prediction.as_dict()} for photo, prediction in results]
        print(json_text(content))
    elif options.csv:
        _show_csv(results)
    elif results:
        _show_table(results)


def _show_csv(results: Results) -> None:
    """One row a photo; later guesses follow as code_2, en_2, zh_2, probability_2, ..., then the best guess's card."""
    names = ["code", "en", "zh"]
    count = max((len(prediction.top) for _, prediction in results), default=1)
    header = ["photo", *names, "bin", "bin_en", "bin_zh", "probability", "sure", "similarity", "familiar", "set_95"]
    header += [f"{name}_{rank}" for rank in range(2, count + 1) for name in [*names, "probability"]]
    card = list(dict.fromkeys(key for _, lines in _cards(results) for key in lines))
    writer = CsvWriter(sys.stdout)
    writer.row(header + card)
    for photo, prediction in results:
        best, *others = prediction.top
        row = [path_cell(photo.as_posix()), *values(best.label, names), *values(best.bin or {}, ["id", "en", "zh"])]
        near = "" if prediction.similarity is None else f"{prediction.similarity:.4f}"
        row += [f"{best.probability:.6f}", str(int(prediction.sure)), near, str(int(prediction.familiar))]
        row.append(" ".join(one["code"] for one in prediction.sets.get("95", ())))
        for guess in others:
            row += [*values(guess.label, names), f"{guess.probability:.6f}"]
        row += values(dict(best.label.get("card", [])), card)
        # What a model from elsewhere calls its classes is taken for text.
        writer.row([f"'{cell}" if is_formula(cell) else cell for cell in row])


def values(content: dict[str, Any], keys: Sequence[str] = ("code", "en", "zh")) -> list[str]:
    """Return the texts at `keys`, empty where there is none."""
    return [content.get(key) or "" for key in keys]


def _show_table(results: Results) -> None:
    """A block a photo: the best guess in bold, the others below it; colours only on a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    first, *others = [photo.parent for photo, _ in results]
    # The deepest one that all photos, as they are written, lie in.
    folders = [folder for folder in (first, *first.parents) if all(other.is_relative_to(folder) for other in others)]
    shared = folders[0] if folders else None
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    binned = any(guess.bin for _, prediction in results for guess in prediction.top)
    for heading in ("photo", "class", "bin") if binned else ("photo", "class"):
        table.add_column(heading, overflow="fold")
    table.add_column("probability", justify="right", no_wrap=True)
    for photo, prediction in results:
        _add_block(table, printable(str(photo.relative_to(shared) if shared else photo)), prediction, binned)
    console = Console()
    if shared and shared.parts:
        console.print(Text(printable(f"in {shared}:") + "\n"), soft_wrap=True)
    console.print(table)
    _print_cards(console, results)


def _add_block(table: Table, name: str, prediction: Prediction, binned: bool) -> None:
    from rich.text import Text

    for rank, guess in enumerate(prediction.top):
        style = "dim" if rank else "bold"
        doubt = "" if rank else prediction.doubt
        bin_ = [Text(both_languages(guess.bin or {}), f"{style} {colour(guess.bin)}")] if binned else []
        bin_ = [Text("?", style)] if binned and doubt else bin_
        class_ = Text(both_languages(guess.label) if rank else answer(prediction), style)
        # Text, not markup: a file may be "[red].jpg"
        table.add_row(Text("" if rank else name), class_, *bin_, Text(f"{100 * guess.probability:.1f} %", style))
    if len(prediction.top) > 1:
        table.add_section()


def answer(prediction: Prediction) -> str:
    """Return the class, what speaks against it, and where the model is not sure the classes that it may be."""
    told = [both_languages(prediction.label)]
    if prediction.familiar and not prediction.sure:
        told = [both_languages(one) for one in prediction.among]
    doubt = f"{prediction.doubt}: " if prediction.doubt else ""
    return doubt + either(told)


def either(names: Sequence[str]) -> str:
    """Return "A", "A or B", "A, B or C"; of more than FEW "one of 5: A, B, C, D, E"."""
    if len(names) > FEW:
        return f"one of {len(names)}: {', '.join(names)}"
    *first, last = names
    return f"{', '.join(first)} or {last}" if first else last


def both_languages(names: dict[str, Any]) -> str:
    """Return "Banana Peel 香蕉皮", or the one name there is."""
    return printable(" ".join(dict.fromkeys(name for name in (names.get("en"), names.get("zh")) if name)))


def colour(bin_: dict[str, Any] | None) -> str:
    """Return the terminal colour nearest to a bin's "#rrggbb" in hue, readable on light and dark; empty for none."""
    text = (bin_ or {}).get("colour") or ""
    if not re.fullmatch("#[0-9a-fA-F]{6}", text):
        return ""
    hue, _, saturation = colorsys.rgb_to_hls(*(byte / 255 for byte in bytes.fromhex(text[1:])))
    return HUES[round(6 * hue) % 6] if saturation > 0.15 else ""


def _cards(results: Results) -> list[tuple[dict[str, Any], dict[str, str]]]:
    """Return (class, its card's lines) for each class that is some photo's best guess and has a card."""
    found = {prediction.label["code"]: prediction.label for _, prediction in results}
    return [(label, dict(label["card"])) for label in found.values() if label.get("card")]


def _print_cards(console: Console, results: Results) -> None:
    """Print the cards on a rich console, and each of their warnings once."""
    from rich.table import Table
    from rich.text import Text

    from sortline.data.classes import WARNING

    found = _cards(results)
    for label, card in found:
        console.print(Text(f"\n{both_languages(label)}", "bold"))
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for key, text in card.items():
            if key != WARNING:
                grid.add_row(Text(f"  {printable(key)}"), Text(printable(text)))
        console.print(grid)
    for warning in dict.fromkeys(card[WARNING] for _, card in found if WARNING in card):
        console.print(Text(f"\n{WARNING}: {printable(warning)}", "bold red"))
