"""params.yaml changed by a command: read, changed, checked and written while no other command does so."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sortline._core.errors import UserError
from sortline._core.files import replacing
from sortline.cli._shared import params_text, paths

LOCK = Path(".dvc/tmp/params.lock")
PATIENCE = 60  # seconds; a change takes less than one


@contextmanager
def editing() -> Iterator[str]:
    """Yield the text of params.yaml; until the block ends every other `editing` waits, in whatever process."""
    LOCK.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(LOCK, timeout=PATIENCE):
            yield params_text.read_text(paths.PARAMS)
    except Timeout:
        raise UserError(f"params.yaml: another command has been changing it for {PATIENCE} s; try again") from None


def write(text: str, task: str | None = None) -> None:
    """Write params.yaml, as its last change within `editing`; first check the sections of `task` as the stages will.

    Raises `UserError`, with params.yaml as it was.
    """
    with replacing(paths.PARAMS) as new:
        new.write_text(text, encoding="utf-8", newline="\n")
        if task:
            check_sections(task, new)


def check_sections(task: str, path: Path) -> None:
    """Raise `UserError` where a stage would refuse its section of the task, one with a head, in the file `path`."""
    from sortline.backbones import weights
    from sortline.cli._shared.schemas import SCHEMAS
    from sortline.config.base import load
    from sortline.config.weights import WeightsParams

    try:
        for stage, schema in SCHEMAS.items():
            section = load(task, stage, schema, path)
            if isinstance(section, WeightsParams):
                for one in section.members:
                    weights.origins(one)
    except UserError as error:
        raise UserError(str(error).replace(str(path), str(paths.PARAMS))) from None
