"""Where photos come from: one file a kind of source, found by looking into this folder, and the known data sets."""

import importlib
import pkgutil
from typing import Annotated, Any, get_args

from pydantic import Field, PlainValidator, model_validator
from pydantic_core import PydanticCustomError

from sortline.config.base import Section, shown
from sortline.config.fetch import Source
from sortline.data.sources.known import DATASETS

__all__ = ["DATASETS", "FetchParams", "kinds"]


def kinds() -> dict[str, type[Source]]:
    """Return the kinds of sources, {kind: schema}, sorted: each subclass of `Source` in a file of this folder."""
    names = [f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)]
    members = [member for name in names for member in vars(importlib.import_module(name)).values()]
    schemas = [one for one in members if isinstance(one, type) and issubclass(one, Source) and one is not Source]
    found = {get_args(schema.model_fields["kind"].annotation)[0]: schema for schema in schemas}
    return dict(sorted(found.items()))


def _of_its_kind(content: Any) -> Source:
    kind = content.get("kind") if isinstance(content, dict) else None
    for now, schema in kinds().items():
        if kind == now:
            return schema.model_validate(content)
        if kind is not None and kind == schema.former_kind:
            raise PydanticCustomError("kind", f"the kind '{kind}' is called '{now}' now")
    raise PydanticCustomError("kind", f"'kind' should be one of {', '.join(map(repr, kinds()))}")


AnySource = Annotated[Source, PlainValidator(_of_its_kind)]


class FetchParams(Section):
    """Parameters of the stage `fetch`: where a task's photos may come from."""

    dataset: str | None = Field(None, description="a known data set, in place of sources")
    sources: list[AnySource] = Field(min_length=1, description="tried in this order; the first that works is used")

    @model_validator(mode="before")
    @classmethod
    def _sources_of_a_dataset(cls, content: Any) -> Any:
        if not isinstance(content, dict) or content.get("dataset") is None:
            return content
        if content.get("sources") is not None:
            raise ValueError("dataset and sources stand for each other; leave one out")
        if content["dataset"] not in [*DATASETS]:  # what was written may be of any type, a list too
            raise ValueError(f"no data set {shown(content['dataset'])}; there is: {', '.join(DATASETS)}")
        return content | {"sources": DATASETS[content["dataset"]]}
