"""The network: what instances can be on. It has one IPv4 subnet, or none yet."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from inspect import get_annotations
from ipaddress import IPv4Address, IPv4Network
from typing import Any, ClassVar

from domain.aggregate import Aggregate, Created, Event
from domain.errors import Invalid, NotFound
from domain.network.errors import NetworkInUse

SMALLEST = 29
"""The longest prefix that a subnet may have: a /30 leaves one address besides the gateway's."""


class Network(Aggregate):
    """A network that instances can be on."""

    TOPIC: ClassVar[str] = "chronova.network"
    KIND: ClassVar[str] = "network"

    project_id: str
    name: str
    shared: bool
    mtu: int
    # Of its subnet; None and empty while it has none.
    subnet_id: str | None
    cidr: str | None
    gateway: str | None
    dns: list[str]

    def __init__(self) -> None:
        self.is_deleted = False
        self.description = ""
        self.tags: list[str] = []
        self.subnet_name = ""
        self.subnet_description = ""
        self.subnet_tags: list[str] = []
        self.pools: list[dict[str, str]] = []  # start, end: the addresses that are given to whom names none
        self.ports: dict[str, dict[str, Any]] = {}  # port id → instance_id, address, mac, and more for kept ones
        self.taken: set[str] = set()
        self.macs: set[str] = set()
        self.lowest = 0  # no address below this number is free: spares a search through all that are taken

    def holds(self, port: str, held: Mapping[str, Any]) -> None:
        """Give a port what it is to have; called by events only."""
        self.ports[port] = dict(held)
        self.macs.add(held["mac"])
        if held["address"] is not None:
            self.taken.add(held["address"])
            while str(IPv4Address(self.lowest)) in self.taken:
                self.lowest += 1

    def drops(self, port: str) -> None:
        """Take back what a port has; called by events only."""
        held = self.ports.pop(port)
        self.macs.discard(held["mac"])
        if held["address"] is not None:
            self.taken.discard(held["address"])
            self.lowest = min(self.lowest, int(IPv4Address(held["address"])))

    def free_addresses(self) -> Iterator[str]:
        """The addresses of the pools that nobody has, lowest first."""
        for pool in self.pools:
            first = max(self.lowest, int(IPv4Address(pool["start"])))
            for number in range(first, int(IPv4Address(pool["end"])) + 1):
                address = str(IPv4Address(number))
                if address not in self.taken:
                    yield address


class NetworkCreated(Created):
    """A network was made, with its subnet."""

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
        aggregate.subnet_name = self.name
        aggregate.pools = whole_range(IPv4Network(self.cidr), IPv4Address(self.gateway))
        aggregate.lowest = lowest_of(aggregate.pools)


NETWORK_PARTS = tuple(name for name in get_annotations(NetworkCreated) if name != "TOPIC")


class EmptyNetworkCreated(Created):
    """A network was made that has no subnet yet."""

    TOPIC: ClassVar[str] = "chronova.network.created-empty.v1"

    project_id: str
    name: str
    description: str
    shared: bool
    mtu: int

    def apply(self, aggregate: Network) -> None:
        """It is there, and nobody can be on it."""
        aggregate.project_id, aggregate.name, aggregate.description = self.project_id, self.name, self.description
        aggregate.shared, aggregate.mtu = self.shared, self.mtu
        aggregate.subnet_id = aggregate.cidr = aggregate.gateway = None
        aggregate.dns = []


class NetworkChanged(Event):
    """Some of what is known of the network is different now; `changes` has the new values of those parts alone."""

    TOPIC: ClassVar[str] = "chronova.network.changed.v1"

    changes: dict[str, Any]

    def apply(self, aggregate: Network) -> None:
        """It is as it was changed."""
        for name, value in self.changes.items():
            setattr(aggregate, name, value)


class NetworkDeleted(Event):
    """The network is gone, and its subnet with it."""

    TOPIC: ClassVar[str] = "chronova.network.deleted.v1"

    def apply(self, aggregate: Network) -> None:
        """It is gone."""
        aggregate.is_deleted = True


def whole_range(subnet: IPv4Network, gateway: IPv4Address) -> list[dict[str, str]]:
    """All addresses of a subnet but its own, the broadcast address and the gateway's, as one pool or two."""
    first, last = subnet[1], subnet[-2]
    parts = [(first, gateway - 1), (gateway + 1, last)] if first <= gateway <= last else [(first, last)]
    return [{"start": str(start), "end": str(end)} for start, end in parts if start <= end]


def lowest_of(pools: Iterable[Mapping[str, str]]) -> int:
    """The first address of all pools, as a number."""
    return min(int(IPv4Address(pool["start"])) for pool in pools)


def subnet_of(cidr: str) -> IPv4Network:
    """A subnet that has room for instances. Raises Invalid."""
    try:
        subnet = IPv4Network(cidr)
    except ValueError as error:
        raise Invalid(f"{cidr} is not an IPv4 subnet: {error}") from None
    if subnet.prefixlen > SMALLEST:
        raise Invalid(f"{cidr} is too small for a network: use a /{SMALLEST} or larger.")
    return subnet


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
    """A new network with its subnet, whose gateway is its first address. Raises Invalid for a subnet without room."""
    subnet = subnet_of(cidr)
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


def create_empty_network(
    network_id: str,
    *,
    project_id: str,
    name: str,
    at: datetime,
    description: str = "",
    shared: bool = False,
    mtu: int = 1500,
) -> Network:
    """A new network, whose subnet is still to come."""
    return Network.begin(
        EmptyNetworkCreated,
        aggregate_id=network_id,
        at=at,
        project_id=project_id,
        name=name,
        description=description,
        shared=shared,
        mtu=mtu,
    )


CHANGEABLE = frozenset({"name", "description", "shared", "mtu", "tags"})


def change_network(network: Network, changes: Mapping[str, Any], *, at: datetime) -> None:
    """Give parts of it other values; nothing when they have them. Raises NotFound, Invalid for what cannot be changed."""
    require_living(network)
    if unknown := sorted(changes.keys() - CHANGEABLE):
        raise Invalid(f"Attribute '{unknown[0]}' of a network cannot be changed.")
    differing = {name: value for name, value in changes.items() if getattr(network, name) != value}
    if differing:
        network.record(NetworkChanged, changes=differing, at=at)


def delete_network(network: Network, *, at: datetime) -> None:
    """Delete it; nothing when it is gone. Raises NetworkInUse while it has ports."""
    if network.ports:
        raise NetworkInUse(
            f"Unable to complete operation on network {network.id}. There are one or more ports still in use on the "
            f"network, id for these ports is: {','.join(sorted(network.ports)[:10])}."
        )
    if not network.is_deleted:
        network.record(NetworkDeleted, at=at)


def require_living(network: Network) -> None:
    """Pass unless it is deleted. Raises NotFound."""
    if network.is_deleted:
        raise NotFound(f"Network {network.id} could not be found.")
