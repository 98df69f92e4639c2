"""What all aggregates and their events share: string ids, an explicit topic for every event, and time that is handed in."""

import re
from datetime import datetime
from typing import Any, ClassVar, Self

from eventsourcing.domain import BaseAggregate, CanInitAggregate, CanMutateAggregate, MetaDomainEvent
from eventsourcing.utils import register_topic

from domain.evolution import EventVersion, versions_of

KINDS: dict[str, type["Aggregate"]] = {}
"""Every aggregate class by the word that stands for it in subjects and event types."""

EVENT_TYPES: dict[str, type["Event"]] = {}
"""Every event class by its topic: what is written today."""

KNOWN: dict[str, EventVersion] = {}
"""Every version of every event type by its topic, old ones too: what may stand in the log."""

KIND = re.compile(r"[a-z]+")


class Event(CanMutateAggregate[str], metaclass=MetaDomainEvent):
    """Something that happened to one aggregate. Parts are JSON values: what is written is what is folded, for ever.

    A subclass names its `TOPIC` (`chronova.<aggregate>.<fact>.v<version>`), declares its parts, and says in `apply` what
    follows for the aggregate. How its parts may change one day: `domain/evolution.py`.
    """

    TOPIC: ClassVar[str] = ""
    class_version: ClassVar[int] = 1  # taken from the topic; the name is the library's

    originator_id: str
    originator_version: int
    timestamp: datetime

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not cls.__dict__.get("TOPIC"):
            return
        versions = versions_of(cls, KINDS)
        for known in versions:
            if known.topic in KNOWN:
                raise TypeError(f"{known.topic} names two event classes.")
        cls.class_version = versions[-1].version
        EVENT_TYPES[cls.TOPIC] = cls
        for known in versions:
            KNOWN[known.topic] = known
            register_topic(known.topic, cls)


class Created(CanInitAggregate[str], Event):
    """The first event of an aggregate."""

    originator_topic: str


class Aggregate(BaseAggregate[str]):
    """A thing with a history. `KIND` is its word in subjects and event types; ids are NATS subject tokens."""

    KIND: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        if not KIND.fullmatch(cls.KIND) or cls.__dict__.get("TOPIC") != f"chronova.{cls.KIND}":
            raise TypeError(f"{cls.__name__} must have a KIND of small letters, and chronova.<KIND> as its TOPIC")
        super().__init_subclass__()  # refuses a topic that another aggregate has
        KINDS[cls.KIND] = cls

    @classmethod
    def begin(cls, event: type[Created], *, aggregate_id: str, at: datetime, **parts: Any) -> Self:
        """Start a new aggregate with its first event."""
        return cls._create(event, id=aggregate_id, timestamp=at, **parts)

    def record(self, event: type[Event], *, at: datetime, **parts: Any) -> None:
        """Record that something happened, and let it take effect."""
        self.trigger_event(event, timestamp=at, **parts)
