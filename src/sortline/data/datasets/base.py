"""What a data set is to the line, whatever it lies in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from sortline.config.augment import ViewParams
    from sortline.config.prepare import PrepareParams
    from sortline.data.audit import Audit
    from sortline.data.split import Split


class Dataset(ABC):
    """The labelled pictures of a raw folder: how they are audited, split and described."""

    reads: ClassVar[str | None] = None  # what labels.json says of a model that is shown such pictures; None: photos
    sheets: ClassVar[tuple[str, ...]]  # the contact sheets that prepare draws, as `report.preparation` names them

    def __init__(self, raw: Path) -> None:
        self.raw = raw

    @abstractmethod
    def audit(self, params: PrepareParams, cache: Path | None = None) -> Audit:
        """Look through all pictures; raise `UserError` where they cannot be used as `params` ask for.

        `cache`: a folder for what is found in each, from which another audit goes on; None: none.
        """

    @abstractmethod
    def split(self, audit: Audit, labels: Mapping[str, int], names: Sequence[str], params: PrepareParams) -> Split:
        """Say what each picture is used for; `labels` maps class folders to labels, `names` are in label order."""

    def views(self, params: PrepareParams) -> ViewParams:
        """Return the views that are planned of each picture."""
        return params.views

    @abstractmethod
    def metrics(self, audit: Audit, split: Split, params: PrepareParams) -> dict[str, Any]:
        """Return the counts of metrics/<task>/data.json."""

    @abstractmethod
    def headline(self, metrics: Mapping[str, Any]) -> str:
        """Return these counts in one line for people."""
