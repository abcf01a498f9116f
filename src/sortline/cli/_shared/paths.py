"""Where the project keeps its files, relative to its root folder (the current one), for the command line."""

from pathlib import Path

PARAMS = Path("params.yaml")
TABLES = Path("tables")  # class tables, see tables/README.md


def raw(task: str) -> Path:
    return Path("data/raw") / task


def source(task: str) -> Path:
    """What fetch says of the task's photos."""
    return Path("data/raw") / f"{task}.json"


def weights(task: str) -> Path:
    return Path("data/weights") / task


def prepared(task: str) -> Path:
    return Path("data/prepared") / task


def corrections(task: str) -> Path:
    """What a person decided about the task's labels; see `data.corrections`."""
    return Path("corrections") / f"{task}.csv"


def inbox(task: str) -> Path:
    """Photos without a label that `sortline review` shows; of no stage."""
    return Path("data/inbox") / task


def backbones(task: str) -> Path:
    """Features that `sortline backbones` keeps for the next time; of no stage."""
    return Path("data/backbones") / task


def features(task: str) -> Path:
    return Path("data/features") / task


def head(task: str) -> Path:
    return Path("models") / task / "head"


def export(task: str) -> Path:
    return Path("models") / task / "export"


def release(task: str) -> Path:
    return Path("release") / task


def metrics(task: str, stage: str) -> Path:
    return Path("metrics") / task / f"{stage}.json"


def plots(task: str) -> Path:
    return Path("plots") / task
