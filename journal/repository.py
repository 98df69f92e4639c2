"""The repository: aggregates in and out of the log, one decision at a time.

A cache of folded aggregates makes a decision one append. It cannot lead to a stale decision: the append says which position
it was decided on, and a conflict drops the cached aggregate, loads it again and decides again.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from domain.aggregate import Aggregate, Event
from domain.errors import DomainError
from journal.append import Appender
from journal.authority import may_append
from journal.bus import Bus
from journal.direct_get import DirectGet
from journal.envelope import Author, Recorded, Sealed, event_of, hash_of_stored, seal, subject_of
from journal.errors import AggregateNotFound, AppendConflict, NotAuthorised
from journal.newest import newest
from journal.stored import Stored
from journal.turns import Turns

A = TypeVar("A", bound=Aggregate)

STREAM = "EVENTS"


@dataclass(frozen=True, slots=True)
class Saved(Generic[A]):
    """An aggregate after a decision, and the position and the hash of its newest event."""

    aggregate: A
    position: int
    hash: str


class Repository:
    """Loads and saves aggregates. What it returns is shared: read it, and change it only in `execute`."""

    def __init__(
        self,
        bus: Bus,
        *,
        cache_size: int = 20_000,
        attempts: int = 8,
        may_append: Callable[[str, str], bool] = may_append,
    ) -> None:
        self._bus = bus
        self._reads = DirectGet(bus, STREAM)
        self._appender = Appender(bus, self._reads)
        self._cache: OrderedDict[str, Saved[Aggregate]] = OrderedDict()
        self._cache_size = cache_size
        self._attempts = attempts
        self._may_append = may_append  # (event type, service): what stands in the log stands there for ever
        self._turns = Turns()  # one at a time for each aggregate: callers in one process never conflict with each other

    async def history(self, kind: type[Aggregate], aggregate_id: str, *, at_least: int = 0) -> list[Recorded]:
        """All events of an aggregate, oldest first; empty when it has none. Raises LogUnavailable.

        `at_least` is the position of one that the caller knows of: it is among them, although a copy of the log may lag behind.
        """
        pages = self._reads.pages_reaching(subject_of(kind, aggregate_id), at_least)
        return [Recorded.of(stored) async for page in pages for stored in page]

    async def load(self, kind: type[A], aggregate_id: str, *, fresh: bool = False, at_least: int = 0) -> Saved[A]:
        """The aggregate as cached, or as a copy of the log has it; a `fresh` one as of now.

        `at_least` is the position of an event of it that the caller knows of: what is returned is not older.
        Raises AggregateNotFound, LogUnavailable.
        """
        subject = subject_of(kind, aggregate_id)
        async with self._turns.at(subject):
            return await self._load(kind, aggregate_id, subject, fresh=fresh, at_least=at_least)

    async def create(self, aggregate: A, author: Author) -> Saved[A]:
        """Append a new aggregate's events. Raises AppendConflict when its id is taken, LogUnavailable, NotAuthorised."""
        subject = subject_of(type(aggregate), aggregate.id)
        async with self._turns.at(subject):
            return await self._save(aggregate, subject, author, Saved(aggregate, 0, ""))

    async def execute(self, kind: type[A], aggregate_id: str, decide: Callable[[A], None], author: Author) -> Saved[A]:
        """Load, decide, append; again from the start when somebody else was first, a bounded number of times with jitter.

        `decide` records events on the aggregate, or none, or raises: then nothing is appended. Raises AggregateNotFound,
        AppendConflict when the others always win, LogUnavailable, NotAuthorised, and whatever `decide` raises.
        """
        subject = subject_of(kind, aggregate_id)
        async with self._turns.at(subject):
            for attempt in range(self._attempts):
                saved = await self._load(kind, aggregate_id, subject, fresh=attempt > 0)
                try:
                    if not await self._decides(decide, saved, subject):
                        return saved
                    return await self._save(saved.aggregate, subject, author, saved)
                except AppendConflict:
                    self._cache.pop(subject, None)
                    if attempt + 1 == self._attempts:
                        raise
                    await asyncio.sleep(random.uniform(0, 0.005 * 2**attempt))  # noqa: S311 -- jitter, no secret
                except BaseException:
                    # Also a cancellation: what was decided is not certain to be in the log, so the copy is worth nothing.
                    if saved.aggregate.pending_events:
                        self._cache.pop(subject, None)
                    raise
        raise AssertionError("unreachable")

    async def _decides(self, decide: Callable[[A], None], saved: Saved[A], subject: str) -> bool:
        """Let it decide; whether there is something to append.

        A decision to do nothing, or to refuse, makes no append that could show a stale aggregate: so one is looked for then.
        Raises AppendConflict for a stale aggregate, and whatever `decide` raises on one that is not.
        """
        try:
            decide(saved.aggregate)
        except DomainError:
            await self._require_newest(saved, subject)
            raise
        if saved.aggregate.pending_events:
            return True
        await self._require_newest(saved, subject)
        return False

    async def _require_newest(self, saved: Saved[A], subject: str) -> None:
        there = await newest(self._bus, STREAM, subject)
        if there is None or there.position != saved.position:
            raise AppendConflict(f"{subject} has grown past {saved.position}")

    async def _load(
        self, kind: type[A], aggregate_id: str, subject: str, *, fresh: bool, at_least: int = 0
    ) -> Saved[A]:
        cached = None if fresh else self._cache.get(subject)
        if cached is not None and cached.position >= at_least:
            self._cache.move_to_end(subject)
            return cast("Saved[A]", cached)
        if fresh:
            if (there := await newest(self._bus, STREAM, subject)) is None:
                raise AggregateNotFound(f"There is no {kind.KIND} {aggregate_id}.")
            at_least = max(at_least, there.position)
        aggregate: A | None = None
        last: Stored | None = None
        async for page in self._reads.pages_reaching(subject, at_least):
            for last in page:
                aggregate = event_of(last, aggregate_id).mutate(aggregate)
        if aggregate is None or last is None:
            # The copy of the log that was asked has none of it, and may lag behind: the leader has the last word.
            return await self._load(kind, aggregate_id, subject, fresh=True)
        return self._remember(subject, Saved(aggregate, last.position, hash_of_stored(last)))

    async def _save(self, aggregate: A, subject: str, author: Author, before: Saved[A]) -> Saved[A]:
        sealed: list[Sealed] = []
        previous = before.hash
        for event in cast("list[Event]", aggregate.pending_events):
            if not self._may_append(event.TOPIC, author.source):
                raise NotAuthorised(f"{author.source} may not append {event.TOPIC}: journal/authority.py")
            sealed.append(seal(type(aggregate), event, author, previous=previous))
            previous = sealed[-1].hash
        position = await self._appender.append(subject, sealed, expected=before.position)
        aggregate.collect_events()
        return self._remember(subject, Saved(aggregate, position, previous))

    def _remember(self, subject: str, saved: Saved[A]) -> Saved[A]:
        self._cache[subject] = cast("Saved[Aggregate]", saved)
        self._cache.move_to_end(subject)
        while len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        return saved
