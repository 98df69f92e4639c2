"""Interfaces: network cards that a built instance is given, or loses.

A card is asked for with an address that its network has given to it already; the agent plugs it and reports. What is asked of a
card stands in the card itself, `state`, until that is reported: a card without it is simply there.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from domain.errors import NotFound
from domain.instance.instance import Instance, InstanceEvent
from domain.instance.legality import Action, require_legal

ATTACHING, DETACHING = "attaching", "detaching"


def _without_state(nic: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in nic.items() if name != "state"}


class InterfaceAttachRequested(InstanceEvent):
    """A user asked for a card; `nic` has the address that its network gave it."""

    TOPIC: ClassVar[str] = "chronova.instance.interface-attach-requested.v1"

    nic: dict[str, Any]

    def apply(self, aggregate: Instance) -> None:
        """The agent has work."""
        aggregate.nics = [*aggregate.nics, {**self.nic, "state": ATTACHING}]
        aggregate.wants(aggregate.want)


class InterfaceAttached(InstanceEvent):
    """The guest has the card."""

    TOPIC: ClassVar[str] = "chronova.instance.interface-attached.v1"

    port_id: str

    def apply(self, aggregate: Instance) -> None:
        """It is there."""
        aggregate.nics = [_without_state(nic) if nic["port_id"] == self.port_id else nic for nic in aggregate.nics]


class InterfaceAttachFailed(InstanceEvent):
    """The guest could not be given the card. Its address is given back in answer to this event."""

    TOPIC: ClassVar[str] = "chronova.instance.interface-attach-failed.v1"

    port_id: str
    network_id: str
    reason: str

    def apply(self, aggregate: Instance) -> None:
        """It is wanted no longer."""
        aggregate.nics = [nic for nic in aggregate.nics if nic["port_id"] != self.port_id]
        aggregate.wants(aggregate.want)


class InterfaceDetachRequested(InstanceEvent):
    """A user asked for a card to be taken away."""

    TOPIC: ClassVar[str] = "chronova.instance.interface-detach-requested.v1"

    port_id: str

    def apply(self, aggregate: Instance) -> None:
        """The agent has work."""
        aggregate.nics = [
            {**nic, "state": DETACHING} if nic["port_id"] == self.port_id else nic for nic in aggregate.nics
        ]
        aggregate.wants(aggregate.want)


class InterfaceDetached(InstanceEvent):
    """The guest has the card no longer. Its address is given back in answer to this event."""

    TOPIC: ClassVar[str] = "chronova.instance.interface-detached.v1"

    port_id: str
    network_id: str

    def apply(self, aggregate: Instance) -> None:
        """It is gone."""
        aggregate.nics = [nic for nic in aggregate.nics if nic["port_id"] != self.port_id]


class InterfaceDetachFailed(InstanceEvent):
    """The guest would not let go of the card, and keeps it."""

    TOPIC: ClassVar[str] = "chronova.instance.interface-detach-failed.v1"

    port_id: str
    reason: str

    def apply(self, aggregate: Instance) -> None:
        """It is wanted again."""
        aggregate.nics = [_without_state(nic) if nic["port_id"] == self.port_id else nic for nic in aggregate.nics]
        aggregate.wants(aggregate.want)


def attach_interface(instance: Instance, nic: Mapping[str, Any], *, at: datetime) -> None:
    """Ask for a card; nothing when it has it. Raises IllegalInState. Source: compute API reference, "Create Interface"."""
    require_legal(instance, Action.ATTACH_INTERFACE)
    if all(had["port_id"] != nic["port_id"] for had in instance.nics):
        instance.record(InterfaceAttachRequested, nic=dict(nic), at=at)


def detach_interface(instance: Instance, port_id: str, *, at: datetime) -> None:
    """Ask for a card to be taken away; nothing when that was asked before.

    Raises IllegalInState, NotFound for a card that it does not have. Source: compute API reference, "Detach Interface".
    """
    require_legal(instance, Action.DETACH_INTERFACE)
    nic = next((nic for nic in instance.nics if nic["port_id"] == port_id), None)
    if nic is None:
        raise NotFound(f"Port id {port_id} could not be found.")
    if nic.get("state") != DETACHING:
        instance.record(InterfaceDetachRequested, port_id=port_id, at=at)


def cards_reported(instance: Instance, *, error: str | None, at: datetime) -> None:
    """Record what follows for its cards when the agent has brought about the newest generation, or has given up on it."""
    for nic in list(instance.nics):
        state, port_id, network_id = nic.get("state"), nic["port_id"], nic["network_id"]
        if state == ATTACHING and error is None:
            instance.record(InterfaceAttached, port_id=port_id, at=at)
        elif state == ATTACHING:
            instance.record(InterfaceAttachFailed, port_id=port_id, network_id=network_id, reason=error, at=at)
        elif state == DETACHING and error is None:
            instance.record(InterfaceDetached, port_id=port_id, network_id=network_id, at=at)
        elif state == DETACHING:
            instance.record(InterfaceDetachFailed, port_id=port_id, reason=error, at=at)
