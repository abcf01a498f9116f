"""Parameters of the stage `fetch`: where a task's photos may come from."""

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from sortline.config.base import Section

Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+/\S+$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Source(Section):
    """One place that photos may come from. A kind of them is a file of `sortline.data.sources` that derives this."""

    former_kind: ClassVar[str | None] = None  # what params.yaml called it in earlier versions
    online: ClassVar[bool] = False  # whether its address is on the network
    note: ClassVar[str] = ""  # what metrics and model card must say about such photos
    built_in: ClassVar[str] = "sample"  # the task to run where no such source is in reach

    kind: str
    content_sha256: Sha256 | None = Field(None, description="of the files, as data/raw/<task>.json records it")

    @property
    def address(self) -> str:
        """Its public address, or the path on the disk; empty for what is built in."""
        return str(getattr(self, "url", None) or getattr(self, "path", ""))

    def fetch(self, out: Path, downloads: Path, data_folder: Path | None) -> tuple[str, dict[str, str]]:
        """Put the files into the existing folder `out`; return a short name for reports, and {path in it: sha256}.

        Relative paths start at `data_folder`; `downloads` holds what a download that broke off has got so far.
        Raise `UserError` or `OSError` where that is not possible; `out` may then be half filled.
        """
        raise NotImplementedError

    def check(self, data_folder: Path | None, timeout: float) -> None:
        """Raise `UserError` or `OSError` unless it can be had; a host has `timeout` seconds to connect."""


def _of_its_kind(content: Any) -> Source:
    # Imported here, not above: each kind holds its own schema, and derives it from `Source`.
    from sortline.data import sources

    kinds = sources.kinds()
    kind = content.get("kind") if isinstance(content, dict) else None
    for now, schema in kinds.items():
        if kind == now:
            return schema.model_validate(content)
        if kind is not None and kind == schema.former_kind:
            raise PydanticCustomError("kind", f"the kind '{kind}' is called '{now}' now")
    raise PydanticCustomError("kind", f"'kind' should be one of {', '.join(map(repr, kinds))}")


AnySource = Annotated[Source, PlainValidator(_of_its_kind)]


class FetchParams(Section):
    dataset: str | None = Field(None, description="a known data set, in place of sources")
    sources: list[AnySource] = Field(min_length=1, description="tried in this order; the first that works is used")

    @model_validator(mode="before")
    @classmethod
    def _sources_of_a_dataset(cls, content: Any) -> Any:
        if not isinstance(content, dict) or content.get("dataset") is None:
            return content
        from sortline.data import sources

        if content.get("sources") is not None:
            raise ValueError("dataset and sources stand for each other; leave one out")
        if content["dataset"] not in sources.DATASETS:
            raise ValueError(f"no data set '{content['dataset']}'; there is: {', '.join(sources.DATASETS)}")
        return content | {"sources": sources.DATASETS[content["dataset"]]}
