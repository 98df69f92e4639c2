"""Binding: a port that was made before its instance becomes that instance's, and is its own again afterwards."""

from typing import ClassVar

from domain.aggregate import Event
from domain.network.network import Network

OWNER = "compute:nova"
"""What a port's `device_owner` is while an instance has it; clients compare it."""


class PortsBound(Event):
    """Ports that were made before became instances' (port id → instance id)."""

    TOPIC: ClassVar[str] = "chronova.network.ports-bound.v1"

    ports: dict[str, str]

    def apply(self, aggregate: Network) -> None:
        """They have an instance."""
        for port, instance_id in self.ports.items():
            aggregate.ports[port] |= {"instance_id": instance_id, "device_id": instance_id, "device_owner": OWNER}


class PortsUnbound(Event):
    """Ports that were made before are no instance's any more, and keep their addresses."""

    TOPIC: ClassVar[str] = "chronova.network.ports-unbound.v1"

    port_ids: list[str]

    def apply(self, aggregate: Network) -> None:
        """Another instance can have them."""
        for port in self.port_ids:
            aggregate.ports[port] |= {"instance_id": None, "device_id": "", "device_owner": ""}
