"""Stored events for tests."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from eventsourcing.persistence import StoredEvent


def event(originator_id: UUID | str, version: int, *, state: bytes = b"state", topic: str = "topic") -> StoredEvent:
    return StoredEvent(originator_id, version, topic, state)


def events(originator_id: UUID | str, versions: Iterable[int]) -> list[StoredEvent]:
    return [event(originator_id, version) for version in versions]


def versions(stored_events: Sequence[StoredEvent]) -> list[int]:
    return [stored.originator_version for stored in stored_events]
