"""A connection to a region's log, whether the region runs or not."""

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from journal.bus import Bus
from journal.connection import connect, disconnect
from journal.embedded import EmbeddedLog
from journal.errors import LogUnavailable
from journal.streams import missing_streams
from journal.waiting import within
from services.cli.processes import end_by_pid, running
from services.cli.region import Region, RegionError
from services.cli.supervisor import SUPERVISOR, AlreadyRunning, kept, locked, nats_server

PATIENCE = 5.0  # seconds until a log that should be there must have answered


@asynccontextmanager
async def open_log(region: Region, *, name: str) -> AsyncIterator[Bus]:
    """A connection to the region's log. Where the region does not run, the log's server does as long as the block.

    Raises RegionError when the log can be had in neither way, or there is none yet.
    """
    client = await running_log(region, name=name)
    if client is not None:
        try:
            await _require_log(client, region)
            yield client
        finally:
            await disconnect(client)
        return
    if region.embedded_log is None:
        raise RegionError(f"The log of the region in {region.data}, at {', '.join(region.nats_urls)}, does not answer.")
    with held(region):
        async with served(region, name=name) as client:
            await _require_log(client, region)
            yield client


async def _require_log(client: Bus, region: Region) -> None:
    if "EVENTS" in await missing_streams(client):
        raise RegionError(
            f"The region in {region.data} has no log yet: its first start was cut short. `chronova up` goes on with it."
        )


async def running_log(region: Region, *, name: str) -> Bus | None:
    """A connection to the log of a region that runs; None when nobody answers there, or somebody else does."""
    embedded = region.embedded_log
    if embedded is not None and not _is_open(embedded.port):
        return None
    try:
        return await within(PATIENCE, connect(region.log.urls, region.log.control_seed, name=name, quiet=True))
    except (LogUnavailable, TimeoutError, OSError):
        return None


@contextlib.contextmanager
def held(region: Region) -> Iterator[None]:
    """The region is ours, and does not run. Raises RegionError, also when its log is none of its own."""
    own_log(region)
    try:
        with locked(region):
            yield
    except AlreadyRunning:
        pid = running(region.run / f"{SUPERVISOR}.pid")
        who = "It is being used by another command" if pid is None else f"It is run by process {pid}"
        raise RegionError(f"The log of the region in {region.data} does not answer. {who}: try again.") from None


@asynccontextmanager
async def served(region: Region, *, name: str, sync_interval: str = "always") -> AsyncIterator[Bus]:
    """A connection to the log of a region that is held, from a server of our own on a port that nobody knows.

    Raises RegionError while another server has the same store, StartFailed.
    """
    # One that a command like this left when it was killed, or a supervisor: two servers must never have one store.
    end_by_pid(region.run / "nats-server.pid")
    if pid := _serving(own_log(region).directory):
        raise RegionError(f"The log of the region in {region.data} has a server already, process {pid}: end it first.")
    apart = region.with_settings(nats_port=_free_port())
    own_log(apart).configure(region.hosts, sync_interval=sync_interval)
    try:
        async with kept(apart, nats_server(apart)):
            client = await connect(apart.log.urls, apart.log.control_seed, name=name)
            try:
                yield client
            finally:
                await disconnect(client)
    finally:
        own_log(region).configure(region.hosts)


def own_log(region: Region) -> EmbeddedLog:
    """The log that the region runs itself. Raises RegionError when it is given one that others run."""
    if region.embedded_log is None:
        raise RegionError(
            f"The region in {region.data} has its log at {', '.join(region.nats_urls)}: "
            "this is for a region that runs its log itself."
        )
    return region.embedded_log


def _serving(directory: Path) -> int | None:
    """The process that serves the log in a directory, whoever has started it."""
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if any(
                Path(os.fsdecode(word)).parent == directory for word in cmdline.read_bytes().split(b"\0")[1:] if word
            ):
                return int(cmdline.parent.name)
    return None


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
