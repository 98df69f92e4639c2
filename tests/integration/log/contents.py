"""What is in a log, and in what is made from it: to compare."""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from journal.bus import Bus
from journal.chain import LogDigest
from journal.envelope import hash_of_stored
from journal.export.records import own_block
from journal.follower import read
from journal.streams import last_position
from projections.projector import Projector
from projections.read_model import open_or_rebuild, position_of
from projections.tables import metadata
from services.cli.log.opened import open_log
from services.cli.region import Region
from tests.integration.conftest import eventually

Content = list[tuple[int, str, bytes, bytes]]


async def content(bus: Bus) -> Content:
    """Position, subject, headers and body of every event: all that its writer gave."""
    found: Content = []
    async for batch in read(bus, until=await last_position(bus)):
        found += [(stored.position, stored.subject, own_block(stored.block), stored.body) for stored in batch]
    return found


async def digest(bus: Bus) -> str:
    found = LogDigest()
    async for batch in read(bus, until=await last_position(bus)):
        for stored in batch:
            found.add(hash_of_stored(stored))
    return found.hexdigest()


@contextlib.asynccontextmanager
async def opened(data: Path) -> AsyncIterator[Bus]:
    """The log of a region that does not run."""
    region = Region.load(data)
    assert region is not None
    async with open_log(region, name="test") as bus:
        yield bus


def rows(path: Path) -> dict[str, list[Any]]:
    """All rows of all tables of a read model."""
    engine = open_or_rebuild(path)
    try:
        with engine.connect() as connection:
            return {
                table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key))]
                for table in metadata.sorted_tables
            }
    finally:
        engine.dispose()


async def project(bus: Bus, path: Path) -> None:
    """Bring a read model up to the end of a log."""
    engine = open_or_rebuild(path)
    projecting = asyncio.create_task(Projector(bus, engine).run())
    last = await last_position(bus)

    async def is_done() -> bool:
        with engine.connect() as connection:
            return position_of(connection) == last

    try:
        await eventually(is_done)
    finally:
        projecting.cancel()
        await asyncio.wait([projecting])
        engine.dispose()


def printed(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the last command has printed as JSON."""
    document: dict[str, Any] = orjson.loads(capsys.readouterr().out.splitlines()[-1])
    return document


def kill_when(what: str, done: int, *command: str) -> None:
    """Run a command, and kill it once it has reported that so much is done."""
    with stalled(what, done, *command) as process:
        process.kill()


@contextlib.contextmanager
def stalled(what: str, done: int, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command that has reported that so much is done, and waits to be ended."""
    arguments = [sys.executable, "-m", "tests.integration.log.stalling", what, str(done), *command]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            assert said.startswith(b"stalled at"), said + process.stdout.read()
            yield process
        finally:
            process.kill()
