"""All keys that the stages' sections in params.yaml have."""

from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from sortline.cli._shared.schemas import SCHEMAS as SCHEMAS
from sortline.config.base import Section
from sortline.config.fetch import Source
from sortline.data import sources


def leaves(schema: type[Section]) -> Iterator[str]:
    """Yield the keys of a schema; where one of several schemas may stand, with its kind as a step.

    A key that allows one value only (the kind) cannot be edited and is left out.
    """
    for key, about in schema.model_fields.items():
        sections = list(_sections(about.annotation))
        fixed = get_origin(about.annotation) is Literal and len(get_args(about.annotation)) == 1
        if not sections and not fixed:
            yield key
        for section in sections:
            kind = f".{get_args(section.model_fields['kind'].annotation)[0]}" if "kind" in section.model_fields else ""
            yield from (f"{key}{kind}.{leaf}" for leaf in leaves(section))


def _sections(annotation: Any) -> Iterator[type[Section]]:
    if annotation is Source:
        yield from sources.kinds().values()
    elif isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for part in get_args(annotation):
        yield from _sections(part)
