"""Where photos come from: one file a kind of source, found by looking into this folder, and the known data sets."""

import importlib
import pkgutil
from typing import get_args

from sortline.config.fetch import Source
from sortline.data.sources.known import DATASETS

__all__ = ["DATASETS", "kinds"]


def kinds() -> dict[str, type[Source]]:
    """Return the kinds of sources, {kind: schema}, sorted: each subclass of `Source` in a file of this folder."""
    names = [f"{__name__}.{module.name}" for module in pkgutil.iter_modules(__path__)]
    members = [member for name in names for member in vars(importlib.import_module(name)).values()]
    schemas = [one for one in members if isinstance(one, type) and issubclass(one, Source) and one is not Source]
    found = {get_args(schema.model_fields["kind"].annotation)[0]: schema for schema in schemas}
    return dict(sorted(found.items()))
