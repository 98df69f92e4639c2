"""One ICMP echo (RFC 792): the machine may have no `ping`."""

import os
import socket
import struct
import time

ECHO, ECHO_REPLY = 8, 0


def answers(address: str, within: float = 10.0) -> bool:
    """Whether somebody at the address answers in time."""
    deadline = time.monotonic() + within
    mark = os.getpid() & 0xFFFF
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
        raw.settimeout(0.5)
        while time.monotonic() < deadline:
            try:
                raw.sendto(_echo(mark), (address, 0))
                packet, (sender, _port) = raw.recvfrom(1500)
            except OSError:
                continue
            kind, _code, _checksum, identity, _sequence = struct.unpack_from("!BBHHH", packet, 20)
            if (sender, kind, identity) == (address, ECHO_REPLY, mark):
                return True
    return False


def _echo(mark: int) -> bytes:
    words = (ECHO << 8, mark, 1)
    total = sum(words)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return struct.pack("!HHHH", ECHO << 8, checksum, mark, 1)
