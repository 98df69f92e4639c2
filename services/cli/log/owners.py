"""Whose an event is: the project of the instance, image, network … that it happened to. Learned from the log itself."""

import asyncio
from collections.abc import Iterable
from inspect import get_annotations

import orjson

from domain.aggregate import Created
from domain.registry import EVENT_TYPES
from journal.direct_get import DirectGet
from journal.stored import Stored

OWNED = tuple(
    sorted(
        f"evt.{topic.split('.')[1]}."
        for topic, event in EVENT_TYPES.items()
        if issubclass(event, Created) and "project_id" in get_annotations(event)
    )
)
"""The subjects of aggregates whose first event names their project."""
AT_ONCE = 64  # first events that are asked for at the same time


class Owners:
    """Knows the project of every aggregate that it was shown an event of."""

    def __init__(self, reads: DirectGet) -> None:
        self._reads = reads
        self._projects: dict[str, str] = {}  # subject → project id

    async def learn(self, batch: Iterable[Stored]) -> None:
        """Find out about the aggregates of a batch: from their first events, which are looked up when they are not in it.

        Raises LogUnavailable.
        """
        unknown: set[str] = set()
        for stored in batch:
            if not stored.subject.startswith(OWNED) or stored.subject in self._projects:
                continue
            if stored.headers.get("ce-sequence") == "1":
                self._note(stored)
                unknown.discard(stored.subject)
            else:
                unknown.add(stored.subject)
        waiting = list(unknown)
        for begin in range(0, len(waiting), AT_ONCE):
            firsts = await asyncio.gather(*(self._reads.first(subject) for subject in waiting[begin : begin + AT_ONCE]))
            for first in firsts:
                if first is not None:
                    self._note(first)

    def project_of(self, stored: Stored) -> str:
        """The project that an event belongs to; "" for none. Of a batch that was learned."""
        kind, _, aggregate_id = stored.subject.removeprefix("evt.").partition(".")
        if kind == "project":
            return aggregate_id
        if kind == "user":
            return str(parts_of(stored).get("project_id", ""))  # of a role that was granted
        return self._projects.get(stored.subject, "")

    def project_of_instance(self, instance_id: str) -> str:
        """The project of an instance that was learned; "" when it was not."""
        return self._projects.get(f"evt.instance.{instance_id}", "")

    def _note(self, first: Stored) -> None:
        self._projects[first.subject] = str(parts_of(first).get("project_id", ""))


def parts_of(stored: Stored) -> dict[str, object]:
    """The parts of an event as they are written; none when its body is not such."""
    try:
        parts = orjson.loads(stored.body)
    except ValueError:
        return {}
    return parts if isinstance(parts, dict) else {}
