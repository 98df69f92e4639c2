"""The network: one IPv4 subnet and the ledger of its addresses. An allocation is an append, so no address is given twice."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from inspect import get_annotations
from ipaddress import IPv4Address, IPv4Network
from typing import Any, ClassVar
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Created, Event
from domain.errors import AddressesExhausted, Conflict, DomainError, Invalid

PORTS = UUID("4d9f0f0e-5d35-4c1c-8a5b-0d6c52f1a1f2")


def port_id(instance_id: str, index: int) -> str:
    """The id of an instance's nth port: the same whenever it is asked for, so that a repeated allocation finds the first."""
    return str(uuid5(PORTS, f"{instance_id}/{index}"))


def mac_of(port: str) -> str:
    """The port's hardware address, in QEMU's own range, from the port's id."""
    digits = UUID(port).hex[-6:]
    return f"52:54:00:{digits[0:2]}:{digits[2:4]}:{digits[4:6]}"


class Network(Aggregate):
    """A network that instances can be on."""

    TOPIC: ClassVar[str] = "chronova.network"
    KIND: ClassVar[str] = "network"

    project_id: str
    name: str
    cidr: str
    gateway: str
    dns: list[str]
    subnet_id: str
    shared: bool
    mtu: int

    def __init__(self) -> None:
        self.is_deleted = False
        self.ports: dict[str, dict[str, Any]] = {}  # port id → instance_id, address, mac
        self.taken: set[str] = set()
        self.lowest = 0  # no address below this number is free: spares a search through all that are taken

    def allocation_pool(self) -> tuple[IPv4Address, IPv4Address]:
        """The first and the last address that can be given."""
        subnet = IPv4Network(self.cidr)
        return subnet[2], subnet[-2]


class NetworkCreated(Created):
    """A network was made."""

    TOPIC: ClassVar[str] = "chronova.network.created.v1"

    project_id: str
    name: str
    cidr: str
    gateway: str
    dns: list[str]
    subnet_id: str
    shared: bool
    mtu: int

    def apply(self, aggregate: Network) -> None:
        """It can be used."""
        for name in NETWORK_PARTS:
            setattr(aggregate, name, getattr(self, name))
        aggregate.lowest = int(aggregate.allocation_pool()[0])


NETWORK_PARTS = tuple(name for name in get_annotations(NetworkCreated) if name != "TOPIC")


class AddressesAllocated(Event):
    """Addresses were given to ports (port id → instance_id, address, mac). One event may serve many instances."""

    TOPIC: ClassVar[str] = "chronova.network.addresses-allocated.v1"

    ports: dict[str, dict[str, str]]

    def apply(self, aggregate: Network) -> None:
        """They are taken."""
        for port, held in self.ports.items():
            aggregate.ports[port] = held
            aggregate.taken.add(held["address"])
        while str(IPv4Address(aggregate.lowest)) in aggregate.taken:
            aggregate.lowest += 1


class AddressesReleased(Event):
    """Ports gave their addresses back."""

    TOPIC: ClassVar[str] = "chronova.network.addresses-released.v1"

    port_ids: list[str]

    def apply(self, aggregate: Network) -> None:
        """They are free again."""
        for port in self.port_ids:
            address = aggregate.ports.pop(port)["address"]
            aggregate.taken.discard(address)
            aggregate.lowest = min(aggregate.lowest, int(IPv4Address(address)))


class NetworkDeleted(Event):
    """The network is gone."""

    TOPIC: ClassVar[str] = "chronova.network.deleted.v1"

    def apply(self, aggregate: Network) -> None:
        """It is gone."""
        aggregate.is_deleted = True


def create_network(
    network_id: str,
    *,
    project_id: str,
    name: str,
    cidr: str,
    subnet_id: str,
    at: datetime,
    dns: list[str] | None = None,
    shared: bool = False,
    mtu: int = 1500,
) -> Network:
    """A new network; its gateway is the subnet's first address. Raises Invalid for a subnet without room."""
    try:
        subnet = IPv4Network(cidr)
    except ValueError as error:
        raise Invalid(f"{cidr} is not an IPv4 subnet: {error}") from None
    if subnet.prefixlen > 29:  # noqa: PLR2004 -- /30 leaves one address besides the gateway's
        raise Invalid(f"{cidr} is too small for a network: use a /29 or larger.")
    return Network.begin(
        NetworkCreated,
        aggregate_id=network_id,
        at=at,
        project_id=project_id,
        name=name,
        cidr=str(subnet),
        gateway=str(subnet[1]),
        dns=dns or [],
        subnet_id=subnet_id,
        shared=shared,
        mtu=mtu,
    )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A port that is to have an address."""

    port_id: str
    instance_id: str
    fixed: str | None = None  # the address that was asked for by name


def allocate(network: Network, wanted: Iterable[Wanted], *, at: datetime) -> dict[str, DomainError]:
    """Give ports addresses: the ones named, else the lowest that are free. Nothing for a port that has one.

    Returns why ports got none (port id → AddressesExhausted, Conflict for one that is taken, Invalid for one that is not of
    this subnet). Raises Conflict when the network is deleted.
    """
    if network.is_deleted:
        raise Conflict(f"Network {network.id} is deleted.")
    given: dict[str, dict[str, str]] = {}
    refused: dict[str, DomainError] = {}
    taken: set[str] = set()
    free = _free(network, taken)
    for port in wanted:
        if port.port_id in network.ports:
            continue
        try:
            address = _take(network, taken, port.fixed) if port.fixed is not None else next(free)
        except StopIteration:
            refused[port.port_id] = AddressesExhausted(f"No more IP addresses available on network {network.id}.")
        except DomainError as error:
            refused[port.port_id] = error
        else:
            taken.add(address)
            given[port.port_id] = {"instance_id": port.instance_id, "address": address, "mac": mac_of(port.port_id)}
    if given:
        network.record(AddressesAllocated, ports=given, at=at)
    return refused


def _free(network: Network, taken: set[str]) -> Iterator[str]:
    """The addresses that nobody has, lowest first."""
    _, last = network.allocation_pool()
    for number in range(network.lowest, int(last) + 1):
        address = str(IPv4Address(number))
        if address not in network.taken and address not in taken:
            yield address


def _take(network: Network, taken: set[str], fixed: str) -> str:
    """The address that was asked for by name, when it can be had."""
    first, last = network.allocation_pool()
    try:
        wanted = IPv4Address(fixed)
    except ValueError:
        raise Invalid(f"{fixed} is not an IPv4 address.") from None
    if not first <= wanted <= last:
        raise Invalid(f"Fixed IP address {fixed} is not a valid address of network {network.id}.")
    if str(wanted) in network.taken or str(wanted) in taken:
        raise Conflict(f"Fixed IP address {fixed} is already in use on network {network.id}.")
    return str(wanted)


def release_addresses(network: Network, instance_ids: Iterable[str], *, at: datetime) -> None:
    """Give back all addresses of instances; nothing for those that have none."""
    wanted = set(instance_ids)
    held = [port for port, holder in network.ports.items() if holder["instance_id"] in wanted]
    if held:
        network.record(AddressesReleased, port_ids=held, at=at)


def delete_network(network: Network, *, at: datetime) -> None:
    """Delete it; nothing when it is gone. Raises Conflict while it has ports."""
    if network.ports:
        raise Conflict(
            f"Unable to complete operation on network {network.id}. There are one or more ports still in use on it."
        )
    if not network.is_deleted:
        network.record(NetworkDeleted, at=at)


def nic_of(network: Network, port: str) -> Mapping[str, Any]:
    """The network card that an instance gets for its port, as events and work carry it. Raises KeyError without the port."""
    held = network.ports[port]
    return {
        "port_id": port,
        "network_id": network.id,
        "network_name": network.name,
        "subnet_id": network.subnet_id,
        "mac": held["mac"],
        "address": held["address"],
        "cidr": network.cidr,
        "gateway": network.gateway,
        "dns": list(network.dns),
        "mtu": network.mtu,
    }
