"""The flavor: a named size of instance."""

from datetime import datetime
from inspect import get_annotations
from typing import Any, ClassVar

from domain.aggregate import Aggregate, Created, Event
from domain.errors import Invalid


class Flavor(Aggregate):
    """A size that instances can have. Instances copy it when they are asked for."""

    TOPIC: ClassVar[str] = "chronova.flavor"
    KIND: ClassVar[str] = "flavor"

    name: str
    vcpus: int
    ram: int  # MiB
    disk: int  # GiB, of the root disk
    ephemeral: int  # GiB
    swap: int  # MiB
    is_public: bool
    description: str | None
    extra_specs: dict[str, str]

    def __init__(self) -> None:
        self.is_deleted = False

    def document(self) -> dict[str, Any]:
        """What an instance copies."""
        return {"id": self.id, **{name: getattr(self, name) for name in FLAVOR_PARTS}}


class FlavorCreated(Created):
    """An operator offers a new size."""

    TOPIC: ClassVar[str] = "chronova.flavor.created.v1"

    name: str
    vcpus: int
    ram: int
    disk: int
    ephemeral: int
    swap: int
    is_public: bool
    description: str | None
    extra_specs: dict[str, str]

    def apply(self, aggregate: Flavor) -> None:
        """It can be chosen."""
        for name in FLAVOR_PARTS:
            setattr(aggregate, name, getattr(self, name))


FLAVOR_PARTS = tuple(name for name in get_annotations(FlavorCreated) if name != "TOPIC")


class FlavorDeleted(Event):
    """It is offered no longer; instances that have it keep it."""

    TOPIC: ClassVar[str] = "chronova.flavor.deleted.v1"

    def apply(self, aggregate: Flavor) -> None:
        """It is gone."""
        aggregate.is_deleted = True


def create_flavor(
    flavor_id: str,
    *,
    name: str,
    vcpus: int,
    ram: int,
    disk: int,
    at: datetime,
    ephemeral: int = 0,
    swap: int = 0,
    is_public: bool = True,
    description: str | None = None,
    extra_specs: dict[str, str] | None = None,
) -> Flavor:
    """A new flavor. Raises Invalid when a size is negative or there is no processor or memory."""
    if vcpus < 1 or ram < 1 or min(disk, ephemeral, swap) < 0:
        raise Invalid("A flavor has at least 1 vcpu and 1 MiB of ram, and no negative size.")
    return Flavor.begin(
        FlavorCreated,
        aggregate_id=flavor_id,
        at=at,
        name=name,
        vcpus=vcpus,
        ram=ram,
        disk=disk,
        ephemeral=ephemeral,
        swap=swap,
        is_public=is_public,
        description=description,
        extra_specs=extra_specs or {},
    )


def delete_flavor(flavor: Flavor, *, at: datetime) -> None:
    """Offer it no longer; nothing when it is gone."""
    if not flavor.is_deleted:
        flavor.record(FlavorDeleted, at=at)
