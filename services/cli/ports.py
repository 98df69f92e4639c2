"""Ports: taken before anything is built on them, and refused in a sentence."""

import socket

from services.cli.region import RegionError


def listening(address: str, port: int) -> socket.socket:
    """A socket bound to a port. Raises RegionError when it cannot be used."""
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((address, port))
    except OSError as error:
        found.close()
        raise RegionError(f"Port {port} cannot be used ({error.strerror}): choose another.") from None
    return found
