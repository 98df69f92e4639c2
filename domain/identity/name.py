"""Names that must be unique: each is an aggregate of its own, so that two requests for one name meet in the log.

What is named is another aggregate. So a name is taken before its holder is made, and given back after the holder has ended; a name
whose holder never came to be, because something died in between, may be taken over.
"""

from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Created, Event
from domain.errors import Conflict

NAMESPACE = UUID("2f0d5f0a-0f5e-4be6-8f0b-6a7f1d6f5c11")

UNDER_WAY = timedelta(minutes=1)
"""How long a holder may take to come to be, after which its name counts as abandoned."""


def name_id(scope: str, name: str) -> str:
    """The aggregate's id. The scope says among what the name is unique: `project`, `user`, `credential <user id>`."""
    return str(uuid5(NAMESPACE, f"{scope}/{name}"))


class Name(Aggregate):
    """A name, and who has it."""

    TOPIC: ClassVar[str] = "chronova.name"
    KIND: ClassVar[str] = "name"

    scope: str
    name: str
    since: datetime

    def __init__(self) -> None:
        self.holder: str | None = None


class NameTaken(Created):
    """Somebody was given a name that nobody had had before."""

    TOPIC: ClassVar[str] = "chronova.name.taken.v1"

    scope: str  # among what it is unique: project, user, credential <user id>
    name: str
    holder: str  # the id of whoever has it

    def apply(self, aggregate: Name) -> None:
        """Nobody else can have it."""
        aggregate.scope, aggregate.name = self.scope, self.name
        aggregate.holder, aggregate.since = self.holder, self.timestamp


class NameReleased(Event):
    """Whoever had the name needs it no longer."""

    TOPIC: ClassVar[str] = "chronova.name.released.v1"

    def apply(self, aggregate: Name) -> None:
        """Somebody else can have it."""
        aggregate.holder, aggregate.since = None, self.timestamp


class NameTakenAgain(Event):
    """Somebody was given a name that somebody else had had before."""

    TOPIC: ClassVar[str] = "chronova.name.taken-again.v1"

    holder: str  # the id of whoever has it

    def apply(self, aggregate: Name) -> None:
        """Nobody else can have it."""
        aggregate.holder, aggregate.since = self.holder, self.timestamp


def take_name(scope: str, name: str, *, holder: str, at: datetime) -> Name:
    """A name that nobody has had yet."""
    return Name.begin(NameTaken, aggregate_id=name_id(scope, name), scope=scope, name=name, holder=holder, at=at)


def take_again(name: Name, *, holder: str, abandoned_by: str | None = None, at: datetime) -> None:
    """Take a name that was used before; nothing when it is the holder's already.

    `abandoned_by` is a holder that was found never to have come to be. Raises Conflict while somebody else has the name.
    """
    if name.holder == holder:
        return
    if name.holder is not None and (name.holder != abandoned_by or at - name.since < UNDER_WAY):
        raise Conflict(f"The name {name.name} is in use.")
    name.record(NameTakenAgain, holder=holder, at=at)


def release_name(name: Name, *, holder: str, at: datetime) -> None:
    """Give a name back; nothing when it is not the holder's."""
    if name.holder == holder:
        name.record(NameReleased, at=at)
