"""A region for integration tests: a real nats-server, the real streams, a real projector into SQLite, and what a region
has from its first start on. Services that a test needs are started by the test."""

import asyncio
import contextlib
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from journal.bus import Bus
from journal.connection import connect
from journal.embedded import EmbeddedLog
from journal.errors import LogUnavailable
from journal.streams import prepare
from services.cli.control_plane import ControlPlane, prepare_region
from services.cli.region import Region


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class LogServer:
    """A nats-server that the test owns."""

    log: EmbeddedLog
    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        self.process = subprocess.Popen(self.log.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


async def until_connected(log: EmbeddedLog) -> None:
    for _ in range(100):
        try:
            client = await connect(log.url, log.control_seed, name="probe", patience=1)
        except LogUnavailable:
            await asyncio.sleep(0.05)
        else:
            await client.close()
            return
    raise AssertionError("the nats-server does not answer")


async def eventually(probe: Callable[[], Awaitable[Any]], *, within: float = 20.0) -> Any:
    """The first truthy answer of a probe."""
    deadline = asyncio.get_running_loop().time() + within
    while True:
        answer = await probe()
        if answer:
            return answer
        assert asyncio.get_running_loop().time() < deadline, f"nothing came of {probe} within {within} s"
        await asyncio.sleep(0.02)


@pytest.fixture
def settings(tmp_path: Path) -> Region:
    region = Region(
        data=tmp_path / "region",
        api_port=free_port(),
        nats_port=free_port(),
        hypervisor="simulated",
        hosts=("host-1", "host-2"),
        session="test",
    )
    region.save()
    return region


@pytest.fixture
def log_server(settings: Region) -> Iterator[LogServer]:
    settings.log.configure(settings.hosts)
    server = LogServer(settings.log)
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def client(settings: Region, log_server: LogServer) -> AsyncIterator[Bus]:
    """A connection to a real log that holds nothing yet."""
    await until_connected(settings.log)
    client = await connect(settings.log.url, settings.log.control_seed, name="test")
    await prepare(client)
    yield client
    await client.close()


class Running:
    """A region that runs; `run` starts further services, which end with the test."""

    def __init__(self, plane: ControlPlane, server: LogServer) -> None:
        self.plane = plane
        self.server = server
        self.tasks: list[asyncio.Task[None]] = []
        self.before = asyncio.all_tasks()

    def run(self, service: Awaitable[None]) -> asyncio.Task[None]:
        task = asyncio.ensure_future(service)
        self.tasks.append(task)
        return task

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=2)
        # What a library has lost is said again, to every task but the test's own.
        while left := [task for task in self.tasks if not task.done()]:
            for task in self.asyncio_tasks():
                task.cancel()
            await asyncio.wait(left, timeout=0.5)
        for task in self.tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def asyncio_tasks(self) -> set[asyncio.Task[Any]]:
        return {task for task in asyncio.all_tasks() - self.before if task is not asyncio.current_task()}


@pytest.fixture
async def region(settings: Region, log_server: LogServer) -> AsyncIterator[Running]:
    await until_connected(settings.log)
    await prepare_region(settings, None)
    async with ControlPlane.open(settings, "test") as plane:
        running = Running(plane, log_server)
        running.run(plane.projector())
        try:
            yield running
        finally:
            await running.stop()
