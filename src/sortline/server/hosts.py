"""By which names a server is asked for, so that no page of somebody else's reaches it by a name of theirs."""

import ipaddress
import socket
from collections.abc import Iterable
from urllib.parse import urlsplit


class Hosts:
    """This machine's names: `localhost`, its own, the one that is listened on, and those `allowed` besides."""

    def __init__(self, host: str, allowed: Iterable[str] = ()) -> None:
        own = socket.gethostname().lower()
        name = own.split(".")[0]
        # By the last two a phone in the same network finds this machine; no name server elsewhere can give them out.
        self.names = {"localhost", host.lower(), *(one.lower() for one in allowed), own, name, f"{name}.local"}

    def are_ours(self, header: str) -> bool:
        """Whether a Host header names this machine. Others can let a name of theirs lead here, but no address."""
        try:
            name = urlsplit(f"//{header}").hostname or ""
            return name.removesuffix(".") in self.names or bool(ipaddress.ip_address(name))
        except ValueError:
            return False
