#!/usr/bin/env python3
"""A cluster of three nodes beside a single server: what a copy costs, and for how long nothing is recorded when a node goes.

Starts nats-servers of its own on loopback, in a directory of its own, and ends them. All share this machine's processors and
its one disk: on machines of their own the copies cost less of the one and more of the network.
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import uvloop

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from domain.host.host import Host, register
from journal.append import Appender
from journal.bus import Bus
from journal.cluster import Cluster, Node
from journal.connection import connect, disconnect
from journal.copies import copies
from journal.direct_get import DirectGet
from journal.embedded import EmbeddedLog
from journal.envelope import Author, seal
from journal.errors import JournalError
from journal.server import server_command
from journal.streams import prepare

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AUTHOR = Author(actor="service:bench", source="chronova/bench")
INVENTORY = {
    "vcpus": 64,
    "memory_mib": 262144,
    "disk_gib": 4096,
    "allocation_ratios": {"vcpus": 4.0, "memory_mib": 1.0, "disk_gib": 1.0},
    "reserved": {"vcpus": 0, "memory_mib": 512, "disk_gib": 0},
}
AT_ONCE = 32
INCIDENTS = {
    "SIGKILL": signal.SIGKILL,
    "SIGTERM": signal.SIGTERM,
    "lame duck (SIGUSR2)": signal.SIGUSR2,
    "SIGSTOP": signal.SIGSTOP,
}


def free_port() -> int:
    """A port that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Writer:
    """Appends hosts, each an aggregate of its own."""

    def __init__(self, bus: Bus) -> None:
        self._appender = Appender(bus, DirectGet(bus, "EVENTS"))
        self._count = 0

    async def append(self) -> float:
        """One event; the seconds that it took."""
        self._count += 1
        name = f"h{os.getpid()}-{id(self)}-{self._count}"
        event = register(name, INVENTORY, at=AT).pending_events[0]
        sealed = seal(Host, event, AUTHOR, previous="")  # type: ignore[arg-type]
        began = time.perf_counter()
        await self._appender.append(f"evt.host.{name}", [sealed], expected=0)
        return time.perf_counter() - began


@contextmanager
def running(commands: dict[str, list[str]]) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Servers, which are ended with the block."""
    processes = {
        name: subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name, command in commands.items()
    }
    try:
        yield processes
    finally:
        for process in processes.values():
            process.kill()
            process.wait()


def single(directory: Path) -> tuple[dict[str, list[str]], tuple[str, ...], Path]:
    """A single server, as `chronova up` runs it: its command, URLs and key."""
    log = EmbeddedLog(directory, port=free_port())
    log.configure(())
    return {"n1": log.command()}, log.urls, log.control_seed


def cluster(directory: Path, sync: str) -> tuple[dict[str, list[str]], tuple[str, ...], Path]:
    """Three nodes: their commands, URLs and the control plane's key."""
    nodes = tuple(Node(name, "127.0.0.1", free_port(), free_port(), free_port()) for name in ("n1", "n2", "n3"))
    made = Cluster(directory / "log", nodes, store=str(directory / "store"), sync_interval=sync)
    made.configure()
    return {node.name: server_command(made.config(node)) for node in nodes}, made.urls, made.keys.control


@asynccontextmanager
async def connected(urls: tuple[str, ...], seed: Path, replicas: int) -> AsyncIterator[Bus]:
    """A connection to a log that is ready."""
    bus = await connect(urls, seed, name="bench", quiet=True)
    await prepare(bus, replicas=replicas)
    while replicas > 1 and not all(each.is_whole(replicas) for each in await copies(bus)):  # noqa: ASYNC110 -- nothing tells
        await asyncio.sleep(0.1)
    yield bus
    await disconnect(bus)


async def throughput(urls: tuple[str, ...], seed: Path, replicas: int, seconds: float) -> dict[str, float]:
    """Appends a second, one after the other and many at once, and how long one takes."""
    async with connected(urls, seed, replicas) as bus:
        writer = Writer(bus)
        taken: list[float] = []
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            taken.append(await writer.append())
        many = 0

        async def repeat() -> None:
            nonlocal many
            while time.perf_counter() < end:
                await writer.append()
                many += 1

        end = time.perf_counter() + seconds
        await asyncio.gather(*(repeat() for _ in range(AT_ONCE)))
    return {
        "one_by_one_per_s": round(len(taken) / seconds),
        "p50_ms": round(statistics.median(taken) * 1000, 2),
        f"{AT_ONCE}_at_once_per_s": round(many / seconds),
    }


async def gap(urls: tuple[str, ...], seed: Path, nodes: dict[str, subprocess.Popen[bytes]], how: int) -> float:
    """Seconds for which nothing was recorded when the node that leads the log was told to end, or to stop."""
    async with connected(urls, seed, 3) as bus:
        recorded: list[float] = []

        async def write() -> None:
            writer = Writer(bus)
            while True:
                try:
                    await writer.append()
                except JournalError:
                    await asyncio.sleep(0.02)
                else:
                    recorded.append(time.perf_counter())

        writing = [asyncio.create_task(write()) for _ in range(4)]
        await asyncio.sleep(1)
        (leading,) = (each.leader for each in await copies(bus) if each.stream == "EVENTS")
        began = time.perf_counter()
        nodes[str(leading)].send_signal(how)
        # Until it has ended and what comes after that has settled: a lame duck takes half a minute for it.
        while how != signal.SIGSTOP and nodes[str(leading)].poll() is None:  # noqa: ASYNC110 -- nothing tells
            await asyncio.sleep(0.1)
        ended = time.perf_counter()
        while not recorded or recorded[-1] < ended + 3:  # noqa: ASYNC110 -- nothing tells
            await asyncio.sleep(0.1)
        for task in writing:
            task.cancel()
        await asyncio.wait(writing)
    moments = [began, *(moment for moment in recorded if moment > began)]
    return max(after - before for before, after in pairwise(moments))


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="Half a second each, and no node goes.")
    parser.add_argument("--json", action="store_true", help="Print JSON.")
    options = parser.parse_args()
    seconds = 0.5 if options.quick else 3.0
    found: dict[str, object] = {}
    root = Path(tempfile.mkdtemp(prefix="chronova-bench-"))
    try:
        for name, replicas, made in (
            ("one server, sync always", 1, single(root / "single")),
            ("three nodes, sync always", 3, cluster(root / "always", "always")),
            ("three nodes, sync 2m", 3, cluster(root / "2m", "2m")),
        ):
            commands, urls, seed = made
            with running(commands):
                found[name] = await throughput(urls, seed, replicas, seconds)
        for name, how in {} if options.quick else INCIDENTS.items():  # type: ignore[attr-defined]
            commands, urls, seed = cluster(root / name.split()[0], "always")
            with running(commands) as nodes:
                found[f"the leader is told {name}"] = {
                    "nothing_recorded_for_s": round(await gap(urls, seed, nodes, how), 2)
                }
    finally:
        shutil.rmtree(root, ignore_errors=True)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, figures in found.items():
        print(f"{name:<40} " + "  ".join(f"{figure} {value}" for figure, value in figures.items()))  # type: ignore[attr-defined]


if __name__ == "__main__":
    uvloop.run(main())
