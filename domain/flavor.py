"""The flavor: a named size of instance."""

import re
from datetime import datetime
from inspect import get_annotations
from typing import Any, ClassVar
from urllib.parse import unquote

from domain.aggregate import Aggregate, Created, Event
from domain.errors import Conflict, Invalid

FLAVOR_ID = re.compile(r"(?! )[A-Za-z0-9. _-]{1,255}(?<! )")


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
        self.projects: list[str] = []  # that may use it where it is not public
        self.rxtx_factor = 1.0  # has no meaning; old clients write it and read it

    @property
    def flavor_id(self) -> str:
        """The id that users know."""
        return unquote(self.id.replace("=", "%"))

    def document(self) -> dict[str, Any]:
        """What an instance copies."""
        return {"id": self.flavor_id, **{name: getattr(self, name) for name in FLAVOR_PARTS}}


def token_of(flavor_id: str) -> str:
    """The aggregate's id: users may write blanks and dots into theirs, which have another meaning in subjects. Raises Invalid."""
    if not FLAVOR_ID.fullmatch(flavor_id):
        raise Invalid("A flavor's id consists of letters, digits, blanks, dots, - and _ (at most 255).")
    return flavor_id.replace(".", "=2E").replace(" ", "=20")


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
        _take_over(aggregate, self)


FLAVOR_PARTS = tuple(name for name in get_annotations(FlavorCreated) if name != "TOPIC")


class FlavorReplaced(Event):
    """An id whose flavor was deleted stands for another size."""

    TOPIC: ClassVar[str] = "chronova.flavor.replaced.v1"

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
        """It can be chosen, and has nothing of the one before it."""
        _take_over(aggregate, self)
        aggregate.is_deleted, aggregate.projects, aggregate.rxtx_factor = False, [], 1.0


def _take_over(flavor: Flavor, event: FlavorCreated | FlavorReplaced) -> None:
    for name in FLAVOR_PARTS:
        setattr(flavor, name, getattr(event, name))


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
    """A new flavor. Raises Invalid when a size is negative, there is no processor or memory, or for what is no id."""
    if vcpus < 1 or ram < 1 or min(disk, ephemeral, swap) < 0:
        raise Invalid("A flavor has at least 1 vcpu and 1 MiB of ram, and no negative size.")
    return Flavor.begin(
        FlavorCreated,
        aggregate_id=token_of(flavor_id),
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


def replace_flavor(flavor: Flavor, other: Flavor, *, at: datetime) -> None:
    """Let the id of a deleted flavor stand for another one. Raises Conflict while it is in use."""
    if not flavor.is_deleted:
        raise Conflict(f"Flavor with ID {flavor.flavor_id} already exists.")
    flavor.record(FlavorReplaced, at=at, **{name: getattr(other, name) for name in FLAVOR_PARTS})


def delete_flavor(flavor: Flavor, *, at: datetime) -> None:
    """Offer it no longer; nothing when it is gone."""
    if not flavor.is_deleted:
        flavor.record(FlavorDeleted, at=at)
