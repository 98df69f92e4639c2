"""Evolution: an event's type carries its version, and every version that was ever written can be read for ever (ADR 0009).

An event class is the newest version of its type. For every older one it declares two things beside its parts: `V<n>`, the
parts as they were then, and `upcast_v<n>_v<n + 1>`, which turns them into those of the version after:

    class FlavorCreated(Created):
        TOPIC: ClassVar[str] = "chronova.flavor.created.v2"

        name: str
        memory_mib: int

        class V1:
            name: str
            ram: int

        @staticmethod
        def upcast_v1_v2(parts: dict[str, Any]) -> None:
            parts["memory_mib"] = parts.pop("ram")

An upcaster changes the event's own parts in place, and depends on nothing else: it leaves alone what all events have. The names
are those of the `eventsourcing` library, whose stock mapper reads old versions by them as well; so the body of a version above 1
has a `class_version`.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from inspect import isclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from domain.aggregate import Event

Upcast: TypeAlias = Callable[[dict[str, Any]], None]

TOPIC = re.compile(r"chronova\.(?P<kind>[a-z]+)\.(?P<fact>[a-z]+(?:-[a-z]+)*)\.v(?P<version>[1-9][0-9]*)")
OLD_SHAPE = re.compile(r"V[0-9]+")
UPCAST = re.compile(r"upcast_.*")


@dataclass(frozen=True, slots=True, eq=False)
class EventVersion:
    """One version of an event type: a topic under which events may stand in the log."""

    topic: str
    kind: str  # of the aggregate: instance, host …
    fact: str  # what happened: claims-granted
    version: int
    event: "type[Event]"  # the newest version's class, whatever this one's number
    shape: type  # what its parts are annotated on: `event` itself, or its `V<n>`
    upcasts: tuple[Upcast, ...]  # from the body as it was written to the parts of `event`; empty when they are the same

    @property
    def is_current(self) -> bool:
        """Whether it is what is written today."""
        return self.shape is self.event

    def upcast(self, parts: dict[str, Any]) -> None:
        """Turn the parts that were written into those of the newest version, in place. Raises what an upcaster raises."""
        for step in self.upcasts:
            step(parts)


def versions_of(event: "type[Event]", kinds: Collection[str]) -> tuple[EventVersion, ...]:
    """All versions of an event class, oldest first. Raises TypeError when it cannot be read for ever as it is declared."""
    topic = event.TOPIC
    match = TOPIC.fullmatch(topic)
    if match is None:
        raise TypeError(f"{topic} is no event type: write chronova.<aggregate>.<fact>.v<version>, as in a.b-c.v1.")
    kind, fact, newest = match["kind"], match["fact"], int(match["version"])
    if kind not in kinds:
        raise TypeError(f"{topic} is about no aggregate that is known: there are {', '.join(sorted(kinds))}.")
    shapes, upcasts = _shapes(event, newest), _upcasts(event, newest)
    return tuple(
        EventVersion(
            topic=f"chronova.{kind}.{fact}.v{version}",
            kind=kind,
            fact=fact,
            version=version,
            event=event,
            shape=shapes[version - 1],
            upcasts=(_drop_class_version, *upcasts[version - 1 :]) if version > 1 else upcasts,
        )
        for version in range(1, newest + 1)
    )


def _shapes(event: "type[Event]", newest: int) -> tuple[type, ...]:
    """What the parts of each version are annotated on, oldest first."""
    old = _declared(event, OLD_SHAPE, [f"V{version}" for version in range(1, newest)])
    for shape in old:
        if not isclass(shape):
            raise TypeError(f"{event.TOPIC}: V<n> is a class with the parts as they were, and {shape!r} is none.")
    return (*old, event)


def _upcasts(event: "type[Event]", newest: int) -> tuple[Upcast, ...]:
    """The upcasters, from version 1 on."""
    found = _declared(event, UPCAST, [f"upcast_v{version}_v{version + 1}" for version in range(1, newest)])
    for upcast in found:
        if not isinstance(upcast, staticmethod):
            raise TypeError(f"{event.TOPIC}: an upcaster is a static method, and {upcast!r} is none.")
    return tuple(upcast.__func__ for upcast in found)


def _declared(event: "type[Event]", pattern: re.Pattern[str], wanted: list[str]) -> list[Any]:
    """What the class itself declares under the wanted names, in their order; they must be all that fit the pattern."""
    found = [name for name in vars(event) if pattern.fullmatch(name)]
    if missing := [name for name in wanted if name not in found]:
        raise TypeError(f"{event.TOPIC} cannot be read as it was written before: {', '.join(missing)} is missing.")
    if surplus := [name for name in found if name not in wanted]:
        raise TypeError(f"{event.TOPIC} declares {', '.join(surplus)}, which leads from no older version to the next.")
    return [vars(event)[name] for name in wanted]


def _drop_class_version(parts: dict[str, Any]) -> None:
    """Versions above 1 name their number in the body too, for the library's mapper; it is no part of the event."""
    del parts["class_version"]
