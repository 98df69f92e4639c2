"""Metadata: a few words by name that an owner keeps with an instance."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from domain.errors import NotFound, QuotaExceeded
from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action, require_legal

METADATA_LIMIT = 128
"""How many items an instance may have where nobody says otherwise."""


class MetadataChanged(InstanceEvent):
    """The metadata is something else from now on."""

    TOPIC: ClassVar[str] = "chronova.instance.metadata-changed.v1"

    metadata: dict[str, str]

    def apply(self, aggregate: Instance) -> None:
        """It replaces what was there."""
        aggregate.metadata = self.metadata


def update_metadata(
    instance: Instance, items: Mapping[str, str], *, at: datetime, replace: bool = False, limit: int = METADATA_LIMIT
) -> None:
    """Add items, or let them replace all that were there; nothing when it is so already.

    An instance may have `limit` items, any number when that is negative. Raises QuotaExceeded, IllegalInState. Source: compute
    API reference, "Server metadata".
    """
    require_legal(instance, Action.UPDATE_METADATA)
    metadata = dict(items) if replace else {**instance.metadata, **items}
    if 0 <= limit < len(metadata):
        raise QuotaExceeded(f"Maximum number of metadata items exceeds {limit}")
    _become(instance, metadata, at)


def delete_metadata(instance: Instance, key: str, *, at: datetime) -> None:
    """Take one item away. Raises NotFound when there is none of this name, IllegalInState."""
    if not instance.is_deleted and key not in instance.metadata:
        raise NotFound("Metadata item was not found")
    require_legal(instance, Action.DELETE_METADATA)
    _become(instance, {name: value for name, value in instance.metadata.items() if name != key}, at)


def _become(instance: Instance, metadata: dict[str, str], at: datetime) -> None:
    if metadata != instance.metadata:
        instance.record(MetadataChanged, metadata=metadata, at=at)
