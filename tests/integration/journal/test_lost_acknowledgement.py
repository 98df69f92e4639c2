"""The connection is cut between a publish and its acknowledgement: the event is in the log once, and the caller knows."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from domain.host.host import Host
from domain.host.service import disable
from journal.append import Appender
from journal.bus import Bus
from journal.connection import connect, disconnect
from journal.direct_get import DirectGet
from journal.envelope import seal
from journal.errors import AppendConflict, LogUnavailable, OutcomeUnknown
from journal.repository import STREAM, Repository
from journal.streams import last_position
from services.cli.region import Region
from tests.integration.journal.proxy import Proxy
from tests.integration.journal.test_repository import AUTHOR, anybody, claim_one, host
from tests.unit.domain.specification import AT


@pytest.fixture
async def proxy(client: Bus, settings: Region) -> AsyncIterator[Proxy]:
    """In front of a log that runs."""
    proxy = Proxy(settings.nats_port)
    await proxy.start()
    yield proxy
    await proxy.stop()


@pytest.fixture
async def cut_off(proxy: Proxy, settings: Region) -> AsyncIterator[Bus]:
    """A connection through the proxy."""
    bus = await connect(f"nats://127.0.0.1:{proxy.port}", settings.log.control_seed, name="cut off", quiet=True)
    yield bus
    await disconnect(bus)


async def stored(client: Bus, position: int) -> None:
    async with asyncio.timeout(10):
        while await last_position(client) < position:
            await asyncio.sleep(0.01)


def cut_once(proxy: Proxy, client: Bus, *, after_position: int | None) -> None:
    """Cut the connection at the next append: once the log has stored it at a position, or (None) before it gets there."""

    async def stored_then_cut() -> None:
        await stored(client, after_position or 0)
        proxy.cut()
        proxy.deaf = False

    async def hook(data: bytes) -> bool:
        if b"HPUB evt." not in data:
            return True
        proxy.hook = None
        if after_position is None:
            proxy.cut()
            return False
        proxy.deaf = True  # from here on, so that the acknowledgement cannot slip through
        proxy.cutting = asyncio.create_task(stored_then_cut())  # type: ignore[attr-defined]
        return True

    proxy.hook = hook


async def test_an_event_that_was_stored_is_known_to_be(client: Bus, cut_off: Bus, proxy: Proxy) -> None:
    cut_once(proxy, client, after_position=1)
    saved = await Repository(cut_off, may_append=anybody).create(host(), AUTHOR)
    assert saved.position == 1
    assert await last_position(client) == 1
    assert (await Repository(client, may_append=anybody).load(Host, "h")).hash == saved.hash


async def test_an_event_that_was_lost_on_the_way_is_stored_once(client: Bus, cut_off: Bus, proxy: Proxy) -> None:
    cut_once(proxy, client, after_position=None)
    saved = await Repository(cut_off, may_append=anybody).create(host(), AUTHOR)
    assert saved.position == await last_position(client) == 1


async def test_the_event_of_somebody_else_is_not_taken_for_ours(client: Bus, cut_off: Bus, proxy: Proxy) -> None:
    async def theirs_first(data: bytes) -> bool:
        if b"HPUB evt." not in data:
            return True
        proxy.hook = None
        await Repository(client, may_append=anybody).create(host(), AUTHOR)
        proxy.cut()
        return False

    proxy.hook = theirs_first
    with pytest.raises(AppendConflict):
        await Repository(cut_off, may_append=anybody).create(host(), AUTHOR)
    assert await last_position(client) == 1


async def test_a_decision_whose_acknowledgement_was_lost_is_not_decided_again(
    client: Bus, cut_off: Bus, proxy: Proxy
) -> None:
    repository = Repository(cut_off, may_append=anybody)
    await repository.create(host(), AUTHOR)
    decided = 0

    def decide(it: Host) -> None:
        nonlocal decided
        decided += 1
        claim_one(it)

    cut_once(proxy, client, after_position=2)
    saved = await repository.execute(Host, "h", decide, AUTHOR)
    assert (saved.position, decided) == (2, 1)
    assert [event.type for event in await Repository(client, may_append=anybody).history(Host, "h")] == [
        "chronova.host.registered.v1",
        "chronova.host.claims-granted.v1",
    ]


async def test_an_event_that_others_have_built_upon_since_is_known_to_be_stored(
    client: Bus, cut_off: Bus, proxy: Proxy
) -> None:
    """Theirs is the newest by the time it is asked: that ours is not the newest does not mean that it is not there."""
    repository = Repository(cut_off, may_append=anybody)
    await repository.create(host(), AUTHOR)

    async def stored_then_built_upon() -> None:
        await stored(client, 2)
        await Repository(client, may_append=anybody).execute(Host, "h", partial(disable, reason="b", at=AT), AUTHOR)
        proxy.cut()
        proxy.deaf = False

    async def hook(data: bytes) -> bool:
        if b"HPUB evt." in data:
            proxy.hook, proxy.deaf = None, True
            proxy.cutting = asyncio.create_task(stored_then_built_upon())  # type: ignore[attr-defined]
        return True

    proxy.hook = hook
    saved = await repository.execute(Host, "h", partial(disable, reason="a", at=AT), AUTHOR)
    assert saved.position == 2
    assert await last_position(client) == 3


async def test_when_the_log_stays_away_it_is_said_that_nobody_knows(client: Bus, cut_off: Bus, proxy: Proxy) -> None:
    appender = Appender(cut_off, DirectGet(cut_off, STREAM), seconds=0.2, patience=0.5)
    sealed = seal(Host, host().pending_events[0], AUTHOR, previous="")  # type: ignore[arg-type]
    proxy.deaf = proxy.closed = True
    with pytest.raises(OutcomeUnknown, match="may be recorded, or not"):
        await appender.append("evt.host.h", [sealed], expected=0)


async def test_when_nothing_was_sent_it_is_said_that_nothing_was_stored(
    client: Bus, cut_off: Bus, proxy: Proxy
) -> None:
    proxy.closed = True
    proxy.cut()
    while cut_off.is_connected:
        await asyncio.sleep(0.01)
    with pytest.raises(LogUnavailable) as raised:
        await Repository(cut_off, may_append=anybody).create(host(), AUTHOR)
    assert not isinstance(raised.value, OutcomeUnknown)
    assert await last_position(client) == 0
