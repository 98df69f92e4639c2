"""The host aggregate: hosts that an operator speaks of together. With a zone in its metadata, it is an availability zone.

Source: compute API reference, "Host aggregates".
"""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from domain.aggregate import Aggregate, Created, Event
from domain.errors import Conflict, Invalid, NotFound

ZONE_KEY = "availability_zone"


class HostAggregate(Aggregate):
    """Hosts with a name and metadata."""

    TOPIC: ClassVar[str] = "chronova.hostaggregate"
    KIND: ClassVar[str] = "hostaggregate"

    name: str
    metadata: dict[str, str]

    def __init__(self) -> None:
        self.hosts: list[str] = []
        self.is_deleted = False

    @property
    def zone(self) -> str | None:
        """The availability zone that its hosts are in."""
        return self.metadata.get(ZONE_KEY)


class HostAggregateCreated(Created):
    """An operator made one."""

    TOPIC: ClassVar[str] = "chronova.hostaggregate.created.v1"

    name: str
    metadata: dict[str, str]

    def apply(self, aggregate: HostAggregate) -> None:
        """It has no hosts yet."""
        aggregate.name, aggregate.metadata = self.name, self.metadata


class HostAggregateRenamed(Event):
    """It has another name."""

    TOPIC: ClassVar[str] = "chronova.hostaggregate.renamed.v1"

    name: str

    def apply(self, aggregate: HostAggregate) -> None:
        """It is called so."""
        aggregate.name = self.name


class HostAggregateMetadataChanged(Event):
    """Other things are said of its hosts."""

    TOPIC: ClassVar[str] = "chronova.hostaggregate.metadata-changed.v1"

    changed: dict[str, str]
    removed: list[str]

    def apply(self, aggregate: HostAggregate) -> None:
        """They count from now on."""
        kept = {key: value for key, value in aggregate.metadata.items() if key not in self.removed}
        aggregate.metadata = kept | self.changed


class HostAdded(Event):
    """A host belongs to it."""

    TOPIC: ClassVar[str] = "chronova.hostaggregate.host-added.v1"

    host: str

    def apply(self, aggregate: HostAggregate) -> None:
        """It is one of them."""
        aggregate.hosts = [*aggregate.hosts, self.host]


class HostTaken(Event):
    """A host belongs to it no longer."""

    TOPIC: ClassVar[str] = "chronova.hostaggregate.host-taken.v1"

    host: str

    def apply(self, aggregate: HostAggregate) -> None:
        """It is none of them."""
        aggregate.hosts = [host for host in aggregate.hosts if host != self.host]


class HostAggregateDeleted(Event):
    """It is gone."""

    TOPIC: ClassVar[str] = "chronova.hostaggregate.deleted.v1"

    def apply(self, aggregate: HostAggregate) -> None:
        """Nobody speaks of it."""
        aggregate.is_deleted = True


def create_host_aggregate(aggregate_id: str, *, name: str, zone: str | None, at: datetime) -> HostAggregate:
    """A new aggregate, without hosts."""
    metadata = {} if zone is None else {ZONE_KEY: zone}
    return HostAggregate.begin(HostAggregateCreated, aggregate_id=aggregate_id, name=name, metadata=metadata, at=at)


def rename(aggregate: HostAggregate, name: str, *, at: datetime) -> None:
    """Call it so; nothing when it is. Raises NotFound."""
    _require_alive(aggregate)
    if name != aggregate.name:
        aggregate.record(HostAggregateRenamed, name=name, at=at)


def change_metadata(aggregate: HostAggregate, metadata: Mapping[str, str | None], *, at: datetime) -> None:
    """Set metadata, and remove those that are None; nothing when all is so. Raises NotFound, Invalid for a zone without a name."""
    _require_alive(aggregate)
    if metadata.get(ZONE_KEY) == "":
        raise Invalid(f"Aggregate {aggregate.name} does not support empty named availability zone")
    changed = {
        key: value for key, value in metadata.items() if value is not None and value != aggregate.metadata.get(key)
    }
    removed = [key for key, value in metadata.items() if value is None and key in aggregate.metadata]
    if changed or removed:
        aggregate.record(HostAggregateMetadataChanged, changed=changed, removed=removed, at=at)


def add_host(aggregate: HostAggregate, host: str, *, number: int, at: datetime) -> None:
    """Take a host in. Raises NotFound, Conflict when it is in; `number` is what the API calls the aggregate."""
    _require_alive(aggregate)
    if host in aggregate.hosts:
        raise Conflict(f"Aggregate {number} already has host {host}.")
    aggregate.record(HostAdded, host=host, at=at)


def remove_host(aggregate: HostAggregate, host: str, *, number: int, at: datetime) -> None:
    """Let a host go. Raises NotFound, also when it is not in."""
    _require_alive(aggregate)
    if host not in aggregate.hosts:
        raise NotFound(f"Cannot remove host {host} in aggregate {number}")
    aggregate.record(HostTaken, host=host, at=at)


def delete_host_aggregate(aggregate: HostAggregate, *, number: int, at: datetime) -> None:
    """Delete it. Raises NotFound, Invalid while it has hosts."""
    _require_alive(aggregate)
    if aggregate.hosts:
        raise Invalid(f"Cannot remove host from aggregate {number}. Reason: Host aggregate is not empty.")
    aggregate.record(HostAggregateDeleted, at=at)


def _require_alive(aggregate: HostAggregate) -> None:
    if aggregate.is_deleted:
        raise NotFound(f"Aggregate {aggregate.name} could not be found.")
