"""Where in the log a moment lies: found by halving, because events are in the order in which they were recorded.

They are so nearly: each carries the time at which its author decided, on the author's own clock. So what is looked for is given
room, and whoever reads from there on looks at each event's own time.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from journal.direct_get import DirectGet
from services.cli.log.shown import time_of

ROOM = timedelta(hours=1)  # that clocks may differ, and that an event may take from its decision into the log
NEIGHBOURS = 16  # events that are looked at in one place: one wrong clock does not mislead


async def first_since(reads: DirectGet, since: datetime, *, last: int) -> int:
    """A position before which no event is as young as a moment; one past `last` when there is none. Raises LogUnavailable."""

    def are_before(times: list[datetime]) -> bool:
        return bool(times) and max(times) < since - ROOM

    return await _first_not(reads, are_before, last)


async def last_until(reads: DirectGet, until: datetime, *, last: int) -> int:
    """A position after which no event is as old as a moment; at most `last`. Raises LogUnavailable."""

    def are_not_after(times: list[datetime]) -> bool:
        return not times or min(times) <= until + ROOM

    return min(last, await _first_not(reads, are_not_after, last))


async def _first_not(reads: DirectGet, are: Callable[[list[datetime]], bool], last: int) -> int:
    """The lowest position whose neighbours' times are no longer so; one past `last` when all are."""
    low, high = 1, last + 1
    while low < high:
        middle = (low + high) // 2
        neighbours = await reads.some(middle, NEIGHBOURS)
        if are([time for stored in neighbours if (time := time_of(stored)) is not None]):
            low = middle + 1
        else:
            high = middle
    return low
