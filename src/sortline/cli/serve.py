"""`sortline serve`: the built web app on this machine, with the headers that it needs; or a model's HTTP API."""

import argparse
import contextlib
import logging
from functools import partial
from pathlib import Path
from typing import Any

from sortline._core import signals
from sortline._core.errors import UserError
from sortline._core.files import expanded
from sortline.cli._shared.listening import address, listening
from sortline.cli._shared.numbers import whole
from sortline.cli._shared.tasks import model_folder
from sortline.server.hosts import Hosts
from sortline.server.limits import Limits

SUMMARY = "serve the web app that `make web` built, or with --api a model's HTTP API, on this machine"
EPILOG = """examples:
  sortline serve
  sortline serve --port 9000
  sortline serve --api --task garbage
  curl -F photo=@photo.jpg http://localhost:8000/predict

With --api http://localhost:8000/ is a page about it; see docs/api.md."""

# A browser opens 6 connections. One that says nothing for PATIENCE seconds is closed, so that none can use them up.
CONNECTIONS, THREADS, PATIENCE = 100, 4, 20


def add(command: argparse.ArgumentParser) -> None:
    command.add_argument("--folder", default="web/dist", help="the built app (default web/dist)")
    command.add_argument("--host", default="localhost", help="the address to listen on (default localhost)")
    command.add_argument(
        "--port", type=whole(0, 65535), default=8000, metavar="N", help="0 takes a free one (default 8000)"
    )
    known = "answer to this name too, beside localhost, this machine's and any address; may be given several times"
    command.add_argument("--allow-host", action="append", default=[], metavar="NAME", help=known)
    command.add_argument("--api", action="store_true", help="serve a model's HTTP API instead: POST /predict")
    model = command.add_mutually_exclusive_group()
    model.add_argument("--task", help="--api: the model of this task (default: the first task that has one)")
    model.add_argument("--model", metavar="FOLDER", help="--api: the model in this folder")
    command.add_argument(
        "--verify", metavar="KEY.pub", help="--api: only a model that the owner of this key has signed"
    )
    at_a_time = f"--api: requests of one address at a time (default {Limits.per_client}; 0: any number)"
    command.add_argument("--per-client", type=whole(0), default=Limits.per_client, metavar="N", help=at_a_time)


def main(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C; return 0."""
    if options.api:
        return serve_api(options)
    server = start(Path(options.folder), options.host, options.port, allowed=options.allow_host)
    with contextlib.suppress(KeyboardInterrupt):  # waitress ends in order on Ctrl-C and on SIGTERM, once it runs
        print(f"{options.folder} at {address(options.host, server.effective_port)}    Ctrl-C stops", flush=True)
        server.run()
    server.close()
    return _end()


def serve_api(options: argparse.Namespace) -> int:
    """Serve the API until Ctrl-C; return 0. Raises `UserError` where the extra is not installed."""
    try:
        from sortline.server import app, listen
    except ModuleNotFoundError as error:
        raise UserError(f"serve --api needs the extra 'api' ({error.name}): pip install 'sortline[api]'") from None
    from PIL import Image

    from sortline.export import trial
    from sortline.export.classifier import Classifier, outcome

    folder = model_folder(options.model, options.task)
    if options.verify:
        from sortline.export import signature

        signature.verify(folder, expanded(options.verify))
    if options.model:
        trial.check(folder)
    classifier = Classifier(folder, threads=1)
    try:
        outcome(partial(classifier.predict, Image.new("RGB", (64, 64), "grey")), folder)  # the first takes longer
    except ModuleNotFoundError as error:
        raise UserError(f"{folder.as_posix()}: this model also needs {error.name}: pip install {error.name}") from None
    built = app.build(classifier, Hosts(options.host, options.allow_host), Limits(per_client=options.per_client))
    with listening(options.host, options.port) as place, contextlib.suppress(KeyboardInterrupt):
        place.listen()
        print(f"{folder.as_posix()} at {address(options.host, place.getsockname()[1])}    Ctrl-C stops", flush=True)
        listen.server(built).run(sockets=[place])
    return _end()


def _end() -> int:
    """Take Ctrl-C for the end, after which all is well; what else stops a command goes on its way."""
    if signals.exit_code() != 130:
        raise signals.Terminated
    print()
    return 0


def start(folder: Path, host: str, port: int, patience: int = PATIENCE, allowed: list[str] | None = None) -> Any:
    """Return waitress's server of the app in `folder`, listening; port 0 takes a free one. Raises `UserError`."""
    import waitress  # here, as a machine that serves the API alone has none of it

    from sortline.cli._shared.app_files import AppFiles

    if not (folder / "index.html").is_file():
        raise UserError(f"{folder.as_posix()}: no app there; build it: make web (or: node web/build.mjs MODEL_FOLDER)")
    place = listening(host, port)
    logging.getLogger("waitress").setLevel(logging.ERROR)  # a client that went away is no news
    return waitress.create_server(
        AppFiles(folder, Hosts(host, allowed or [])), sockets=[place], threads=THREADS, connection_limit=CONNECTIONS,
        channel_timeout=patience, cleanup_interval=max(1, patience // 4), ident=None,
    )  # fmt: skip
