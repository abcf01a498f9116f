"""What a task needs from outside, its photos and its backbone: is it in data/ already, and can it be had."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sortline._core.files import read_yaml
from sortline.cli._shared import paths

if TYPE_CHECKING:
    from sortline.data.sources.base import Origin


@dataclass(frozen=True)
class Need:
    """The photos or the weights of a task: the folder a stage puts them into, the sources they may come from."""

    what: str
    folder: Path
    sources: "Sequence[Origin]"

    @property
    def fetched(self) -> bool:
        return self.folder.is_dir() and any(self.folder.iterdir())

    def on_disk(self) -> tuple[bool, str]:
        """Return (True, which source can be had without the network) or (False, why none can)."""
        from sortline.data.sources.base import data_folder, reachable

        return reachable([source for source in self.sources if not source.online], data_folder())

    @property
    def host(self) -> str | None:
        """The first host that it may be downloaded from."""
        return next((urlsplit(source.address).hostname for source in self.sources if source.online), None)


def needs(task: str) -> list[Need]:
    """Return what params.yaml says `task` needs; a task without a backbone from outside has no weights section."""
    from sortline.backbones import weights
    from sortline.config.base import load
    from sortline.config.weights import WeightsParams
    from sortline.data.sources import FetchParams

    found = [Need("photos", paths.raw(task), load(task, "fetch", FetchParams).sources)]
    if "weights" in read_yaml(paths.PARAMS)[task]:
        members, folder = load(task, "weights", WeightsParams).members, paths.weights(task)
        if len(members) == 1:
            found.append(Need("weights", folder, weights.origins(members[0])))
        else:
            found += [
                Need(f"weights of {one.backbone}", folder / str(one.backbone), weights.origins(one)) for one in members
            ]
    return found


def can_run(task: str) -> tuple[bool, str]:
    """Return (True, where each need comes from) or (False, the first need that cannot be met, and why).

    Looks at the disk first, then connects to hosts, a few seconds each at most.
    """
    from sortline.data.sources.base import data_folder, reachable

    origins = []
    for need in needs(task):
        if need.fetched:
            origins.append(f"{need.what} in {need.folder.as_posix()}")
            continue
        ok, why = reachable(need.sources, data_folder())
        if not ok:
            return False, f"no {need.what}: {why}"
        origins.append(f"{need.what} from {why}")
    return True, ", ".join(origins)
