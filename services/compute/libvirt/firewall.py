"""What libvirt leaves in the machine's firewall: empty chains, and the jumps to them.

Libvirt makes its chains once in the life of a daemon and then relies on them, so they are removed only while no other
libvirt runs on this machine's network: neither the system's own nor another region's.
"""

import fcntl
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from services.compute.libvirt.layout import Layout
from services.compute.libvirt.processes import all_processes, own_processes

DAEMONS = frozenset({"libvirtd", "virtnetworkd"})
TOOLS = ("iptables", "ip6tables")
TABLES = ("filter", "nat", "mangle")
PREFIX = "LIBVIRT_"


@contextmanager
def machine_lock() -> Iterator[None]:
    """Held while a daemon is started, and while chains are removed, by every region on the machine."""
    handle = os.open("/run", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def remove_empty_chains(layout: Layout) -> None:
    """Remove libvirt's chains from each table in which none holds a rule."""
    with machine_lock():
        if _another_libvirt_runs(layout):
            return
        for tool in TOOLS:
            for table in TABLES:
                for change in removal(_run(tool, "-t", table, "-S").splitlines()):
                    _run(tool, "-t", table, *change)


def removal(rules: Iterable[str]) -> list[tuple[str, ...]]:
    """What removes the chains, given a table as `iptables -S` prints it; nothing when one of them holds a rule."""
    chains, jumps = [], []
    for rule in rules:
        words = rule.split()
        match words:
            case ["-N", chain] if chain.startswith(PREFIX):
                chains.append(chain)
            case ["-A", chain, *_] if chain.startswith(PREFIX):
                return []
            case ["-A", chain, "-j", target] if target.startswith(PREFIX):
                jumps.append(("-D", chain, "-j", target))
    return [*jumps, *(("-X", chain) for chain in chains)]


def _another_libvirt_runs(layout: Layout) -> bool:
    ours = {process.pid for process in own_processes(layout)}
    network = Path("/proc/self/ns/net").readlink()
    for process in all_processes():
        if process.name in DAEMONS and process.pid not in ours:
            try:
                if Path(f"/proc/{process.pid}/ns/net").readlink() == network:
                    return True
            except OSError:
                continue  # it has ended meanwhile
    return False


def _run(*command: str) -> str:
    """What a tool prints; nothing when it fails or is not there, as where the kernel lacks a table."""
    tool, *arguments = command
    try:
        done = subprocess.run(  # noqa: S603 -- our own arguments
            [tool, "-w", "5", *arguments], check=False, capture_output=True, text=True, timeout=15
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout
