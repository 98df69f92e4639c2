"""Telling a DHCP server, in a guest's name, that the guest needs its address no longer. Source: RFC 2131, 4.4.6."""

import os
import socket
import struct
from ipaddress import IPv4Address

from domain.instance.desired import Nic

BOOTREQUEST, ETHERNET, MAC_LENGTH = 1, 1, 6
MAGIC = b"\x63\x82\x53\x63"
MESSAGE_TYPE, SERVER_ID, END = 53, 54, 255
RELEASE = 7
SERVER_PORT = 67


def release_lease(bridge: str, nic: Nic) -> None:
    """Send the release from the bridge, as a guest would have. Nothing tells whether it was heeded. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode())
        sender.sendto(release_message(nic, os.urandom(4)), (nic.gateway, SERVER_PORT))


def release_message(nic: Nic, transaction: bytes) -> bytes:
    """The message's bytes."""
    return b"".join(
        (
            struct.pack("!4B", BOOTREQUEST, ETHERNET, MAC_LENGTH, 0),
            transaction,
            bytes(4),  # seconds, flags
            IPv4Address(nic.address).packed,
            bytes(12),  # your, server's and relay's address
            bytes.fromhex(nic.mac.replace(":", "")).ljust(16, b"\0"),
            bytes(64 + 128),  # server's name, boot file
            MAGIC,
            bytes((MESSAGE_TYPE, 1, RELEASE)),
            bytes((SERVER_ID, 4)) + IPv4Address(nic.gateway).packed,
            bytes((END,)),
        )
    ).ljust(300, b"\0")
