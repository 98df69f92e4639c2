"""Where in a log a moment lies, though clocks differ."""

from datetime import timedelta

from domain.host.host import register
from domain.host.service import disable
from journal.bus import Bus
from journal.direct_get import DirectGet
from services.cli.log.search import ROOM, first_since, last_until
from tests.integration.log.histories import BEGIN, hosts, sealed, write
from tests.unit.domain.test_histories import inventory

MINUTE = timedelta(minutes=1)


async def test_what_is_left_out_is_surely_older_or_younger_and_little_else_is_read(client: Bus) -> None:
    await write(client, hosts(1, events=2000, step=MINUTE))
    reads = DirectGet(client, "EVENTS")
    for minute in (0, 1, 59, 60, 61, 500, 1999):
        # The event of minute m stands at position m + 1.
        at = BEGIN + minute * MINUTE
        first, last = await first_since(reads, at, last=2000), await last_until(reads, at, last=2000)
        assert first <= minute + 1 <= last
        assert last - first <= 2 * ROOM / MINUTE + 32
    assert await first_since(reads, BEGIN + timedelta(days=9), last=2000) == 2001
    assert await first_since(reads, BEGIN - timedelta(days=9), last=2000) == 1
    assert await last_until(reads, BEGIN + timedelta(days=9), last=2000) == 2000
    assert await last_until(reads, BEGIN - timedelta(days=9), last=2000) == 1


async def test_single_events_by_a_wrong_clock_do_not_mislead(client: Bus) -> None:
    host = register("h", inventory(4, 8192, 100), at=BEGIN)
    for minute in range(1, 1000):
        wrong = {0: timedelta(days=-400), 7: timedelta(days=400)}.get(minute % 20, timedelta())
        disable(host, reason=str(minute), at=BEGIN + minute * MINUTE + wrong)
    await write(client, sealed(host))
    reads = DirectGet(client, "EVENTS")
    for minute in range(100, 1000, 83):
        at = BEGIN + minute * MINUTE
        assert await first_since(reads, at, last=1000) <= minute + 1
        assert await last_until(reads, at, last=1000) >= minute + 1


async def test_an_empty_log_has_no_place_for_it(client: Bus) -> None:
    reads = DirectGet(client, "EVENTS")
    assert (await first_since(reads, BEGIN, last=0), await last_until(reads, BEGIN, last=0)) == (1, 0)
