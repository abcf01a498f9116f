"""What a task needs from outside, its photos and its backbone: is it in data/ already, and can it be had."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sortline._core.files import read_yaml
from sortline.cli._shared import paths

if TYPE_CHECKING:
    from sortline.data.sources.base import Origin

CONNECT_SECONDS = 5.0


@dataclass(frozen=True)
class Need:
    """The photos or the weights of a task: the folder a stage puts them into, the sources they may come from."""

    what: str
    folder: Path
    sources: "Sequence[Origin]"

    @property
    def fetched(self) -> bool:
        return self.folder.is_dir() and any(self.folder.iterdir())

    @property
    def local(self) -> "list[Origin]":
        return [source for source in self.sources if not source.online]

    @property
    def addresses(self) -> list[str]:
        return [source.address for source in self.sources if source.online]


def needs(task: str) -> list[Need]:
    """Return what params.yaml says `task` needs; a task without a backbone from outside has no weights section."""
    from sortline.backbones import weights
    from sortline.config.base import load
    from sortline.config.fetch import FetchParams
    from sortline.config.weights import WeightsParams

    found = [Need("photos", paths.raw(task), load(task, "fetch", FetchParams).sources)]
    if "weights" in read_yaml(paths.PARAMS)[task]:
        found.append(Need("weights", paths.weights(task), weights.origins(load(task, "weights", WeightsParams))))
    return found


def data_folder() -> Path | None:
    """Return SORTLINE_DATA as an absolute path; None where it is not set."""
    folder = os.environ.get("SORTLINE_DATA")
    return Path(folder).expanduser().absolute() if folder else None


def can_run(task: str) -> tuple[bool, str]:
    """Return (True, where each need comes from) or (False, the first need that cannot be met, and why).

    Looks at the disk first, then connects to hosts, `CONNECT_SECONDS` each at most.
    """
    from sortline.data.sources.base import reachable

    origins = []
    for need in needs(task):
        if need.fetched:
            origins.append(f"{need.what} in {need.folder.as_posix()}")
            continue
        ok, why = reachable(need.sources, data_folder(), CONNECT_SECONDS)
        if not ok:
            return False, f"no {need.what}: {why}"
        origins.append(f"{need.what} from {why}")
    return True, ", ".join(origins)
