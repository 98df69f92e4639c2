"""Waiting for conditions, with deadlines."""

import asyncio
import os
import select
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

BOOT = 90.0  # seconds: a boot takes ten under emulation, more on a busy machine


async def eventually(probe: Callable[[], Awaitable[T | None]], within: float = 20.0) -> T:
    """The first truthy answer of a probe."""
    deadline = time.monotonic() + within
    while not (answer := await probe()):
        assert time.monotonic() < deadline, f"nothing came of it within {within} s"
        await asyncio.sleep(0.05)
    return answer


def until(probe: Callable[[], T], within: float = 20.0) -> T:
    """The same without an event loop."""
    deadline = time.monotonic() + within
    while not (answer := probe()):
        assert time.monotonic() < deadline, f"nothing came of it within {within} s"
        select.select([], [], [], 0.02)
    return answer


def is_running(pid: int) -> bool:
    """Whether a process has not ended; a zombie, which its parent has yet to take note of, has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def processes_with(text: str) -> list[int]:
    """The running processes in whose command line, or environment of mounts, a text occurs."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                seen = (entry / "cmdline").read_text() + (entry / "mountinfo").read_text()
            except OSError:
                continue
            if text in seen and is_running(int(entry.name)):
                found.append(int(entry.name))
    return found
