"""From libvirt's errors to sentences that say what happened, or what to do. One table, matched from top to bottom.

Libvirt's codes alone do not tell: 1 and 38 stand for dozens of failures, so the text is matched too. The daemon speaks
English, because the keeper gives it that locale. Source: libvirt's `virErrorNumber`, and errors as they were seen.
"""

import re
from dataclasses import dataclass

import libvirt

from services.compute.hypervisor import HypervisorError

libvirt.registerErrorHandler(lambda _context, _error: None, None)  # else libvirt also writes every error to stderr


class ConnectionLost(HypervisorError):
    """The daemon went away during a call, which may have had its effect or not. After a reconnect it can be repeated."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an error means when its code is this (None: any) and its text matches."""

    code: int | None
    text: str  # a regular expression; its first group, if it has one, fills the sentence
    sentence: str
    kind: type[HypervisorError] = HypervisorError


LOST = "libvirt on this host does not answer: its keeper starts it again, or see its log."

MEANINGS = (
    Meaning(None, r"Failed to connect socket|Cannot (?:recv|write) data|client socket is closed", LOST, ConnectionLost),
    Meaning(None, r"internal error: connection closed|invalid connection pointer|keepalive", LOST, ConnectionLost),
    Meaning(38, r"virtlogd", "libvirt's log daemon does not answer: its keeper starts it again, or see its log."),
    Meaning(38, r"Failed to terminate process", "The guest's process does not end."),
    Meaning(None, r"Cannot allocate memory|cannot set up guest memory", "The host has too little free memory."),
    Meaning(None, r"No space left on device|Disk quota exceeded", "The host's disk is full."),
    Meaning(
        None,
        r"Permission denied",
        "QEMU may not open one of the guest's files: see the modes of the host's data directory.",
    ),
    Meaning(
        None,
        r"(?:open|access) .*No such file or directory",
        "A file of the guest's is missing on this host: its disk, its config drive, or the image below its disk.",
    ),
    Meaning(
        None,
        r"not in qcow2 format|Image is corrupt|Could not open backing file|qcow2: ",
        "The guest's disk, or the image below it, is damaged.",
    ),
    Meaning(
        None,
        r"already in use by interface (\S+)",
        "The network's addresses are in use on this host already, by {0}: give the network another range.",
    ),
    Meaning(43, r"", "The guest's network is not there on this host."),
    Meaning(42, r"", "There is no such guest on this host."),
    Meaning(9, r"", "Something else on this host has that name or id already."),
    Meaning(67, r"", "The host's QEMU cannot run this kind of guest: a processor, machine or device is not supported."),
    Meaning(68, r"", "The guest is busy with another operation: try again."),
    Meaning(55, r"", "The guest is in a state in which that cannot be done."),
    Meaning(None, r"dnsmasq", "The network's DHCP server does not start: is something else on the network's address?"),
)


def meaning(code: int | None, text: str) -> HypervisorError | None:
    """The error to raise; None for what is not in the table. Code None: not libvirt but QEMU's own tools said it."""
    for entry in MEANINGS:
        if entry.code in {None, code} and (found := re.search(entry.text, text)):
            return entry.kind(entry.sentence.format(*found.groups()))
    return None


def translated(error: libvirt.libvirtError) -> HypervisorError:
    """The error to raise for one that libvirt raised. What is not in the table is passed on in libvirt's own words."""
    code, text = error.get_error_code(), error.get_error_message() or str(error)
    return meaning(code, text) or HypervisorError(f"libvirt could not do it: {text} (code {code}).")
