"""The part of `sortline doctor` that looks at the project: data folder, and each task's photos, weights and model."""

from urllib.parse import urlsplit

from sortline._core.errors import UserError
from sortline._core.files import read_json
from sortline.cli._shared import places, supply
from sortline.cli._shared.checks import Check
from sortline.data.sources.fetching import reachable


def data_checks() -> list[Check]:
    """Return a line for SORTLINE_DATA and three for each listed task; nothing here uses the network."""
    checks = [_data_folder()]
    try:
        tasks = places.listed_tasks()
    except UserError as error:
        if places.PARAMS.exists():
            return [*checks, Check("fail", "tasks", str(error), "mend params.yaml")]
        return [*checks, Check("warn", "tasks", str(error), "run sortline in the project's root folder")]
    for task in tasks:
        try:
            checks += [_need(task, need) for need in supply.needs(task)]
        except UserError as error:
            checks.append(Check("fail", task, str(error), "mend params.yaml"))
        checks.append(_model(task))
    return checks


def _data_folder() -> Check:
    folder = supply.data_folder()
    if folder is None:
        return Check("ok", "SORTLINE_DATA", "not set; what is not in data/ yet is downloaded")
    if not folder.is_dir():
        return Check("fail", "SORTLINE_DATA", f"{folder}: no such folder", "set it to a folder that is there")
    return Check("ok", "SORTLINE_DATA", str(folder))


def _need(task: str, need: supply.Need) -> Check:
    name = f"{task} {need.what}"
    if need.fetched:
        return Check("ok", name, f"in {need.folder.as_posix()}{_described(need)}")
    ok, why = reachable(need.local, supply.data_folder())
    if ok:
        return Check("ok", name, f"not fetched yet; available: {why}")
    hint = "set SORTLINE_DATA to a folder that has them"
    if need.addresses:
        host = urlsplit(need.addresses[0]).hostname
        return Check("warn", name, f"not here; a run tries to download them from {host}", f"or {hint}")
    return Check("warn", name, f"not here: {why}", hint)


def _described(need: supply.Need) -> str:
    """Return what the stage recorded about the files, for example ", 2,258 files of garbage26"."""
    photos, weights = need.folder.with_name(f"{need.folder.name}.json"), need.folder / "backbone.json"
    if need.what == "photos" and photos.is_file():
        about = read_json(photos)
        return f", {about['files']:,} files of {about['name']}"
    if need.what == "weights" and weights.is_file():
        return f", release {read_json(weights)['release']}"
    return ""


def _model(task: str) -> Check:
    if places.is_exported(task):
        return Check("ok", f"{task} model", places.export(task).as_posix())
    return Check("warn", f"{task} model", "not made yet", f"sortline run --task {task}")
