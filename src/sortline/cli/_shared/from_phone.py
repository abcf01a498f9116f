"""The app's zip, taken in for `sortline review TASK --from FILE.zip`."""

from pathlib import Path

from sortline._core.errors import UserError
from sortline._core.files import expanded
from sortline.cli._shared import paths
from sortline.data.prepared import read_photos
from sortline.review.phone import take_in as put_in


def take_in(task: str, archive: Path) -> list[str]:
    """Return lines on what was taken in. Raises `UserError` where it is no such file, or of another task."""
    archive = expanded(str(archive))
    if not archive.is_file():
        raise UserError(f"{archive}: no such file; --from takes the zip that the app saved")
    known = read_photos(paths.prepared(task) / "images.csv", paths.raw(task))
    if not all(photo.path.is_file() for photo in known[:1]):
        raise UserError(f"'{task}' has no photo files: what the app saves is for tasks of photos")
    done = put_in(archive, task, paths.inbox(task), known)
    lines = [f"{done.new} photos taken in, {done.known} were there before"]
    return lines + [f"left out: {problem}" for problem in done.problems]
