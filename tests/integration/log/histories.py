"""Histories for the tools to read: sealed as services seal them, and written as fast as the log takes them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from domain.aggregate import Aggregate
from domain.host.host import register
from domain.host.service import disable
from journal.bus import Bus
from journal.envelope import Author, Sealed, seal
from journal.pipeline import Pipeline
from journal.streams import last_position
from tests.unit.domain.test_histories import inventory

BEGIN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
AUTHOR = Author(actor="user:test", source="test", request_id="req-7")


def sealed(aggregate: Aggregate, author: Author = AUTHOR) -> Iterator[tuple[str, Sealed]]:
    """The events of an aggregate, as they go into the log."""
    previous = ""
    for event in aggregate.pending_events:
        found = seal(type(aggregate), event, author, previous=previous)  # type: ignore[arg-type]
        previous = found.hash
        yield f"evt.{aggregate.KIND}.{aggregate.id}", found


def hosts(
    count: int, *, events: int, size: int = 10, step: timedelta = timedelta(seconds=1)
) -> list[tuple[str, Sealed]]:
    """The events of some hosts, one after another, a step of time apart: each registered, then disabled again and again."""
    found: list[tuple[str, Sealed]] = []
    at = BEGIN
    for number in range(count):
        host = register(f"h-{number}", inventory(4, 8192, 100), at=at)
        for change in range(events - 1):
            at += step
            disable(host, reason=f"{number}/{change} ".ljust(size, "x"), at=at)
        at += step
        found += sealed(host)
    return found


async def write(bus: Bus, events: Iterable[tuple[str, Sealed]]) -> None:
    """Append events at the end of the log, in the order given."""
    async with Pipeline.open(bus, after=await last_position(bus)) as pipeline:
        for subject, event in events:
            await pipeline.append(subject, event.block, event.body)


def interleaved(*histories: Sequence[tuple[str, Sealed]]) -> list[tuple[str, Sealed]]:
    """Events of several aggregates, in turn, as many services would append them."""
    longest = max(len(history) for history in histories)
    return [history[index] for index in range(longest) for history in histories if index < len(history)]
