"""Addresses: the ledger of who has which. An allocation is an append, so no address is given twice."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network
from typing import ClassVar

from domain.aggregate import Event
from domain.errors import AddressesExhausted, Conflict, DomainError, NotFound
from domain.network.binding import PortsBound, PortsUnbound
from domain.network.errors import AddressOutside, AddressTaken, PortInUse
from domain.network.network import Network
from domain.network.nic import free_mac


class AddressesAllocated(Event):
    """Addresses were given to ports (port id → instance_id, address, mac). One event may serve many instances."""

    TOPIC: ClassVar[str] = "chronova.network.addresses-allocated.v1"

    ports: dict[str, dict[str, str]]

    def apply(self, aggregate: Network) -> None:
        """They are taken."""
        for port, held in self.ports.items():
            aggregate.holds(port, held)


class AddressesReleased(Event):
    """Ports gave their addresses back."""

    TOPIC: ClassVar[str] = "chronova.network.addresses-released.v1"

    port_ids: list[str]

    def apply(self, aggregate: Network) -> None:
        """They are free again."""
        for port in self.port_ids:
            aggregate.drops(port)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A port that is to have an address."""

    port_id: str
    instance_id: str
    fixed: str | None = None  # the address that was asked for by name
    kept: bool = False  # the port was made before its instance: it is bound, and never made anew


def allocate(network: Network, wanted: Iterable[Wanted], *, at: datetime) -> dict[str, DomainError]:
    """Give ports addresses: the ones named, else the lowest that are free. Nothing for a port that its instance has.

    Returns why ports got none (port id → AddressesExhausted, AddressTaken, AddressOutside for one that is not of this subnet,
    PortInUse and NotFound for one that was made before). Raises Conflict when the network is deleted.
    """
    if network.is_deleted:
        raise Conflict(f"Network {network.id} is deleted.")
    given: dict[str, dict[str, str]] = {}
    bound: dict[str, str] = {}
    refused: dict[str, DomainError] = {}
    taken: set[str] = set()
    macs: set[str] = set()
    free = (address for address in network.free_addresses() if address not in taken)
    for port in wanted:
        try:
            if port.port_id in network.ports or port.kept:
                if _is_to_be_bound(network, port):
                    bound[port.port_id] = port.instance_id
                continue
            address = next_address(network, free) if port.fixed is None else named_address(network, port.fixed, taken)
        except DomainError as error:
            refused[port.port_id] = error
        else:
            mac = free_mac(port.port_id, network.macs | macs if macs else network.macs)
            taken.add(address)
            macs.add(mac)
            given[port.port_id] = {"instance_id": port.instance_id, "address": address, "mac": mac}
    if given:
        network.record(AddressesAllocated, ports=given, at=at)
    if bound:
        network.record(PortsBound, ports=bound, at=at)
    return refused


def _is_to_be_bound(network: Network, port: Wanted) -> bool:
    held = network.ports.get(port.port_id)
    if held is None:
        raise NotFound(f"Port {port.port_id} could not be found.")
    if held["instance_id"] not in (None, port.instance_id):
        raise PortInUse(f"Port {port.port_id} is still in use.")
    if held["address"] is None:
        raise AddressOutside(f"Port {port.port_id} requires a FixedIP in order to be used.")
    return held["instance_id"] is None


def next_address(network: Network, free: Iterator[str]) -> str:
    """The next that is free. Raises AddressesExhausted."""
    address = next(free, None)
    if address is None:
        raise AddressesExhausted(f"No more IP addresses available on network {network.id}.")
    return address


def named_address(network: Network, fixed: str, taken: Collection[str] = ()) -> str:
    """The address that was asked for by name, when it can be had. Raises AddressOutside, AddressTaken."""
    if not can_give(network.cidr, network.gateway, fixed):
        raise AddressOutside(f"Fixed IP address {fixed} is not a valid address of network {network.id}.")
    address = str(IPv4Address(fixed))
    if address in network.taken or address in taken:
        raise AddressTaken(f"Fixed IP address {address} is already in use on network {network.id}.")
    return address


def can_give(cidr: str | None, gateway: str | None, fixed: str) -> bool:
    """Whether an address is one of the subnet's that a port can have: not the subnet's own, broadcast, nor the gateway's."""
    try:
        wanted = IPv4Address(fixed)
    except ValueError:
        return False
    if cidr is None:
        return False
    subnet = IPv4Network(cidr)
    return subnet[1] <= wanted <= subnet[-2] and str(wanted) != gateway


def release_addresses(network: Network, instance_ids: Iterable[str], *, at: datetime) -> None:
    """Give back all ports of instances; nothing for those that have none."""
    wanted = set(instance_ids)
    release_ports(network, [port for port, holder in network.ports.items() if holder["instance_id"] in wanted], at=at)


def release_ports(network: Network, port_ids: Iterable[str], *, at: datetime) -> None:
    """Give instances' ports back: those that were made before their instance are kept, with their addresses."""
    held = [port for port in port_ids if port in network.ports and network.ports[port]["instance_id"] is not None]
    kept = [port for port in held if network.ports[port].get("kept")]
    own = [port for port in held if not network.ports[port].get("kept")]
    if own:
        network.record(AddressesReleased, port_ids=own, at=at)
    if kept:
        network.record(PortsUnbound, port_ids=kept, at=at)
