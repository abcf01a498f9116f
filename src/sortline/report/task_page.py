"""One HTML file with everything that a task's last run came to, which asks for nothing from elsewhere."""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from sortline.data.datasets import open_picture
from sortline.data.images import BadImage
from sortline.evaluation import metrics

THUMBNAIL = 200  # pixels
MAX_PHOTOS = 12  # of a cell of the confusion matrix
SHARES = {"accuracy", "low", "high", "probability", "truth_probability", "label_probability", "suggested_probability"}
SHARES |= {"neighbours_agree"}
NUMBERS = SHARES | {"n", "count", "severity"}
FIGURES = {
    "evaluate/confusion.png": "Confusion matrix, held out",
    "evaluate/per_class.png": "Accuracy by class",
    "evaluate/reliability.png": "Calibration",
    "evaluate/novelty.png": "The less a photo is like those trained on",
    "train/loss.png": "Training: loss",
    "train/accuracy.png": "Training: accuracy",
    "diagnose/corruptions.png": "Corrupted photos",
    "prepare/class_counts.png": "Photos by class",
}
LARGE = {
    "evaluate: accuracy": "held out",
    "train: cv accuracy": "new scenes, out of fold",
    "evaluate: accuracy deduplicated": "held out, without copies",
    "train: val accuracy": "validation",
}
Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Facts:
    """What a report is made of.

    `metrics` by stage, the content of metrics/<task>/; `tables` by name, rows of CSV files; `figures`: PNG files by
    what they show; `changes`: what differs from the last commit, (what, before, now), None without one; `photos`: the
    folder of raw photos, or None where none may be shown.
    """

    task: str
    metrics: Mapping[str, Mapping[str, Any]]
    tables: Mapping[str, Rows]
    figures: Mapping[str, Path]
    parameters: str
    changes: Sequence[tuple[str, str, str]] | None
    commit: str
    version: str
    photos: Path | None = None
    problems: list[str] = field(default_factory=list)


def page(facts: Facts) -> str:
    """Return the HTML. Photos that cannot be read are named in `facts.problems`."""
    evaluated = facts.metrics["evaluate"]
    parts = {
        "Accuracy": _accuracies(facts),
        "Figures": _figures(facts),
        "Confusion": _confusion(facts),
        "Worst mistakes": _mistakes(facts),
        "Suspected labels": _table(facts.tables.get("suspects", [])[:30]),
        "Corrupted photos": _table(facts.tables.get("corruptions", [])),
        "Data audit": _facts_table(facts.metrics.get("data", {})),
        "Changed since the last commit": _changes(facts),
        "Parameters": f"<pre>{html.escape(facts.parameters)}</pre>",
    }
    there = {name: content for name, content in parts.items() if content}
    ids = {name: f"part-{number}" for number, name in enumerate(there)}
    sections = [f'<section><h2 id="{ids[name]}">{name}</h2>\n{content}</section>' for name, content in there.items()]
    note = evaluated.get("note")
    about = f"{evaluated['n']:,} photos of {evaluated['split']}, data set {evaluated['dataset']}; {facts.commit}"
    template = Template(resources.files(__package__).joinpath("task_page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=f"sortline: {html.escape(facts.task)}",
        about=html.escape(about),
        note=f'<p class="note">{html.escape(note)}</p>' if note else "",
        contents=" ".join(f'<a href="#{ids[name]}">{name}</a>' for name in there),
        body="\n".join(sections),
        version=facts.version,
    )


def _accuracies(facts: Facts) -> str:
    """Every accuracy that the metrics have an interval of: the first few large, all of them in a table."""
    rows: list[dict[str, Any]] = [
        {"what": f"{stage}: {name.replace('_', ' ')}", "accuracy": value, "low": low, "high": high, "n": n}
        for stage in ("evaluate", "train", "diagnose")
        for name, value, low, high, n in _with_intervals(facts.metrics.get(stage, {}))
    ]
    by_name = {row["what"]: row for row in rows}
    cards = [
        f"<div><strong>{_percent(row['accuracy'])}</strong>{label}<br><span>95 % {_percent(row['low'])} to "
        f"{_percent(row['high'])}, n = {row['n'] or 0:,}</span></div>"
        for name, label in LARGE.items()
        if (row := by_name.get(name))
    ]
    return f'<div class="key">{"".join(cards)}</div>{_table(rows)}'


def _with_intervals(content: Mapping[str, Any]) -> list[tuple[str, float, float, float, int | None]]:
    found = []
    for key, value in content.items():
        if isinstance(value, Mapping) and {"accuracy", "low", "high", "n"} <= set(value) and value["n"]:
            found.append((key, value["accuracy"], value["low"], value["high"], value["n"]))
        elif isinstance(value, float) and content.get(f"{key}_low") is not None:
            name = {"accuracy_deduplicated": "n_deduplicated", "cv_by_photo_accuracy": "cv_n"}.get(key)
            n = content.get(name or f"{key.removesuffix('_accuracy')}_n", content.get("n"))
            low, high = content[f"{key}_low"], content[f"{key}_high"]
            if n:
                value, low, high = (one / 100 for one in metrics.percentages(dict(content), key, n))
            found.append((key, value, low, high, n))
    return found


def _figures(facts: Facts) -> str:
    shown = [
        f'<figure><img src="{_inline(path.read_bytes(), "png")}" alt="{html.escape(name)}"></figure>'
        for name, path in facts.figures.items()
    ]
    return f'<div class="pictures">{"".join(shown)}</div>' if shown else ""


def _confusion(facts: Facts) -> str:
    """The cells off the diagonal, the fullest first, with their photos where these may be shown."""
    cells: dict[tuple[str, str], list[str]] = {}
    for row in facts.tables.get("wrong", []):
        cells.setdefault((row["truth"], row["predicted"]), []).append(row["image"])
    order = sorted(cells.items(), key=lambda one: (-len(one[1]), one[0]))
    if facts.photos is None:
        return _table([{"truth": a, "predicted": b, "count": len(own)} for (a, b), own in order])
    cells_shown = "".join(
        f"<div><h3>{html.escape(a)} taken for {html.escape(b)} ({len(own)})</h3>"
        f'<div class="photos">{"".join(_photo(facts, image) for image in own[:MAX_PHOTOS])}</div></div>'
        for (a, b), own in order
    )
    return f'<div class="cells">{cells_shown}</div>'


def _mistakes(facts: Facts) -> str:
    columns = ("image", "truth", "predicted", "probability", "truth_probability")
    return _table([{key: row[key] for key in columns} for row in facts.tables.get("wrong", [])[:30]])


def _changes(facts: Facts) -> str:
    if facts.changes is None:
        return "<p>Not in Git: there is no commit to compare with.</p>"
    if not facts.changes:
        return "<p>Nothing: metrics and parameters are those of the last commit.</p>"
    return _table([{"what": what, "before": before, "now": now} for what, before, now in facts.changes])


def _facts_table(content: Mapping[str, Any]) -> str:
    rows = [{"what": key.replace("_", " "), "value": value} for key, value in sorted(content.items())]
    return _table(rows)


def _table(rows: Rows) -> str:
    if not rows:
        return ""
    kinds = {key: ' class="number"' if key in NUMBERS else "" for key in rows[0]}
    head = "".join(f"<th{kind}>{html.escape(key.replace('_', ' '))}</th>" for key, kind in kinds.items())
    lines = [
        "<tr>" + "".join(f"<td{kind}>{html.escape(_cell(key, row[key]))}</td>" for key, kind in kinds.items()) + "</tr>"
        for row in rows
    ]
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table></div>'


def _photo(facts: Facts, image: str) -> str:
    assert facts.photos is not None
    try:
        picture = open_picture(facts.photos / image, THUMBNAIL)
    except BadImage as error:
        facts.problems.append(str(error))
        return ""
    picture.thumbnail((THUMBNAIL, THUMBNAIL))
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=80)
    name, source = html.escape(image), _inline(stream.getvalue(), "jpeg")
    return f'<figure><img src="{source}" alt="{name}"><figcaption>{name}</figcaption></figure>'


def _inline(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f} %"


def _cell(column: str, value: Any) -> str:
    """Shares as percent, tables of CSV have them as text; what is nested in one line."""
    if column in SHARES and value not in (None, ""):
        return _percent(float(value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_cell('', one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(_cell("", one) for one in value)
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
