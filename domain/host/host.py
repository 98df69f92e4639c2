"""The host: inventory, service state and the claims ledger."""

import re
from datetime import datetime
from typing import Any, ClassVar

from domain.aggregate import Aggregate, Created, Event
from domain.errors import Invalid
from domain.resources import Resources

HOST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")


def require_host_name(name: str) -> str:
    """Pass a name that can stand as one token in a NATS subject and in file names; raises Invalid."""
    if not HOST_NAME.fullmatch(name):
        raise Invalid(f"A host is named by letters, digits, - and _ (at most 63): {name!r} is not such a name.")
    return name


class Host(Aggregate):
    """A compute host. Every claim on it is an append to its own stream, so that no two can take the same capacity."""

    TOPIC: ClassVar[str] = "chronova.host"
    KIND: ClassVar[str] = "host"

    inventory: dict[str, Any]

    def __init__(self) -> None:
        self.enabled = True
        self.disabled_reason: str | None = None
        self.up = True
        self.forced_down = False
        self.state_changed_at: datetime | None = None
        self.claims: dict[str, Resources] = {}
        self.claimed = Resources()  # the sum of all claims

    @property
    def capacity(self) -> Resources:
        """What may be claimed in all: what is there, times its allocation ratio, less what is reserved for the host itself."""
        return capacity_of(self.inventory)

    @property
    def free(self) -> Resources:
        """What is still to be claimed. Negative where an inventory has shrunk below what was claimed before."""
        return self.capacity - self.claimed


def capacity_of(inventory: dict[str, Any]) -> Resources:
    """What an inventory allows to be claimed."""
    ratios, reserved = inventory["allocation_ratios"], inventory["reserved"]
    return Resources(
        **{
            name: max(0, int(inventory[name] * ratios[name]) - reserved[name])
            for name in ("vcpus", "memory_mib", "disk_gib")
        }
    )


class HostEvent(Event):
    """Something that happened to a host."""

    def apply(self, aggregate: Host) -> None:
        """Say what follows for the host."""


class HostRegistered(Created):
    """A host's agent reported for the first time."""

    TOPIC: ClassVar[str] = "chronova.host.registered.v1"

    inventory: dict[str, Any]

    def apply(self, aggregate: Host) -> None:
        """It is up and may be used."""
        aggregate.inventory = self.inventory
        aggregate.state_changed_at = self.timestamp


class InventoryChanged(HostEvent):
    """The host has other resources, or another hypervisor, than before."""

    TOPIC: ClassVar[str] = "chronova.host.inventory-changed.v1"

    inventory: dict[str, Any]

    def apply(self, aggregate: Host) -> None:
        """Claims stay; only what is free changes."""
        aggregate.inventory = self.inventory


def register(name: str, inventory: dict[str, Any], *, at: datetime) -> Host:
    """A new host. Raises Invalid when it cannot be named so or its inventory is not one."""
    require_host_name(name)
    capacity_of(inventory)
    return Host.begin(HostRegistered, aggregate_id=name, inventory=inventory, at=at)


def change_inventory(host: Host, inventory: dict[str, Any], *, at: datetime) -> None:
    """Record a changed inventory; nothing when it is the same."""
    capacity_of(inventory)
    if inventory != host.inventory:
        host.record(InventoryChanged, inventory=inventory, at=at)
