"""A place of this machine to listen on, for the commands that serve something."""

import errno
import os
import socket

from sortline._core.errors import UserError


def listening(host: str, port: int) -> socket.socket:
    """Return a socket at an address of this machine, IPv4 where `host` has both; port 0 takes a free one.

    Raises `UserError` where it cannot be had.
    """
    ours = "name an address of this machine: --host localhost, or --host 0.0.0.0 for all it has"
    if not host:
        raise UserError(f"--host is empty; {ours}")
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, address = min(addresses, key=lambda one: one[0] != socket.AF_INET)
    except (OSError, UnicodeError) as error:
        raise UserError(f"{host}: no address ({getattr(error, 'strerror', None) or error}); {ours}") from None
    found = socket.socket(family)
    if os.name == "posix":  # elsewhere it would let a second server take the port too
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind(address)
    except OSError as error:
        found.close()
        taken = "choose another port: --port 0 takes a free one"
        advice = ours if error.errno == errno.EADDRNOTAVAIL else taken
        raise UserError(f"{host}, port {port}, cannot be used ({error.strerror}); {advice}") from None
    return found


def address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"
