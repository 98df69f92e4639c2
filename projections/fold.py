"""Folding: the state of each aggregate as of the event in hand, kept while it is in use and taken from the log when it is not."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from domain.aggregate import Aggregate
from domain.registry import AGGREGATES
from journal.envelope import Recorded
from journal.repository import Repository

Step = Callable[["Folded", Recorded], None]


@dataclass(slots=True)
class Folded:
    """One aggregate as it was right after an event, and what a projection notes beside it."""

    aggregate: Aggregate
    created_position: int
    position: int
    notes: dict[str, Any] = field(default_factory=dict)


class Folder:
    """Folds events in order. `step` is called for each, also when a history is taken from the log again."""

    def __init__(self, repository: Repository, step: Step | None = None, *, size: int = 50_000) -> None:
        self._repository = repository
        self._step = step
        self._size = size
        self._folded: OrderedDict[tuple[str, str], Folded] = OrderedDict()

    async def before(self, recorded: Recorded) -> Folded | None:
        """The aggregate as it was right before an event that is to be folded next; None where it is the first."""
        key = (recorded.kind, recorded.aggregate_id)
        folded = self._folded.get(key)
        if folded is None and recorded.event.originator_version > 1:
            folded = await self._from_log(recorded)
            if folded is not None:
                self._folded[key] = folded
        return folded

    async def advance(self, recorded: Recorded) -> Folded:
        """The aggregate right after an event. An event that is folded already changes nothing."""
        key = (recorded.kind, recorded.aggregate_id)
        folded = await self.before(recorded)
        if folded is None or recorded.event.originator_version > folded.aggregate.version:
            folded = self._take(folded, recorded)
        self._folded[key] = folded
        self._folded.move_to_end(key)
        while len(self._folded) > self._size:
            self._folded.popitem(last=False)
        return folded

    def forget(self) -> None:
        """Drop everything: what was folded was not stored."""
        self._folded.clear()

    def _take(self, folded: Folded | None, recorded: Recorded) -> Folded:
        aggregate: Aggregate | None = recorded.event.mutate(None if folded is None else folded.aggregate)
        if aggregate is None:
            raise TypeError(f"event {recorded.position} left no aggregate")
        if folded is None:
            folded = Folded(aggregate, recorded.position, recorded.position)
        folded.position = recorded.position
        if self._step is not None:
            self._step(folded, recorded)
        return folded

    async def _from_log(self, recorded: Recorded) -> Folded | None:
        folded: Folded | None = None
        for earlier in await self._repository.history(
            AGGREGATES[recorded.kind], recorded.aggregate_id, at_least=recorded.position
        ):
            if earlier.position >= recorded.position:
                break
            folded = self._take(folded, earlier)
        return folded
