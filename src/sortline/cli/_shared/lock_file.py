"""dvc.lock after a kill. DVC writes it in place: one that was being written is cut, at its start, within an entry or
between two, and then every entry behind the cut is gone without a word.
"""

import re
from pathlib import Path
from typing import Any

from sortline._core.errors import UserError
from sortline._core.files import read_yaml
from sortline.cli._shared import paths
from sortline.cli._shared.git import git
from sortline.cli._shared.params_text import read_text
from sortline.cli._shared.tasks import is_built_in, mapping
from sortline.config.tasks import listed, task_sections

HEADER = "schema: '2.0'\nstages:\n"


def mended(lock: Path) -> tuple[str, list[str]]:
    """Return the text that the lock file should have, and the stages whose entries it lacks or has in part.

    They are those of the last commit. An entry that is whole stays as it is, however new. Not brought back: stages
    that are no more, and a copied folder of one's own, which may hold other photos by now: DVC looks for that itself.
    """
    text = read_text(lock).replace("\r\n", "\n")  # on Windows DVC writes the former
    found = entries(text)
    stages = mapping(read_yaml(lock.with_name("dvc.yaml")).get("stages"))
    committed = _committed(lock)
    lost = []
    last = next(reversed(found), None)
    if last and not _is_whole(found[last], committed.get(last, ""), _about(last, stages)):
        del found[last]
        lost.append(last)
    back = {name: entry for name, entry in committed.items() if name not in found and _is_wanted(name, stages, lock)}
    lost += [name for name in back if name not in lost]
    header = text[: text.index("stages:\n")] + "stages:\n" if "stages:\n" in text else HEADER
    everything = found | back
    return (header + "".join(everything.values()) if everything else ""), lost


def entries(text: str) -> dict[str, str]:
    """Return the lines of each stage's entry in a lock file's text, also of one that is cut."""
    header = re.search(r"^stages:\r?\n", text, re.MULTILINE)
    parts = re.split(r"^(?=  \S)", text[header.end() :] if header else "", flags=re.MULTILINE)
    return {part.partition(":")[0].strip(): part for part in parts if part.strip()}


def without_task(text: str, task: str) -> tuple[str, int]:
    """Return a lock file's text without the stages `<stage>@<task>`, empty if there is no other, and their number."""
    found = entries(text)
    kept = {name: entry for name, entry in found.items() if name.partition("@")[2] != task}
    header = text.removesuffix("".join(found.values()))
    return (header + "".join(kept.values()) if kept else ""), len(found) - len(kept)


def _committed(lock: Path) -> dict[str, str]:
    try:
        content = git("cat-file", "blob", f"HEAD:./{lock.as_posix()}")
    except UserError:  # no Git: nothing to compare with
        content = None
    return entries((content or b"").decode("utf-8"))


def _is_whole(entry: str, committed: str, about: dict[str, Any]) -> bool:
    """Whether the last entry of a lock file ends where it should: with the size of an output."""
    from ruamel.yaml import YAML, YAMLError

    if entry == committed:
        return True
    if not entry.endswith("\n") or committed.startswith(entry):
        return False
    try:
        ((_, content),) = YAML(typ="safe", pure=True).load(entry).items()
    except (YAMLError, ValueError):
        return False
    outs = mapping(content).get("outs")
    if not outs:
        return "cmd" in mapping(content) and not {"outs", "metrics", "plots"} & about.keys()
    return isinstance(outs, list) and all({"path", "size"} <= mapping(out).keys() for out in outs)


def _is_wanted(name: str, stages: dict[str, Any], lock: Path) -> bool:
    """Whether an entry that the last commit has should be there: of a stage of today's that DVC can compare."""
    about, task = _about(name, stages), name.partition("@")[2]
    if not about or lock.parent != Path():
        return bool(about)
    content = read_yaml(paths.PARAMS)
    section = task_sections(content).get(task, {})
    return task in listed(content) and ("deps" in about or is_built_in(section))


def _about(name: str, stages: dict[str, Any]) -> dict[str, Any]:
    return mapping(stages.get(name.partition("@")[0]))
