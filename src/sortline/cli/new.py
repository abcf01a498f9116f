"""`sortline new`: make a folder of one's own photos a task of the line, by a section in params.yaml."""

import argparse
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from sortline._core.errors import UserError
from sortline.cli._shared import findings, memory, outputs, places, sections, supply
from sortline.cli._shared.folder import class_root
from sortline.cli._shared.suggest import Suggested, suggest
from sortline.config.base import read_yaml
from sortline.config.prepare import PrepareParams
from sortline.data.audit import audit_folder
from sortline.data.sources.fetching import reachable

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
# Words that YAML or DVC take for something else, and names that Windows keeps for devices.
RESERVED = {"true", "false", "null", "yes", "no", "on", "off", "y", "n", "item", "key", "con", "prn", "aux", "nul"}
RESERVED |= {f"{device}{number}" for device in ("com", "lpt") for number in range(10)}
COMMENT = "Own photos, added by `sortline new`. Run: dvc repro export@{}. What else could stand here: see `garbage`."


def main(options: argparse.Namespace) -> int:
    """Audit the folder, choose settings, write the section; return 0."""
    places.listed_tasks()
    content = read_yaml(places.PARAMS)
    task = options.name
    check_name(task)
    root = class_root(Path(options.folder).expanduser())
    check_free(task, content, root)
    backbone = backbone_sources(content)
    copies = PrepareParams().duplicates
    if options.threshold is not None:
        copies = copies.model_copy(update={"threshold": options.threshold})
    audit = audit_folder(root, PrepareParams(duplicates=copies))
    try:
        suggested = suggest(audit)
    except UserError:
        # Why there are too few photos stands there: files that cannot be read, copies.
        print("\n".join(findings.lines(audit)), file=sys.stderr)
        raise
    section = section_of(root, backbone, suggested)
    text = sections.add_task(sections.read_text(places.PARAMS), task, COMMENT.format(task), section)
    memory.forget_stages(task)
    memory.forget_fetched(task)
    sections.write_text(places.PARAMS, text)
    print("\n".join([*findings.lines(audit), "", *written(task, suggested), "", *next_steps(task)]))
    return 0


def check_name(task: str) -> None:
    """Raise `UserError` for a name that cannot be a key, a folder and part of a stage's name on every system."""
    if not NAME.fullmatch(task):
        raise UserError(
            f"'{task}' cannot be a task's name; allowed are 1 to 40 letters (a-z, A-Z), digits, - and _, a letter first"
        )
    if task.casefold() in RESERVED:
        raise UserError(f"'{task}' cannot be a task's name: DVC, YAML or Windows reads it as something else")


def check_free(task: str, content: dict[str, Any], root: Path) -> None:
    """Raise `UserError` for a name that params.yaml has already; upper and lower case are one on many disks."""
    taken = next((str(key) for key in [*content, *content["tasks"]] if str(key).casefold() == task.casefold()), None)
    if taken is None:
        return
    section = content.get(taken)
    sources = (section.get("fetch") or {}).get("sources") or [] if isinstance(section, dict) else []
    if root.as_posix() in [source.get("path") for source in sources]:
        raise UserError(
            f"params.yaml: '{taken}' is there already, for this folder; run it: sortline run --task {taken} (if its "
            f"photos have changed, first: dvc repro -s -f fetch@{taken}); to start anew, first: sortline remove {taken}"
        )
    raise UserError(f"params.yaml: the name '{taken}' is taken; choose another")


def backbone_sources(content: dict[str, Any]) -> list[dict[str, Any]]:
    """Return `weights.sources` of `garbage`, else of the first task with a backbone that is not random."""
    for task in [places.HOME_TASK, *content]:
        section = content.get(task)
        weights = section.get("weights") or {} if isinstance(section, dict) else {}
        sources = [source for source in weights.get("sources", []) if source.get("kind") != "random"]
        if sources:
            return sources
    raise UserError("params.yaml: no task has a backbone (weights.sources) to copy; bring back the section 'garbage'")


def section_of(root: Path, backbone: list[dict[str, Any]], suggested: Suggested) -> CommentedMap:
    """Return the task's section: the sources, what is suggested, and nothing, {}, for every other stage."""
    photos = CommentedMap(kind="folder", path=root.as_posix())
    photos.fa.set_flow_style()
    found = {
        "fetch": CommentedMap(sources=CommentedSeq([photos])),
        "weights": CommentedMap(sources=CommentedSeq(CommentedMap(source) for source in backbone)),
        "prepare": _commented(suggested.prepare, "prepare", suggested.why),
        "train_head": _commented(suggested.train_head, "train_head", suggested.why),
    }
    return CommentedMap((stage, found.get(stage) or _commented({}, stage, {})) for stage in outputs.sections())


def _commented(keys: dict[str, Any], above: str, why: dict[str, str]) -> CommentedMap:
    """Return `keys` with the reasons beside them as comments; without any keys it is written {}."""
    found = CommentedMap()
    for key, value in keys.items():
        path = f"{above}.{key}"
        found[key] = _commented(value, path, why) if isinstance(value, dict) else value
        if path in why:
            found.yaml_add_eol_comment(why[path], key, column=32)
    if not found:
        found.fa.set_flow_style()
    return found


def written(task: str, suggested: Suggested) -> list[str]:
    """Return the lines on what was added to params.yaml, and why."""
    settings = _flat(suggested.prepare, "prepare") | _flat(suggested.train_head, "train_head")
    reasons = [f"  {key}: {value}  ({suggested.why[key]})" for key, value in settings.items()]
    return [f"added to params.yaml: '{task}' in tasks, and the section '{task}'; not left to defaults:", *reasons]


def _flat(keys: dict[str, Any], above: str) -> dict[str, Any]:
    found = {}
    for key, value in keys.items():
        found |= _flat(value, f"{above}.{key}") if isinstance(value, dict) else {f"{above}.{key}": value}
    return found


def next_steps(task: str) -> list[str]:
    """Return the lines on what to do now, and where the backbone will come from (nothing here uses the network)."""
    _, weights = supply.needs(task)
    ok, why = reachable(weights.local, supply.data_folder())
    lines = [
        "next:",
        f"  dvc repro export@{task}    (or, with a summary at its end: sortline run --task {task})",
        f"  sortline predict PHOTO --task {task}",
    ]
    if ok:
        return lines
    hosts = list(dict.fromkeys(urlsplit(address).hostname for address in weights.addresses))
    download = f"it will be downloaded from {hosts[0]}" if hosts else "put it there first"
    return [*lines, f"the backbone is not on this machine ({why}); {download}"]
