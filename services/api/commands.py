"""Commands: decide, append, and wait until the read model shows it, so that a user sees what a user just did."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from nats.aio.msg import Msg

from domain.aggregate import Aggregate
from domain.identity.project import Project
from domain.project.usage import Amounts, Ask, release_usage, settle_usage
from journal.bus import Bus
from journal.envelope import Author
from journal.errors import JournalError
from journal.repository import Repository, Saved
from journal.waiting import within
from projections.read_model import POSITION_SUBJECT, ReadModel, position_of
from services.api.endings import Endings
from services.api.reservations import Reservations

log = logging.getLogger(__name__)

A = TypeVar("A", bound=Aggregate)


class AppliedPosition:
    """How far the read model has come, as its projector announces it."""

    def __init__(self, client: Bus, reads: ReadModel) -> None:
        self._client = client
        self._reads = reads
        self._position = 0
        self._moved = asyncio.Event()

    async def start(self) -> None:
        """Begin to listen."""
        await self._client.subscribe(POSITION_SUBJECT, cb=self._announced)
        self._advance(await self._reads.query(position_of))

    @property
    def position(self) -> int:
        """How far it has come, as far as is known."""
        return self._position

    async def moved(self, position: int, *, timeout: float) -> bool:  # noqa: ASYNC109 -- past it there is an answer, not an error
        """Until it has come past a position; False when it has not in time."""
        try:
            async with asyncio.timeout(timeout):
                while self._position <= position:
                    # An announcement can be lost (core NATS): look for oneself now and then.
                    try:
                        await within(0.5, self._moved.wait())
                    except TimeoutError:
                        self._advance(await self._reads.query(position_of))
        except TimeoutError:
            return False
        return True

    async def wait(self, position: int, *, timeout: float = 5.0) -> bool:  # noqa: ASYNC109 -- see above
        """Until the read model contains the event at a position; False when it has not come so far in time."""
        if not await self.moved(position - 1, timeout=timeout):
            log.warning("the read model is at %d and has not reached %d in %.1f s", self._position, position, timeout)
            return False
        return True

    async def _announced(self, message: Msg) -> None:
        self._advance(int(message.data))

    def _advance(self, position: int) -> None:
        if position > self._position:
            self._position = position
            self._moved.set()
            self._moved = asyncio.Event()


class Commands:
    """What the API changes, it changes here."""

    def __init__(self, repository: Repository, applied: AppliedPosition, endings: Endings) -> None:
        self._repository = repository
        self._applied = applied
        self._reservations = Reservations(repository)
        self._endings = endings

    async def load(self, kind: type[A], aggregate_id: str) -> A:
        """The aggregate as of now. Raises AggregateNotFound, LogUnavailable."""
        return (await self._repository.load(kind, aggregate_id, fresh=True)).aggregate

    async def create(self, aggregate: A, author: Author) -> Saved[A]:
        """Append a new aggregate. Raises AppendConflict when its id is taken, LogUnavailable."""
        events = list(aggregate.pending_events)
        saved = await self._repository.create(aggregate, author)
        await self._endings.follow_from(events, saved.position)
        await self._applied.wait(saved.position)
        return saved

    async def execute(self, kind: type[A], aggregate_id: str, decide: Callable[[A], None], author: Author) -> Saved[A]:
        """Let an aggregate decide.

        Raises AggregateNotFound, DomainError from the decision, AppendConflict, LogUnavailable; then nothing has happened.
        """
        events: list[Any] = []

        def deciding(it: A) -> None:
            decide(it)
            events[:] = it.pending_events

        saved = await self._repository.execute(kind, aggregate_id, deciding, author)
        await self._endings.follow_from(events, saved.position)
        await self._applied.wait(saved.position)
        return saved

    async def reserve(
        self, project_id: str, ask: Ask, defaults: Amounts, at: datetime, author: Author
    ) -> tuple[str, ...]:
        """Reserve parts of a project's quota: which of the things that were asked for may be made.

        Does not wait for the read model: what is reserved is recorded next. Raises QuotaExceeded, LogUnavailable, AppendConflict.
        """
        return await self._reservations.reserve(project_id, ask, defaults, at, author)

    async def settle(self, project_id: str, holder: str, amounts: Amounts, at: datetime, author: Author) -> None:
        """Let something take what it took before, after all."""

        def decide(project: Project) -> None:
            settle_usage(project, holder, amounts, at=at)

        try:
            await self._repository.execute(Project, project_id, decide, author)
        except JournalError as error:
            log.warning("what %s takes of project %s stays reserved: %s", holder, project_id, error)

    async def unreserve(self, project_id: str, holders: Iterable[str], at: datetime, author: Author) -> None:
        """Give back what was reserved for things that were not made after all; the conductor does it when this cannot."""
        decide = partial(release_usage, holders=tuple(holders), at=at)
        try:
            await self._repository.execute(Project, project_id, decide, author)
        except JournalError as error:
            log.warning("what was reserved in project %s is given back later: %s", project_id, error)
