"""`sortline review`: a local page on which a person looks at doubtful photos and corrects their labels."""

import argparse
import contextlib
import logging
from pathlib import Path
from typing import Any

from sortline._core import signals
from sortline._core.errors import UserError
from sortline.cli._shared import paths, tasks
from sortline.cli._shared.listening import listening
from sortline.cli._shared.numbers import whole

SUMMARY = "look at doubtful photos on a page of this machine, and correct their labels"
EPILOG = """examples:
  sortline review garbage
  sortline review garbage --apply
  sortline review garbage --from from-the-phone.zip

The page is for this machine alone (127.0.0.1, behind a random address); nothing leaves it. Each decision is appended to
corrections/TASK.csv at once; the photos stay as they are. --apply, or the page's button, runs the line again and says
what changed, on the labels as they were and as they are."""
LOCK = Path(".dvc/tmp")
THREADS, CONNECTIONS = 4, 50


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("task", metavar="TASK", help="a task that params.yaml lists and the line has run for")
    what = command.add_mutually_exclusive_group()
    what.add_argument("--apply", action="store_true", help="run the line again with what was decided; no page")
    what.add_argument("--from", dest="archive", metavar="FILE.zip", help="take in the photos that the app saved first")
    command.add_argument("--port", type=whole(0, 65535), default=0, metavar="N", help="default: a free one")


def main(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C, or run the line; return 0."""
    task = tasks.check_task(options.task)
    if options.apply:
        from sortline.cli._shared.rerun import apply

        print("\n".join(apply(task)))
        return 0
    if not (paths.head(task) / "head.json").is_file():
        raise UserError(f"no trained model of '{task}' to review with; make it: dvc repro evaluate@{task}")
    if options.archive:
        from sortline.cli._shared.from_phone import take_in

        print("\n".join(take_in(task, Path(options.archive))))
    server, app = start(task, options.port)
    with contextlib.suppress(KeyboardInterrupt):
        print(f"review of {task}: http://127.0.0.1:{server.effective_port}{app.path}    Ctrl-C stops", flush=True)
        server.run()
    server.close()
    if signals.exit_code() != 130:
        raise signals.Terminated
    print(f"\ndecisions are in {paths.corrections(task).as_posix()}; to use them: sortline review {task} --apply")
    return 0


def start(task: str, port: int) -> tuple[Any, Any]:
    """Return waitress's server of the page, listening, and its app. Raises `UserError`."""
    import waitress

    from sortline import predictor
    from sortline.cli._shared.rerun import apply
    from sortline.config.base import load
    from sortline.config.diagnose import DiagnoseParams
    from sortline.data import inbox
    from sortline.data.names import check_words
    from sortline.data.prepared import read_classes
    from sortline.review.album import open_album
    from sortline.review.app import ReviewApp
    from sortline.review.journal import Journal
    from sortline.review.queues import queues
    from sortline.review.work import Work

    check_words(read_classes(paths.prepared(task) / "classes.json").names, paths.raw(task))
    model = predictor.load(paths.head(task), paths.features(task))
    waiting = inbox.waiting(paths.inbox(task), paths.prepared(task) / "images.csv")
    album = open_album(model, paths.prepared(task), paths.raw(task), waiting)
    journal = Journal(paths.corrections(task), LOCK / f"corrections-{task}.lock")
    journal.decisions()  # a damaged file is told here, not on the page
    work = Work(task, album, queues(album, load(task, "diagnose", DiagnoseParams)), journal, lambda: apply(task))
    place = listening("127.0.0.1", port)
    app = ReviewApp(work, place.getsockname()[1])
    logging.getLogger("waitress").setLevel(logging.ERROR)  # a client that went away is no news
    server = waitress.create_server(app, sockets=[place], threads=THREADS, connection_limit=CONNECTIONS, ident=None)
    return server, app
