"""Appending a whole log, many events under way at once: everything is where it should be, or it is known that it is not."""

import asyncio

import pytest

from journal.bus import Bus
from journal.direct_get import DirectGet
from journal.errors import AppendConflict, JournalError, LogUnavailable, OutcomeUnknown
from journal.pipeline import Pipeline
from journal.stored import header_block
from journal.streams import last_position
from tests.integration.conftest import LogServer, until_connected

BLOCK = header_block({"ce-id": "1", "content-type": "application/json"})


async def send(pipeline: Pipeline, count: int, *, size: int = 2) -> None:
    for number in range(count):
        await pipeline.append(f"evt.host.h-{number % 7}", BLOCK, str(number).encode().ljust(size))


async def test_everything_is_acknowledged_at_the_position_that_it_was_sent_for(client: Bus) -> None:
    async with Pipeline.open(client, after=0, at_once=50) as pipeline:
        await send(pipeline, 1000)
    assert pipeline.acknowledged == await last_position(client) == 1000
    async with Pipeline.open(client, after=1000) as pipeline:
        await send(pipeline, 5)
    assert await last_position(client) == 1005
    stored = await DirectGet(client, "EVENTS").at(1003)
    assert stored is not None
    assert (stored.subject, stored.body) == ("evt.host.h-2", b"2 ")


async def test_no_more_is_under_way_than_was_said(client: Bus) -> None:
    async with Pipeline.open(client, after=0, at_once=10) as pipeline:
        for sent in range(1, 200):
            await pipeline.append("evt.host.h", BLOCK, b"{}")
            assert sent - pipeline.acknowledged <= 10


async def test_large_events_are_bounded_by_their_bytes(client: Bus) -> None:
    async with Pipeline.open(client, after=0) as pipeline:
        await send(pipeline, 40, size=500_000)
    assert await last_position(client) == 40


async def test_a_log_that_does_not_end_where_it_should_takes_nothing(client: Bus) -> None:
    async with Pipeline.open(client, after=0) as pipeline:
        await send(pipeline, 3)
    for wrong in (0, 2, 4):
        with pytest.raises(AppendConflict, match=f"The log does not end at position {wrong}"):
            async with Pipeline.open(client, after=wrong) as pipeline:
                await send(pipeline, 20)
    assert await last_position(client) == 3


async def test_somebody_who_appends_at_the_same_time_is_noticed(client: Bus) -> None:
    async def copy() -> None:
        async with Pipeline.open(client, after=0) as pipeline:
            await send(pipeline, 10)
            await pipeline.drain()
            await client.request("evt.host.other", b"{}")
            await send(pipeline, 10)

    with pytest.raises(AppendConflict, match="The log does not end at position 10: somebody else writes to it"):
        await copy()


async def test_what_the_log_refuses_ends_it_and_nothing_after_it_is_stored(client: Bus) -> None:
    wrong = header_block({"ce-id": "2", "Nats-Msg-Id": "a", "Nats-Expected-Last-Msg-Id": "unknown"})

    async def copy() -> None:
        async with Pipeline.open(client, after=0) as pipeline:
            await pipeline.append("evt.host.h", BLOCK, b"{}")
            await pipeline.append("evt.host.h", wrong, b"{}")
            await send(pipeline, 100)

    with pytest.raises(JournalError, match="The log refused event 2"):
        await copy()
    assert await last_position(client) == 1


async def test_a_log_that_goes_away_leaves_no_hole_and_is_gone_on_with(client: Bus, log_server: LogServer) -> None:
    pipelines: list[Pipeline] = []

    async def copy() -> None:
        async with Pipeline.open(client, after=0, at_once=500) as pipeline:
            pipelines.append(pipeline)
            await send(pipeline, 2000)
            log_server.kill()
            await send(pipeline, 2000)

    with pytest.raises(OutcomeUnknown, match="The log went away"):
        await copy()
    with pytest.raises(LogUnavailable):
        await copy()
    log_server.start()
    await until_connected(log_server.log)
    while not client.is_connected:
        await asyncio.sleep(0.01)
    there = await last_position(client)
    assert 1500 <= pipelines[0].acknowledged <= there
    async with Pipeline.open(client, after=there) as pipeline:
        await send(pipeline, 10)
    assert await last_position(client) == there + 10
