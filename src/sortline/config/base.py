"""Reading a section of params.yaml into a typed schema; every mistake becomes one line."""

import reprlib
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import pydantic
from pydantic_core import PydanticCustomError

from sortline._core.errors import UserError
from sortline._core.files import read_yaml
from sortline.config.tasks import task_sections


class Section(pydantic.BaseModel):
    """Base of every schema: unknown keys, NaN and Inf are refused, text is not coerced, instances are frozen."""

    renamed: ClassVar[dict[str, str]] = {}  # former name of a key -> its name now, for the error line
    gone: ClassVar[dict[str, str]] = {}  # former key -> why it is none any more
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @pydantic.model_validator(mode="before")
    @classmethod
    def _known_keys(cls, content: Any) -> Any:
        for key in [key for key in content if isinstance(key, str)] if isinstance(content, dict) else []:
            if key in cls.renamed:
                raise PydanticCustomError("key", "'{key}' is called '{now}' now", {"key": key, "now": cls.renamed[key]})
            if key in cls.gone:
                raise PydanticCustomError("key", "'{key}' is gone: {why}", {"key": key, "why": cls.gone[key]})
            if key not in cls.model_fields:
                known = {"key": key, "allowed": ", ".join(cls.model_fields)}
                raise PydanticCustomError("key", "unknown key '{key}'; allowed here: {allowed}", known)
        return content


# Of a stage that writes figures; the library is an extra of its own.
Track = Annotated[Literal["none", "dvclive", "mlflow"], pydantic.Field(description="log the figures there too")]
S = TypeVar("S", bound=Section)


def load(task: str, stage: str, schema: type[S], path: Path = Path("params.yaml")) -> S:
    """Return section `<task>.<stage>` of params.yaml as `schema`; raise `UserError` naming what is allowed."""
    content = read_yaml(path)
    tasks = task_sections(content)
    if task not in tasks:
        raise UserError(f"{path}: no task '{task}'; the tasks there are: {', '.join(tasks)}")
    section = tasks[task].get(stage)
    try:
        return schema.model_validate({} if section is None else section)
    except pydantic.ValidationError as error:
        raise UserError(f"{path}: {one_line(error, f'{task}.{stage}')}") from None


def one_line(error: pydantic.ValidationError, where: str) -> str:
    """Return the first mistake as one line; `where` the validated content lies, empty for the whole of a file."""
    first = error.errors(include_url=False)[0]
    # A union names the kind it tried; of a model from elsewhere a key may be of any length.
    key = _BRIEF.repr(".".join([*[where] * bool(where), *map(str, first["loc"])]) or "content")[1:-1]
    if first["type"] == "key":  # the validator knows the key alone; where the section lies is known here
        return first["msg"].replace("'", f"'{key}.", 1)
    if first["type"] == "missing":
        return f"'{key}' is missing"
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error" and not first["loc"]:
        return f"'{key}': {message}"
    return f"'{key}' is {shown(first['input'])}: {message[0].lower()}{message[1:]}"


_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = _BRIEF.maxlong = 100


def shown(value: Any) -> str:
    """Return a value as an error line shows it, however large or deep it is."""
    try:
        return _BRIEF.repr(value)
    except ValueError:  # Python turns no integer of more than 4,300 digits into text
        return "a number of thousands of digits"
