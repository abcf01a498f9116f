"""The HTTP API, served in a thread for as long as a block runs."""

import contextlib
import threading

import requests

from sortline.cli._shared.listening import listening
from sortline.server import app, listen
from sortline.server.hosts import Hosts
from sortline.server.limits import Limits


@contextlib.contextmanager
def serving(classifier, limits=None, patience=20.0):
    """Yield a session that asks the server, `url` being its address."""
    place = listening("localhost", 0)
    place.listen()
    server = listen.server(app.build(classifier, Hosts("localhost"), limits or Limits()), patience)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
    thread.start()
    with requests.Session() as session:
        session.trust_env = False
        session.url = f"http://localhost:{place.getsockname()[1]}"
        session.get(f"{session.url}/health").raise_for_status()
        yield session
    server.should_exit = True
    thread.join(30)
    place.close()
    assert not thread.is_alive()
