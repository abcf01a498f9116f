"""Reading a section of params.yaml into a typed schema; every mistake becomes one line."""

from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pydantic
from pydantic_core import PydanticCustomError
from ruamel.yaml import YAML, YAMLError

from sortline._core.errors import UserError


class Section(pydantic.BaseModel):
    """Base of every schema: unknown keys, NaN and Inf are refused, text is not coerced, instances are frozen.

    `renamed`: former name of a key -> its name now, for the error line that a person with the former one reads.
    """

    renamed: ClassVar[dict[str, str]] = {}

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _known_keys(cls, content: Any) -> Any:
        """Refuse an unknown key here, where the known ones are at hand."""
        for key in [key for key in content if isinstance(key, str)] if isinstance(content, dict) else []:
            if key in cls.renamed:
                raise PydanticCustomError("key", "'{key}' is called '{now}' now", {"key": key, "now": cls.renamed[key]})
            if key not in cls.model_fields:
                known = {"key": key, "allowed": ", ".join(cls.model_fields)}
                raise PydanticCustomError("key", "unknown key '{key}'; allowed here: {allowed}", known)
        return content


S = TypeVar("S", bound=Section)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML mapping as YAML 1.2 (`4e-05` is a number there, a string in PyYAML's 1.1)."""
    try:
        content = YAML(typ="safe", pure=True).load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run the command in the project's root folder") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise UserError(f"{path}: expected `key: value` lines at the top level")
    return content


def load(task: str, stage: str, schema: type[S], path: Path = Path("params.yaml")) -> S:
    """Return section `<task>.<stage>` of params.yaml as `schema`; raise `UserError` naming what is allowed."""
    content = read_yaml(path)
    sections = content.get(task)
    if not isinstance(sections, dict):
        known = ", ".join(key for key, value in content.items() if isinstance(value, dict))
        raise UserError(f"{path}: no task '{task}'; the tasks there are: {known}")
    try:
        section = sections.get(stage)
        return schema.model_validate({} if section is None else section)
    except pydantic.ValidationError as error:
        raise UserError(f"{path}: {_one_line(error, f'{task}.{stage}')}") from None


def check_listed(task: str, content: dict[str, Any]) -> None:
    """Raise `UserError` where the lists of params.yaml do not name the task, so that DVC lacks some of its stages."""
    section = content.get(task)
    trained = "net_tasks" if isinstance(section, dict) and "train" in section else "head_tasks"
    # A params.yaml of one's own may do without the second.
    missing = [name for name in ("tasks", trained) if name in content and task not in (content[name] or [])]
    if missing:
        raise UserError(f"params.yaml: '{task}' is ready but not listed; add it to {' and '.join(missing)}")


def _one_line(error: pydantic.ValidationError, where: str) -> str:
    first = error.errors()[0]
    key = ".".join([where, *map(str, first["loc"])])
    if first["type"] == "key":
        # The validator knows the key alone; where the section lies is known here.
        name = first["ctx"]["key"]
        return first["msg"].replace(f"'{name}'", f"'{key}.{name}'", 1)
    if first["type"] == "missing":
        return f"'{key}' is missing"
    message = first["msg"][0].lower() + first["msg"][1:]
    if first["type"] == "value_error" and not first["loc"]:
        return f"'{key}': {message.removeprefix('value error, ')}"
    return f"'{key}' is {first['input']!r}: {message}"
