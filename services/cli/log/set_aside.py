"""Which instances an event of a host or a network is about: those that it sets something aside for, or takes it back from."""

from collections.abc import Mapping

from domain.aggregate import Event
from domain.host.claims import ClaimsGranted, ClaimsReleased
from domain.network.addresses import AddressesAllocated, AddressesReleased
from domain.network.binding import PortsBound, PortsUnbound


class SetAside:
    """Is shown events in order, because who gives a port back is known only from who was given it."""

    def __init__(self) -> None:
        self._holders: dict[str, str] = {}  # port id → instance id

    def instances_of(self, event: Event) -> frozenset[str]:
        """The ids of the instances that an event is about; none for any other kind of event."""
        match event:
            case ClaimsGranted():
                return frozenset(event.claims)
            case ClaimsReleased():
                return frozenset(event.instance_ids)
            case AddressesAllocated():
                return self._given({port: held["instance_id"] for port, held in event.ports.items()})
            case PortsBound():
                return self._given(event.ports)
            case AddressesReleased() | PortsUnbound():
                return frozenset(self._holders.pop(port) for port in event.port_ids if port in self._holders)
            case _:
                return frozenset()

    def _given(self, ports: Mapping[str, str]) -> frozenset[str]:
        self._holders.update(ports)
        return frozenset(ports.values())
