"""The port that a user makes: a name, an address and a hardware address, for an instance that is still to come."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from domain.aggregate import Event
from domain.errors import Invalid, NotFound
from domain.network.addresses import named_address, next_address
from domain.network.errors import MacTaken, PortInUse
from domain.network.network import Network, require_living
from domain.network.nic import free_mac

MAC = re.compile(r"(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


class PortCreated(Event):
    """A user made a port; it stays until a user deletes it."""

    TOPIC: ClassVar[str] = "chronova.network.port-created.v1"

    port_id: str
    project_id: str
    name: str
    description: str
    mac: str
    address: str | None  # None on a network without a subnet
    device_id: str
    device_owner: str
    security_groups: list[str]

    def apply(self, aggregate: Network) -> None:
        """It has its address."""
        aggregate.holds(
            self.port_id,
            {
                "kept": True,
                "instance_id": None,
                "address": self.address,
                "mac": self.mac,
                "project_id": self.project_id,
                "name": self.name,
                "description": self.description,
                "device_id": self.device_id,
                "device_owner": self.device_owner,
                "security_groups": self.security_groups,
            },
        )


class PortChanged(Event):
    """Some of what is known of a port is different now; `changes` has the new values of those parts alone."""

    TOPIC: ClassVar[str] = "chronova.network.port-changed.v1"

    port_id: str
    changes: dict[str, Any]

    def apply(self, aggregate: Network) -> None:
        """It is as it was changed."""
        aggregate.ports[self.port_id] |= self.changes


class PortDeleted(Event):
    """A port is gone, and its address is free."""

    TOPIC: ClassVar[str] = "chronova.network.port-deleted.v1"

    port_id: str

    def apply(self, aggregate: Network) -> None:
        """It is gone."""
        aggregate.drops(self.port_id)


CHANGEABLE = frozenset({"name", "description", "device_id", "device_owner", "security_groups", "tags"})
OF_THE_DEVICE = frozenset({"device_id", "device_owner"})


def create_port(
    network: Network,
    port: str,
    *,
    project_id: str,
    security_groups: Sequence[str],
    at: datetime,
    name: str = "",
    description: str = "",
    fixed: str | None = None,
    mac: str | None = None,
    device_id: str = "",
    device_owner: str = "",
) -> None:
    """A new port, with the address and the hardware address that were named, else with free ones.

    Raises NotFound when the network is deleted, AddressesExhausted, AddressTaken, AddressOutside, MacTaken, Invalid.
    """
    require_living(network)
    network.record(
        PortCreated,
        port_id=port,
        project_id=project_id,
        name=name,
        description=description,
        mac=free_mac(port, network.macs) if mac is None else _named_mac(network, mac),
        address=_address(network, fixed),
        device_id=device_id,
        device_owner=device_owner,
        security_groups=list(security_groups),
        at=at,
    )


def change_port(network: Network, port: str, changes: Mapping[str, Any], *, at: datetime) -> None:
    """Give parts of it other values; nothing when they have them.

    Raises NotFound, Invalid for what cannot be changed, PortInUse for another device while an instance has it.
    """
    held = require_port(network, port)
    if unknown := sorted(changes.keys() - CHANGEABLE):
        raise Invalid(f"Attribute '{unknown[0]}' of a port cannot be changed.")
    differing = {name: value for name, value in changes.items() if held.get(name) != value}
    if held["instance_id"] is not None and differing.keys() & OF_THE_DEVICE:
        raise PortInUse(_in_use(network, port))
    if differing:
        network.record(PortChanged, port_id=port, changes=differing, at=at)


def delete_port(network: Network, port: str, *, at: datetime) -> None:
    """Delete it. Raises NotFound, PortInUse while an instance has it."""
    if require_port(network, port)["instance_id"] is not None:
        raise PortInUse(_in_use(network, port))
    network.record(PortDeleted, port_id=port, at=at)


def require_port(network: Network, port: str) -> Mapping[str, Any]:
    """What a port has. Raises NotFound."""
    held = network.ports.get(port)
    if held is None:
        raise NotFound(f"Port {port} could not be found.")
    return held


def _in_use(network: Network, port: str) -> str:
    return (
        f"Unable to complete operation on port {port} for network {network.id}. Port already has an attached device "
        f"{network.ports[port]['instance_id']}."
    )


def _address(network: Network, fixed: str | None) -> str | None:
    if fixed is not None:
        return named_address(network, fixed)
    return None if network.cidr is None else next_address(network, network.free_addresses())


def _named_mac(network: Network, mac: str) -> str:
    small = mac.lower()
    if not MAC.fullmatch(small) or int(small[:2], 16) & 1:
        raise Invalid(f"'{mac}' is not a valid MAC address.")
    if small in network.macs:
        raise MacTaken(f"Unable to complete operation for network {network.id}. The mac address {small} is in use.")
    return small
