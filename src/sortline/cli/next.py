"""`sortline next`: which photos of a folder without labels are worth labelling first; `sortline review` shows them."""

import argparse

from sortline._core.errors import UserError
from sortline.cli._shared import paths, tasks
from sortline.cli._shared.numbers import whole

SUMMARY = "choose the photos without a label that are worth labelling first, for `sortline review`"
EPILOG = """examples:
  sortline next garbage ~/Pictures/new
  sortline next garbage ~/Pictures/new --n 100

Those come first that the model is least sure of, and that differ among themselves. They are copied into
data/inbox/TASK, which `sortline review TASK` shows as the queue "Without a label"; FOLDER stays as it is.
exit code: 0 all photos could be read, 1 some could not (the others are ranked), 2 not possible"""


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("task", metavar="TASK", help="a task with a trained model")
    command.add_argument("folder", metavar="FOLDER", help="the photos without labels, however they lie in it")
    command.add_argument("--n", type=whole(1), default=50, metavar="N", help="how many (default 50)")


def main(options: argparse.Namespace) -> int:
    """Choose photos, copy them; return 0, or 1 where some could not be read."""
    import numpy as np

    from sortline import predictor
    from sortline._core.cores import on_all_cores
    from sortline._core.files import expanded, sha256_file
    from sortline._core.text import printable
    from sortline.data import inbox
    from sortline.data.images import BadImage
    from sortline.data.inbox import Waiting
    from sortline.data.layout import find_photos
    from sortline.review.ranking import rank

    task = tasks.check_task(options.task)
    folder = expanded(options.folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    if not (paths.head(task) / "head.json").is_file():
        raise UserError(f"no trained model of '{task}' to rank by; make it: dvc repro evaluate@{task}")
    model, found = predictor.load(paths.head(task), paths.features(task)), find_photos([str(folder)])
    known = inbox.taken_in(paths.prepared(task) / "images.csv") | {one.sha256 for one in inbox.read(paths.inbox(task))}
    fresh = {digest: path for path in found.photos if (digest := sha256_file(path)) not in known}

    def look(path):
        try:
            picture = model.open(path)[None]
        except BadImage as error:
            return error
        return model.varied(picture)[:, 0], model.features_of(picture)[0]

    looked = list(on_all_cores(look, [*fresh.values()], "rank"))
    problems = [*found.problems, *(str(one) for one in looked if isinstance(one, BadImage))]
    photos = [item for item, one in zip(fresh.items(), looked, strict=True) if not isinstance(one, BadImage)]
    usable = [one for one in looked if not isinstance(one, BadImage)]
    for problem in problems:
        print(printable(f"left out: {problem}"))
    if not usable:
        raise UserError(f"{folder}: no photo in it that is new to '{task}' and can be read")
    ranked = rank(np.stack([draws for draws, _ in usable], 1), np.stack([own for _, own in usable]), options.n)
    chosen = []
    for number in ranked.chosen.tolist():
        digest, path = photos[number]
        doubt = f"margin {ranked.margin[number]:.2f}, disagreement {ranked.disagreement[number]:.3f}"
        chosen.append(Waiting(digest, path, path.name, f"chosen by sortline next: {doubt}"))
    new = inbox.put(paths.inbox(task), chosen)
    print(
        f"{new} of {len(usable):,} photos chosen ({len(found.photos) - len(fresh):,} were known); "
        f"label them: sortline review {task}"
    )
    return 1 if problems else 0
