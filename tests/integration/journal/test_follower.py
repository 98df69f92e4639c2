"""Following a real log: everything, in order, once, also across a restart of the server."""

import asyncio
from functools import partial

from domain.host.host import Host
from domain.host.service import disable
from journal.bus import Bus
from journal.envelope import Author
from journal.follower import Follower
from journal.repository import Repository
from tests.integration.conftest import LogServer, until_connected
from tests.integration.journal.test_repository import host
from tests.unit.domain.specification import AT

AUTHOR = Author(actor="user:test", source="test")


async def append(client: Bus, name: str, count: int) -> None:
    repository = Repository(client)
    await repository.create(host(name), AUTHOR)
    for number in range(count - 1):
        await repository.execute(Host, name, partial(disable, reason=str(number), at=AT), AUTHOR)


async def positions(follower: Follower, until: int) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(30):
        async for batch in follower.batches():
            found += [recorded.position for recorded in batch]
            if found[-1] >= until:
                return found
    raise AssertionError


async def test_it_begins_after_a_position_and_misses_nothing(client: Bus) -> None:
    await append(client, "a", 30)
    assert await positions(Follower(client, after=0), 30) == list(range(1, 31))
    assert await positions(Follower(client, after=12), 30) == list(range(13, 31))


async def test_it_asks_for_more_than_it_asked_for_at_first(client: Bus) -> None:
    await append(client, "a", 60)
    assert await positions(Follower(client, after=0, batch=7), 60) == list(range(1, 61))


async def test_it_hears_of_what_comes_while_it_waits(client: Bus) -> None:
    following = asyncio.create_task(positions(Follower(client, after=0), 5))
    await append(client, "a", 5)
    assert await following == [1, 2, 3, 4, 5]


async def test_it_goes_on_by_itself_after_the_server_was_killed(client: Bus, log_server: LogServer) -> None:
    await append(client, "a", 5)
    following = asyncio.create_task(positions(Follower(client, after=0), 10))
    await asyncio.sleep(0)
    log_server.kill()
    log_server.start()
    await until_connected(log_server.log)
    while not client.is_connected:
        await asyncio.sleep(0.01)
    await append(client, "b", 5)
    assert await following == list(range(1, 11))
