"""Following a real log: everything, in order, once, also across a restart of the server."""

import asyncio
from contextlib import aclosing
from functools import partial

import pytest

from domain.host.host import Host
from domain.host.service import disable
from journal.bus import Bus
from journal.envelope import Author, hash_of_stored
from journal.errors import LogUnavailable
from journal.follower import Follower
from journal.repository import Repository
from journal.streams import call
from tests.integration.conftest import LogServer, until_connected
from tests.integration.journal.test_repository import anybody, host
from tests.unit.domain.specification import AT

AUTHOR = Author(actor="user:test", source="test")


async def append(client: Bus, name: str, count: int) -> None:
    repository = Repository(client, may_append=anybody)
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


async def test_a_caller_that_is_slow_holds_the_server_back(client: Bus) -> None:
    await append(client, "a", 100)
    follower = Follower(client, after=0, batch=10)
    async with aclosing(follower.batches()) as batches:
        first = await anext(batches)
        # A round trip: whatever the server would send without being asked again has come by then.
        await client.flush()
        assert follower.position <= 20
        taken = [recorded.position for recorded in first]
        while taken[-1] < 100:
            taken += [recorded.position for recorded in await anext(batches)]
    assert taken == list(range(1, 101))


@pytest.fixture
async def gap(client: Bus) -> Bus:
    """A log whose third of five events is gone: no server of ours allows that, so this stream is made to."""
    await call(client, "STREAM.DELETE.EVENTS")
    await call(client, "STREAM.CREATE.EVENTS", {"name": "EVENTS", "subjects": ["evt.>"], "allow_direct": True})
    await append(client, "a", 5)
    await call(client, "STREAM.MSG.DELETE.EVENTS", {"seq": 3})
    return client


async def test_a_gap_is_said_and_never_passed_over(gap: Bus, caplog: pytest.LogCaptureFixture) -> None:
    follower = Follower(gap, after=0)
    seen: list[int] = []

    async def follow() -> None:
        async for batch in follower.batches():
            seen.extend(recorded.position for recorded in batch)

    following = asyncio.create_task(follow())
    async with asyncio.timeout(10):
        while "event 3 was skipped: 4 came" not in caplog.text:
            await asyncio.sleep(0.01)
    following.cancel()
    assert seen == [1, 2]


async def test_an_event_that_cannot_be_read_is_named_and_what_came_before_it_is_given(
    client: Bus, caplog: pytest.LogCaptureFixture
) -> None:
    await append(client, "a", 2)
    headers = {"ce-type": "chronova.host.from-the-future.v9", "ce-sequence": "3"}
    await client.request("evt.host.a", b'{"timestamp":"2026-01-02T03:04:05Z"}', headers=headers)
    await append(client, "b", 1)
    seen: list[int] = []

    async def follow() -> None:
        async for batch in Follower(client, after=0).batches():
            seen.extend(recorded.position for recorded in batch)

    following = asyncio.create_task(follow())
    async with asyncio.timeout(10):
        while "event 3 (evt.host.a) cannot be read" not in caplog.text:
            await asyncio.sleep(0.01)
    following.cancel()
    assert seen == [1, 2]


async def test_what_is_not_read_can_be_followed_as_it_is_stored(client: Bus) -> None:
    await append(client, "a", 3)
    async with aclosing(Follower(client, after=1).messages()) as messages:
        stored = await anext(messages)
    assert [(message.position, message.subject) for message in stored] == [(2, "evt.host.a"), (3, "evt.host.a")]
    assert stored[1].headers["ce-previoushash"] == hash_of_stored(stored[0])


async def test_a_connection_that_was_closed_for_good_is_an_error(client: Bus) -> None:
    await append(client, "a", 1)
    follower = Follower(client, after=0)
    async with aclosing(follower.batches()) as batches:
        await anext(batches)
        following = asyncio.create_task(anext(batches))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(LogUnavailable, match="closed"):
            await following
