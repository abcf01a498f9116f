"""`sortline new`: make a folder of one's own photos a task of the line, by a section in params.yaml."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sortline._core import unfinished
from sortline._core.errors import UserError
from sortline._core.files import expanded, read_yaml
from sortline.cli._shared import choosing, outputs, params_file, params_text, paths, repair, supply, tasks

if TYPE_CHECKING:
    from ruamel.yaml.comments import CommentedMap

    from sortline.data.suggest import Suggested

SUMMARY = "make a folder of your own photos a task of the line, by a section in params.yaml"
EPILOG = """examples:
  sortline new cups ~/Pictures/cups
  sortline new forms D:/scans/forms --exact
  sortline new cups ~/Pictures/cups --backbone efficientnet_lite0

FOLDER holds a folder for each class, named by it in any script, or train/ and val/ that do, and beside train/ perhaps
unlabelled/, of photos without a label. Nothing in it is changed; dvc repro copies the photos. After they have changed:
dvc repro -s -f fetch@NAME
exit code: 0 added, 2 not possible (params.yaml is as it was)"""

COMMENT = "Own photos, added by `sortline new`. Run: dvc repro export@{}. What else could stand here: see `garbage`."


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="letters, digits, - and _, a letter first")
    command.add_argument("folder", metavar="FOLDER", help="the folder of photos")
    command.add_argument(
        "--exact", action="store_true",
        help="only exact copies count as copies: for series that are alike by nature, as scans of one form",
    )  # fmt: skip
    command.add_argument("--backbone", metavar="NAME", help="take this one, without comparing those on this machine")


def main(options: argparse.Namespace) -> int:
    """Audit the folder, choose settings, write the section; return 0."""
    from sortline.backbones import weights
    from sortline.config.prepare import DuplicateParams, PrepareParams
    from sortline.config.weights import WeightsParams
    from sortline.data import corrections
    from sortline.data.audit import audit_folder
    from sortline.data.audit_report import describe
    from sortline.data.own_folder import class_root
    from sortline.data.suggest import suggest

    repair.mend()
    tasks.listed_tasks()
    content, task = read_yaml(paths.PARAMS), options.name
    tasks.check_name(task)
    root = class_root(expanded(options.folder), outputs.roots())
    check_free(task, content, root)
    if options.backbone:
        weights.origins(WeightsParams(backbone=options.backbone))  # is there such a one?
    search = DuplicateParams(search="exact") if options.exact else DuplicateParams()
    # What is found in each photo, prepare need not look for again.
    audit = audit_folder(root, PrepareParams(duplicates=search), cache=unfinished.FOLDER / task / "prepare")
    try:
        suggested = suggest(audit, paths.TABLES)
    except UserError:
        # Why there are too few photos stands there: files that cannot be read, copies.
        print("\n".join(describe(audit)), file=sys.stderr)
        raise
    named = options.backbone, "as asked for with --backbone"
    backbone, reason = named if options.backbone else choosing.quick(audit, suggested.split)
    suggested.why["weights.backbone"] = reason
    section = section_of(root, backbone, suggested)
    with params_file.editing() as text:
        check_free(task, read_yaml(paths.PARAMS), root)  # again: another command may have been quicker
        text = params_text.add_task(text, task, COMMENT.format(task), section)
        outputs.forget_stages(task)
        outputs.forget_fetched(task)
        params_file.write(text, task)
        corrections.create(paths.corrections(task))
    print("\n".join([*describe(audit), "", *written(task, backbone, suggested), "", *next_steps(task)]))
    return 0


def check_free(task: str, content: dict[str, Any], root: Path) -> None:
    """Raise `UserError` for a name that params.yaml has already; upper and lower case are one on many disks."""
    taken = next((str(key) for key in [*content, *content["tasks"]] if str(key).casefold() == task.casefold()), None)
    if taken is None:
        return
    if root.as_posix() in tasks.source_paths(content.get(taken)):
        raise UserError(
            f"params.yaml: '{taken}' is there already, for this folder; run it: sortline run --task {taken} (if its "
            f"photos have changed, first: dvc repro -s -f fetch@{taken}); to start anew, first: sortline remove {taken}"
        )
    raise UserError(f"params.yaml: the name '{taken}' is taken; choose another")


def section_of(root: Path, backbone: str, suggested: Suggested) -> CommentedMap:
    """Return the task's section: the sources, what is suggested, and nothing, {}, for every other stage."""
    from ruamel.yaml.comments import CommentedMap, CommentedSeq

    photos = CommentedMap(kind="folder", path=root.as_posix())
    photos.fa.set_flow_style()
    found = {
        "fetch": CommentedMap(sources=CommentedSeq([photos])),
        "weights": _commented({"backbone": backbone}, "weights", suggested.why),
        "prepare": _commented(suggested.prepare, "prepare", suggested.why),
        "train_head": _commented(suggested.train_head, "train_head", suggested.why),
    }
    return CommentedMap((stage, found.get(stage) or _commented({}, stage, {})) for stage in outputs.sections())


def _commented(keys: dict[str, Any], above: str, why: dict[str, str]) -> CommentedMap:
    """Return `keys` with the reasons beside them as comments; without any keys it is written {}."""
    from ruamel.yaml.comments import CommentedMap

    found = CommentedMap()
    for key, value in keys.items():
        path = f"{above}.{key}"
        found[key] = _commented(value, path, why) if isinstance(value, dict) else value
        if path in why:
            found.yaml_add_eol_comment(why[path], key, column=32)
    if not found:
        found.fa.set_flow_style()
    return found


def written(task: str, backbone: str, suggested: Suggested) -> list[str]:
    """Return the lines on what was added to params.yaml, and why."""
    lines = [f"added to params.yaml: '{task}' in tasks, and the section '{task}'; not left to defaults:"]
    for key, reason in suggested.why.items():
        value: Any = vars(suggested) | {"weights": {"backbone": backbone}}
        for name in key.split("."):
            value = value[name]
        lines.append(f"  {key}: {value}  ({reason})")
    return lines


def next_steps(task: str) -> list[str]:
    """Return the lines on what to do now, and where the backbone will come from (nothing here uses the network)."""
    _, weights = supply.needs(task)
    ok, why = weights.on_disk()
    lines = [
        "next:",
        f"  dvc repro export@{task}    (or, with a summary at its end: sortline run --task {task})",
        f"  sortline predict PHOTO --task {task}",
    ]
    if not ok:
        download = f"it will be downloaded from {weights.host}" if weights.host else "put it there first"
        lines.append(f"the backbone is not on this machine ({why}); {download}")
    return lines
