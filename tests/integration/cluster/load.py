"""Writers that append under load, as clients of an API do, and what must be so of the log afterwards."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from domain.host.host import Host
from domain.host.service import disable
from journal.append import EXPECTED
from journal.bus import Bus
from journal.envelope import Recorded
from journal.errors import AppendConflict, LogUnavailable, OutcomeUnknown
from journal.follower import read
from journal.repository import Repository
from journal.stored import Stored
from journal.streams import last_position
from tests.integration.journal.test_repository import AUTHOR, anybody
from tests.unit.domain.specification import AT

THINKS = 0.03  # seconds at most between two appends of a writer
EXPECTATION = EXPECTED.partition(b":")[0]


class Writers:
    """Several, each on its own connection, until they are told to stop."""

    def __init__(self, writers: Sequence["Writer"]) -> None:
        self.each = writers
        self._tasks = [asyncio.create_task(writer.run()) for writer in writers]

    async def all_go_on(self, *, more: int = 20) -> None:
        """Until each has so many more events acknowledged."""
        before = [len(writer.acknowledged) for writer in self.each]
        async with asyncio.timeout(40):
            while any(len(writer.acknowledged) < had + more for writer, had in zip(self.each, before, strict=True)):
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        """Stop all in the middle of whatever they do."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)


class Writer:
    """Disables hosts, over and over, each time for a reason that is given but once."""

    def __init__(self, name: str, bus: Bus, hosts: Sequence[str]) -> None:
        self._name = name
        self._repository = Repository(bus, may_append=anybody)
        self._hosts = hosts
        self.acknowledged: dict[str, int] = {}  # reason → position
        self.unknown: set[str] = set()  # reasons of which nobody knows whether they are recorded
        self.refused: set[str] = set()

    async def run(self) -> None:
        """Write until cancelled. Who is told that nothing was recorded asks again; so does who is told that nobody knows."""
        number = 0
        while True:
            number += 1
            reason = f"{self._name}-{number}"
            decide = partial(disable, reason=reason, at=AT)
            try:
                saved = await self._repository.execute(Host, random.choice(self._hosts), decide, AUTHOR)
            except OutcomeUnknown:
                self.unknown.add(reason)
            except (LogUnavailable, AppendConflict):
                self.refused.add(reason)
            except asyncio.CancelledError:
                self.unknown.add(reason)
                raise
            else:
                self.acknowledged[reason] = saved.position
            await asyncio.sleep(random.uniform(0, THINKS))


async def require_sound(bus: Bus, writers: Writers) -> None:
    """What was acknowledged stands in the log once, where it was said to; what was refused does not; and nothing won twice."""
    last = await last_position(bus)
    log = [Recorded.of(stored) async for page in read(bus, until=last) for stored in page]
    assert [recorded.stored.position for recorded in log] == list(range(1, last + 1))

    found: dict[str, list[int]] = defaultdict(list)
    versions: dict[str, list[int]] = defaultdict(list)
    newest: dict[str, int] = {}
    for recorded in log:
        stored, event = recorded.stored, recorded.event
        assert expected_of(stored) == newest.get(stored.subject, 0), f"{stored.position} won where another had won"
        newest[stored.subject] = stored.position
        versions[recorded.aggregate_id].append(event.originator_version)
        found[getattr(event, "reason", "")].append(stored.position)
    for name, numbers in versions.items():
        assert numbers == list(range(1, len(numbers) + 1)), f"the versions of {name} have a gap"

    for writer in writers.each:
        for reason, position in writer.acknowledged.items():
            assert found[reason] == [position], f"{reason} was acknowledged at {position}"
        assert not [reason for reason in writer.refused if found[reason]], "something was refused, and recorded"
        assert not [reason for reason in writer.unknown if len(found[reason]) > 1], "something was recorded twice"


def expected_of(stored: Stored) -> int:
    """The position that an append expected to be the newest of its aggregate."""
    return int(stored.header(EXPECTATION))
