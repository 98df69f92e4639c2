"""What all aggregates and their events share: string ids, an explicit topic for every event, and time that is handed in."""

from datetime import datetime
from typing import Any, ClassVar, Self

from eventsourcing.domain import BaseAggregate, CanInitAggregate, CanMutateAggregate, MetaDomainEvent
from eventsourcing.utils import register_topic

EVENT_TYPES: dict[str, type["Event"]] = {}
"""Every event class by its topic: the registry from which the log is read."""


class Event(CanMutateAggregate[str], metaclass=MetaDomainEvent):
    """Something that happened to one aggregate. Parts are JSON values: what is written is what is folded, for ever.

    A subclass names its `TOPIC` (`chronova.<aggregate>.<fact>.v<version>`), declares its parts, and says in `apply` what
    follows for the aggregate.
    """

    TOPIC: ClassVar[str] = ""

    originator_id: str
    originator_version: int
    timestamp: datetime

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        topic = cls.__dict__.get("TOPIC", "")
        if topic:
            if topic in EVENT_TYPES and EVENT_TYPES[topic].__qualname__ != cls.__qualname__:
                raise TypeError(f"{topic} names two event classes")
            EVENT_TYPES[topic] = cls
            register_topic(topic, cls)


class Created(CanInitAggregate[str], Event):
    """The first event of an aggregate."""

    originator_topic: str


class Aggregate(BaseAggregate[str]):
    """A thing with a history. `KIND` is its word in subjects and event types; ids are NATS subject tokens."""

    KIND: ClassVar[str] = ""

    @classmethod
    def begin(cls, event: type[Created], *, aggregate_id: str, at: datetime, **parts: Any) -> Self:
        """Start a new aggregate with its first event."""
        return cls._create(event, id=aggregate_id, timestamp=at, **parts)

    def record(self, event: type[Event], *, at: datetime, **parts: Any) -> None:
        """Record that something happened, and let it take effect."""
        self.trigger_event(event, timestamp=at, **parts)
