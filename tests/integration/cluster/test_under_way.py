"""An append that is under way to the other copies while its acknowledgement is overdue: neither refused nor decided again."""

import asyncio

import pytest

from domain.host.host import Host
from journal.append import Appender
from journal.bus import Bus
from journal.connection import connect, disconnect
from journal.direct_get import DirectGet
from journal.envelope import Sealed, seal
from journal.errors import OutcomeUnknown
from journal.repository import STREAM
from journal.streams import last_position
from tests.integration.cluster.servers import Servers, leader
from tests.integration.journal.test_repository import AUTHOR, host

SUBJECT = "evt.host.h"


def registered() -> list[Sealed]:
    return [seal(Host, host().pending_events[0], AUTHOR, previous="")]  # type: ignore[arg-type]


class Sends:
    """A connection that counts what is appended on it."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.appends = 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._bus, name)

    async def ask(self, subject: str, body: bytes, *, block: bytes = b"", seconds: float) -> bytes:
        self.appends += subject == SUBJECT
        return await self._bus.ask(subject, body, block=block, seconds=seconds)


async def test_it_is_waited_for(servers: Servers, client: Bus) -> None:
    """Sent again, it is refused because of itself: it stands nowhere yet, and so nobody else's can stand in its place."""
    leading = await leader(client)
    others = [name for name in servers.names if name != leading]
    bus = Sends(await connect(servers.url(leading), servers.log.control_seed, name="writer"))
    appender = Appender(bus, DirectGet(bus, STREAM), seconds=0.3, patience=20)  # type: ignore[arg-type]
    servers.pause(*others)
    appending = asyncio.create_task(appender.append(SUBJECT, registered(), expected=0))
    while bus.appends < 3 and not appending.done():
        await asyncio.sleep(0.01)
    assert not appending.done()
    servers.resume(*others)
    assert await appending == 1
    assert await last_position(client) == 1
    await disconnect(bus)  # type: ignore[arg-type]


async def test_when_it_stays_under_way_it_is_said_that_nobody_knows(servers: Servers, client: Bus) -> None:
    leading = await leader(client)
    others = [name for name in servers.names if name != leading]
    bus = await connect(servers.url(leading), servers.log.control_seed, name="writer")
    servers.pause(*others)
    with pytest.raises(OutcomeUnknown):
        await Appender(bus, DirectGet(bus, STREAM, seconds=0.3), seconds=0.3, patience=1).append(
            SUBJECT, registered(), expected=0
        )
    servers.resume(*others)
    assert await last_position(client) <= 1
    await disconnect(bus)
