"""By which names a server is asked for, so that no page of somebody else's reaches it by a name of theirs."""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit


class Hosts:
    """This machine's names: `localhost`, its own, the one that is listened on, and those `allowed` besides."""

    def __init__(self, host: str, allowed: Iterable[str] = ()) -> None:
        self.names = {"localhost", host.lower(), socket.gethostname().lower(), *(name.lower() for name in allowed)}

    def are_ours(self, header: str) -> bool:
        """Whether a Host header names this machine. Others can let a name of theirs lead here, but no address."""
        try:
            name = urlsplit(f"//{header}").hostname or ""
            return name in self.names or bool(ipaddress.ip_address(name))
        except ValueError:
            return False
