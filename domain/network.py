"""The network: one IPv4 subnet and the ledger of its addresses. An allocation is an append, so no address is given twice."""

from collections.abc import Mapping
from datetime import datetime
from inspect import get_annotations
from ipaddress import IPv4Address, IPv4Network
from typing import Any, ClassVar
from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Created, Event
from domain.errors import AddressesExhausted, Conflict, Invalid

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


class AddressAllocated(Event):
    """An address was given to a port of an instance."""

    TOPIC: ClassVar[str] = "chronova.network.address-allocated.v1"

    port_id: str
    instance_id: str
    address: str
    mac: str

    def apply(self, aggregate: Network) -> None:
        """It is taken."""
        aggregate.ports[self.port_id] = {"instance_id": self.instance_id, "address": self.address, "mac": self.mac}
        aggregate.taken.add(self.address)
        if int(IPv4Address(self.address)) == aggregate.lowest:
            aggregate.lowest += 1


class AddressReleased(Event):
    """A port gave its address back."""

    TOPIC: ClassVar[str] = "chronova.network.address-released.v1"

    port_id: str

    def apply(self, aggregate: Network) -> None:
        """It is free again."""
        address = aggregate.ports.pop(self.port_id)["address"]
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


def allocate(network: Network, *, instance_id: str, port: str, at: datetime, fixed: str | None = None) -> None:
    """Give a port an address: the one named, else the lowest that is free. Nothing when the port has one.

    Raises AddressesExhausted, or Conflict when the named one is taken, or Invalid when it is not of this subnet.
    """
    if network.is_deleted:
        raise Conflict(f"Network {network.id} is deleted.")
    if port in network.ports:
        return
    first, last = network.allocation_pool()
    if fixed is not None:
        try:
            wanted = IPv4Address(fixed)
        except ValueError:
            raise Invalid(f"{fixed} is not an IPv4 address.") from None
        if not first <= wanted <= last:
            raise Invalid(f"Fixed IP address {fixed} is not a valid address of network {network.id}.")
        if fixed in network.taken:
            raise Conflict(f"Fixed IP address {fixed} is already in use on network {network.id}.")
        address = fixed
    else:
        numbers = range(network.lowest, int(last) + 1)
        free = (text for number in numbers if (text := str(IPv4Address(number))) not in network.taken)
        address = next(free, "")
        if not address:
            raise AddressesExhausted(f"No more IP addresses available on network {network.id}.")
    network.record(AddressAllocated, port_id=port, instance_id=instance_id, address=address, mac=mac_of(port), at=at)


def release_addresses(network: Network, instance_id: str, *, at: datetime) -> None:
    """Give back all addresses of an instance; nothing when it has none."""
    for port in [port for port, held in network.ports.items() if held["instance_id"] == instance_id]:
        network.record(AddressReleased, port_id=port, at=at)


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
