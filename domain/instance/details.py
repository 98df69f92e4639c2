"""Details: what an owner says of an instance beyond its request, and may say otherwise at any time."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import ClassVar, Self

from domain.errors import NotFound
from domain.instance.instance import Instance, InstanceEvent


@dataclass(frozen=True, slots=True)
class Details:
    """Everything that can be said. No guest is changed by it."""

    name: str
    hostname: str
    description: str | None
    access_ipv4: str | None  # where its owner says it is reached
    access_ipv6: str | None
    disk_config: str  # AUTO | MANUAL: who partitions the disk (API: `OS-DCF:diskConfig`)

    @classmethod
    def of(cls, instance: Instance) -> Self:
        """As they are now."""
        return cls(**{name: getattr(instance, name) for name in cls.__slots__})


class DetailsChanged(InstanceEvent):
    """Somebody who may said something else of the instance. All parts are as they are from now on."""

    TOPIC: ClassVar[str] = "chronova.instance.details-changed.v1"

    name: str
    hostname: str
    description: str | None
    access_ipv4: str | None
    access_ipv6: str | None
    disk_config: str

    def apply(self, aggregate: Instance) -> None:
        """They are what is shown."""
        for name in Details.__slots__:
            setattr(aggregate, name, getattr(self, name))


def change_details(instance: Instance, *, at: datetime, **changes: str | None) -> None:
    """Say something else; nothing when it is said already.

    `changes` are named as in Details. Raises NotFound when the instance is deleted. Source: compute API reference, "Update
    Server".
    """
    if instance.is_deleted:
        raise NotFound(f"Instance {instance.id} could not be found.")
    before = Details.of(instance)
    after = replace(before, **changes)  # type: ignore[arg-type]
    if after != before:
        instance.record(DetailsChanged, **asdict(after), at=at)
