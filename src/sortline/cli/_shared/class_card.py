"""What a task's table says about the classes found, printed below the answers."""

from collections.abc import Sequence

from sortline.export.classifier import Prediction
from sortline.report.model_card import WARNING


def cards(predictions: Sequence[Prediction]) -> list[tuple[dict, dict[str, str]]]:
    """Return (class, its card's lines) for each class that is some photo's best guess and has a card."""
    found = {prediction.label["code"]: prediction.label for prediction in predictions}
    return [(label, dict(label["card"])) for label in found.values() if label.get("card")]


def columns(predictions: Sequence[Prediction]) -> list[str]:
    """Return the names of the cards' lines, in their order; none where the classes have no cards."""
    return list(dict.fromkeys(key for _, card in cards(predictions) for key in card))


def show(console, predictions: Sequence[Prediction], name_of) -> None:
    """Print the cards on a rich console, and each of their warnings once; `name_of` turns a class into words."""
    from rich.table import Table
    from rich.text import Text

    found = cards(predictions)
    for label, card in found:
        console.print(Text(f"\n{name_of(label)}", "bold"))
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for key, text in card.items():
            if key != WARNING:
                grid.add_row(Text(f"  {key}"), Text(text))
        console.print(grid)
    for warning in dict.fromkeys(card[WARNING] for _, card in found if WARNING in card):
        console.print(Text(f"\n{WARNING}: {warning}", "bold red"))
