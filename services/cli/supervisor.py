"""The supervisor: runs a region's processes until it is told to stop, and starts again what dies."""

import asyncio
import contextlib
import fcntl
import logging
import os
import shutil
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL

import httpx
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from journal.connection import connect, disconnect
from journal.errors import JournalError, LogUnavailable
from projections.read_model import open_engine, sqlite_url
from projections.tables import hosts
from services.cli.ports import listening
from services.cli.processes import Process, Program, StartFailed, end_by_pid, write_pid
from services.cli.region import Region, RegionError

log = logging.getLogger(__name__)

SUPERVISOR = "supervisor"
LIBVIRT = "libvirt"
LOG_SERVER = "nats-server"
CANNOT_STORE = b"JetStream failed to store a msg"
ENOUGH = 16 << 20  # bytes of free disk that the log's server is started again with
ORDER = ("agents", "control-plane", LIBVIRT, LOG_SERVER)
"""In this order what an earlier supervisor has left running is ended."""


class AlreadyRunning(Exception):
    """Another supervisor runs this region."""


@contextlib.contextmanager
def locked(region: Region) -> Iterator[None]:
    """Hold the region, so that no two supervisors run it. Raises AlreadyRunning."""
    with (region.data / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning from None
        yield


def require_ports(region: Region) -> None:
    """Raises RegionError when a port that the region needs is taken."""
    ports = {"--api-port": region.api_port}
    if region.embedded_log is not None:
        ports["--nats-port"] = region.nats_port
        if region.api_port == region.nats_port:
            raise RegionError("The API and the event log cannot share a port: choose another with --nats-port.")
    for option, port in ports.items():
        try:
            listening("127.0.0.1", port).close()
        except RegionError as error:
            raise RegionError(f"{str(error).rstrip('.')} with {option}.") from None


def end_leftovers(region: Region) -> None:
    """End what a supervisor that was killed has left running. Guests stay: libvirt's keeper is killed, not asked to tidy up."""
    for name in ORDER:
        if end_by_pid(region.run / f"{name}.pid", **({"how": SIGKILL} if name == LIBVIRT else {})):
            log.warning("%s of an earlier run was ended", name)


async def run_region(region: Region, guest_image: Path | None, ready: Callable[[], None]) -> None:
    """Run the region until cancelled; `ready` is called once it takes requests. Raises StartFailed, RegionError."""
    write_pid(region.run / f"{SUPERVISOR}.pid", os.getpid())
    end_leftovers(region)
    require_ports(region)
    if region.embedded_log is not None:
        region.embedded_log.configure(region.hosts)
    async with kept(region, nats_server(region)) as server, kept(region, libvirt(region)):
        await prepare(region, guest_image)
        async with kept(region, control_plane(region)), kept(region, agents(region)):
            ready()
            await heal_log_server(region, server)


@asynccontextmanager
async def kept(region: Region, program: Program | None) -> AsyncIterator[Process | None]:
    """A process that is ready, and kept running until the end of the block; None for no program."""
    if program is None:
        yield None
        return
    process = Process(program, logs=region.logs, run=region.run)
    keeper: asyncio.Task[None] | None = None
    try:
        await process.start()
        keeper = asyncio.create_task(process.keep(), name=f"keep {program.name}")
        yield process
    finally:
        if keeper is not None:
            keeper.cancel()
            await asyncio.wait([keeper])
        await asyncio.shield(process.stop())


async def heal_log_server(region: Region, server: Process | None) -> None:
    """Watch for ever. A log server whose disk was full refuses appends until it is started again, space or not."""
    since, failing = 0, False
    if server is None:
        await asyncio.Event().wait()  # whoever runs the log watches over it
    while server is not None:
        await asyncio.sleep(2)
        with server.output.open("rb") as file:
            file.seek(since)
            added = file.read()
        since += len(added)
        if CANNOT_STORE in added and not failing:
            failing = True
            log.error("The event log cannot be written: requests are refused. Is the disk of %s full?", region.data)
        if failing and shutil.disk_usage(region.data).free > ENOUGH:
            failing = False
            log.warning("there is space again: the log's server is started anew")
            server.restart()


async def prepare(region: Region, guest_image: Path | None) -> None:
    """What the region must have before its services begin."""
    from services.cli.control_plane import prepare_region  # noqa: PLC0415 -- heavy, and not needed to refuse a wrong option

    try:
        await prepare_region(region, guest_image)
    except (JournalError, ValueError) as error:
        raise StartFailed(f"The region cannot be prepared: {error}") from error
    except OSError as error:
        raise StartFailed(f"The region cannot be prepared: {error.strerror} ({error.filename}).") from error


def chronova(region: Region, *command: str) -> list[str]:
    """The command line of one of our own services."""
    return [sys.executable, "-m", "services.cli.main", *command, "--data", str(region.data)]


def nats_server(region: Region) -> Program | None:
    """The event log's server; None where others run it."""
    embedded = region.embedded_log
    if embedded is None:
        return None

    async def ready() -> bool:
        try:
            client = await connect(region.log.urls, region.log.control_seed, name="probe", patience=1, quiet=True)
        except LogUnavailable:
            return False
        await disconnect(client)
        return True

    return Program(LOG_SERVER, embedded.command(), ready)


def control_plane(region: Region) -> Program:
    """API, scheduler, conductor and projections, in one process."""

    async def ready() -> bool:
        return await answers(f"{region.api_url}/v1/health")

    return Program("control-plane", chronova(region, "control-plane"), ready)


def agents(region: Region) -> Program:
    """The agent, or the agents of all simulated hosts."""

    async def ready() -> bool:
        return await asyncio.to_thread(hosts_are_up, region)

    return Program("agents", chronova(region, "agent"), ready)


def libvirt(region: Region) -> Program | None:
    """The host's own libvirt; None where guests are simulated."""
    if region.is_simulated:
        return None
    root = region.host_directory(region.hosts[0]) / "libvirt"
    from services.compute.libvirt.environment import is_ready  # noqa: PLC0415 -- needs libvirt, which a simulated region does not

    async def ready() -> bool:
        return await asyncio.to_thread(is_ready, root)

    command = [sys.executable, "-m", "services.compute.libvirt.environment", "--root", str(root)]
    return Program(LIBVIRT, [*command, "--accelerator", region.accelerator], ready, patience=60, ending=60)


def hosts_are_up(region: Region) -> bool:
    """Whether the read model shows all hosts of this machine as up."""
    engine = open_engine(sqlite_url(region.read_model))
    try:
        with engine.connect() as connection:
            up = connection.execute(select(hosts.c.name).where(hosts.c.up)).scalars().all()
    except SQLAlchemyError:
        return False
    finally:
        engine.dispose()
    return set(region.hosts) <= set(up)


async def answers(url: str) -> bool:
    """Whether a URL answers with success."""
    try:
        async with httpx.AsyncClient(timeout=2) as client:
            return (await client.get(url)).is_success
    except httpx.HTTPError:
        return False
