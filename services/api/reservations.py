"""Reservations of quota: requests of one user that wait for the same project are reserved together, by one append (ADR 0002).

What races, and what closes it: other replicas append to the same project, the append's expected position lets one win and the
others decide again on what is left.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from domain.errors import QuotaExceeded
from domain.identity.project import Project
from domain.project.usage import Amounts, Ask, reserve
from journal.envelope import Author
from journal.repository import Repository
from journal.turns import Turns


@dataclass(frozen=True, slots=True)
class Waiting:
    """One request that waits for its reservation."""

    ask: Ask
    defaults: Amounts
    at: datetime
    author: Author
    granted: asyncio.Future[tuple[str, ...]]


class Reservations:
    """Reserves parts of the quota of projects."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._turns = Turns()
        self._waiting: dict[tuple[str, str], list[Waiting]] = {}  # by project and by who asks

    async def reserve(
        self, project_id: str, ask: Ask, defaults: Amounts, at: datetime, author: Author
    ) -> tuple[str, ...]:
        """The ids that were granted. Raises QuotaExceeded, AggregateNotFound, AppendConflict, LogUnavailable."""
        mine = Waiting(ask, defaults, at, author, asyncio.get_running_loop().create_future())
        key = (project_id, author.actor)
        self._waiting.setdefault(key, []).append(mine)
        try:
            async with self._turns.at(project_id):
                if not mine.granted.done():
                    await self._together(project_id, key)
            return await mine.granted
        finally:
            if mine in (left := self._waiting.get(key, [])):  # it was told to stop before its turn came
                left.remove(mine)
                if not left:
                    del self._waiting[key]
            if mine.granted.done() and not mine.granted.cancelled():
                mine.granted.exception()  # seen, also when nobody waits for it any more

    async def _together(self, project_id: str, key: tuple[str, str]) -> None:
        """Reserve for all that wait now."""
        together = self._waiting.pop(key)
        try:
            outcomes = await self._decide(project_id, together)
        except asyncio.CancelledError:
            self._waiting[key] = [*together, *self._waiting.get(key, [])]  # the next in turn does it
            raise
        except Exception as error:  # noqa: BLE001 -- it is raised where each of them waits
            for waiting in together:
                waiting.granted.set_exception(error)
            return
        for waiting, outcome in zip(together, outcomes, strict=True):
            if isinstance(outcome, QuotaExceeded):
                waiting.granted.set_exception(outcome)
            else:
                waiting.granted.set_result(outcome)

    async def _decide(self, project_id: str, together: Sequence[Waiting]) -> list[tuple[str, ...] | QuotaExceeded]:
        outcomes: list[tuple[str, ...] | QuotaExceeded] = []
        first = together[0]
        asks = [waiting.ask for waiting in together]

        def decide(project: Project) -> None:
            nonlocal outcomes
            outcomes = reserve(project, asks, defaults=first.defaults, at=max(waiting.at for waiting in together))

        author = first.author if len(together) == 1 else Author(first.author.actor, first.author.source)
        await self._repository.execute(Project, project_id, decide, author)
        return outcomes
