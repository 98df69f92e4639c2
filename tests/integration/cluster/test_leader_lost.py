"""The node that leads the log dies, or stops for a while, under load: nothing acknowledged is lost, and nothing wins twice."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from journal.bus import Bus
from journal.connection import connect, disconnect
from journal.follower import Follower
from journal.repository import Repository
from journal.streams import last_position
from tests.integration.cluster.load import Writer, Writers, require_sound
from tests.integration.cluster.servers import Servers, leader, until_whole
from tests.integration.journal.test_repository import AUTHOR, anybody, host

HOT, COLD = ["hot"], [f"cold-{number}" for number in range(8)]


@pytest.fixture
async def writers(servers: Servers, client: Bus) -> AsyncIterator[Writers]:
    """Some that contend for one aggregate, and some that hardly ever meet; each connected to any node."""
    repository = Repository(client, may_append=anybody)
    for name in (*HOT, *COLD):
        await repository.create(host(name), AUTHOR)
    buses = [await connect(servers.log.urls, servers.log.control_seed, name=f"w{number}") for number in range(6)]
    writers = Writers([Writer(f"w{number}", bus, HOT if number < 2 else COLD) for number, bus in enumerate(buses)])
    yield writers
    await writers.stop()
    for bus in buses:
        await disconnect(bus)


@pytest.fixture
async def followed(servers: Servers, client: Bus) -> AsyncIterator[list[int]]:
    """The positions that a follower has heard of, in the order in which it did."""
    bus = await connect(servers.log.urls, servers.log.control_seed, name="follower")
    heard: list[int] = []

    async def follow() -> None:
        async for batch in Follower(bus, after=0).batches():
            heard.extend(recorded.stored.position for recorded in batch)

    task = asyncio.create_task(follow())
    yield heard
    task.cancel()
    await asyncio.wait([task])
    await disconnect(bus)


async def test_it_is_killed_and_stops_and_is_killed_again(
    servers: Servers, client: Bus, writers: Writers, followed: list[int]
) -> None:
    await writers.all_go_on()
    for incident in (killed, stopped, killed):
        await incident(servers, client, writers)
        await writers.all_go_on()
        await until_whole(servers)
    await require_all(client, writers, followed)


async def killed(servers: Servers, client: Bus, writers: Writers) -> None:
    leading = await leader(client)
    servers.kill(leading)
    await writers.all_go_on()
    servers.start(leading)


async def stopped(servers: Servers, client: Bus, _writers: Writers) -> None:
    """It wakes up in the belief that it still leads, and finds what was sent to it meanwhile."""
    leading = await leader(client)
    servers.pause(leading)
    while await leader(client) == leading:
        await asyncio.sleep(0.05)
    servers.resume(leading)


async def require_all(client: Bus, writers: Writers, followed: list[int]) -> None:
    await writers.stop()
    last = await last_position(client)
    async with asyncio.timeout(20):
        while not followed or followed[-1] < last:
            await asyncio.sleep(0.02)
    assert followed == list(range(1, len(followed) + 1))
    await require_sound(client, writers)
