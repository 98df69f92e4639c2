"""The message that gives an address back, byte by byte (RFC 2131)."""

from services.compute.libvirt.dhcp_release import release_message
from tests.unit.compute.libvirt.guests import NIC


def test_the_message() -> None:
    message = release_message(NIC, b"\x01\x02\x03\x04")

    assert message[:8] == bytes.fromhex("01010600 01020304")
    assert message[12:16] == bytes([10, 80, 0, 7])
    assert message[28:34] == bytes.fromhex("5254003a7b21")
    assert message[236:240] == bytes.fromhex("63825363")
    assert message[240:] == bytes.fromhex("350107 36040a500001 ff").ljust(60, b"\0")
