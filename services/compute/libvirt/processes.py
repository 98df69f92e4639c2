"""The processes of one host's libvirt: how to find them, and how to end them, without ever hitting another's.

A pid alone proves nothing: it may have been given to another process. Ours are told by where they live: in a mount
namespace in which `/run/libvirt` is our own directory. That also finds what an earlier keeper, long dead, left running.
"""

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.compute.libvirt.layout import LIBVIRT_RUN, Layout

GRACE = 5.0  # seconds between asking a process to end and ending it


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it was seen."""

    pid: int
    name: str


def own_processes(layout: Layout) -> list[Process]:
    """All processes in a namespace of ours, except this one."""
    try:
        mark = (layout.run / "libvirt").stat()
    except FileNotFoundError:
        return []
    found = []
    for process in all_processes():
        try:
            seen = Path(f"/proc/{process.pid}/root{LIBVIRT_RUN}").stat()
        except OSError:
            continue
        if os.path.samestat(mark, seen) and process.pid != os.getpid():
            found.append(process)
    return found


def all_processes() -> Iterator[Process]:
    """All processes that this one can see."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                yield Process(int(entry.name), (entry / "comm").read_text().strip())
            except OSError:
                continue  # it has ended meanwhile


def end(processes: list[Process], layout: Layout) -> None:
    """End these, if they are still ours: first kindly, after `GRACE` by force. Returns when they are gone."""
    with _watched(processes, layout) as handles:
        for how, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
            for handle in handles:
                if not has_ended(handle):
                    signal.pidfd_send_signal(handle, how)
            deadline = time.monotonic() + patience
            for handle in handles:
                select.select([handle], [], [], max(0.0, deadline - time.monotonic()))
            if all(map(has_ended, handles)):
                return


def has_ended(handle: int) -> bool:
    """Whether a pidfd's process has ended (pidfd_open(2): it is readable then)."""
    return bool(select.select([handle], [], [], 0)[0])


@contextmanager
def _watched(processes: list[Process], layout: Layout) -> Iterator[list[int]]:
    """Handles that stay with their process, of those that are ours now that their pids can no longer change hands."""
    handles: dict[int, int] = {}
    try:
        for process in processes:
            try:
                handles[process.pid] = os.pidfd_open(process.pid)
            except ProcessLookupError:
                continue
        still = {process.pid for process in own_processes(layout)}
        yield [handle for pid, handle in handles.items() if pid in still]
    finally:
        for handle in handles.values():
            os.close(handle)
