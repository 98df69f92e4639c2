"""The subnet: a network's addresses. One a network, because a host gives each of its networks one gateway and one range."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from ipaddress import IPv4Address, IPv4Network
from typing import Any, ClassVar

from domain.aggregate import Event
from domain.errors import Invalid, NotFound
from domain.network.errors import SubnetExists, SubnetInUse
from domain.network.network import Network, lowest_of, require_living, subnet_of, whole_range


class SubnetCreated(Event):
    """The network got its subnet."""

    TOPIC: ClassVar[str] = "chronova.network.subnet-created.v1"

    subnet_id: str
    name: str
    description: str
    cidr: str
    gateway: str
    pools: list[dict[str, str]]  # start, end
    dns: list[str]

    def apply(self, aggregate: Network) -> None:
        """Instances can be on it."""
        aggregate.subnet_id, aggregate.subnet_name = self.subnet_id, self.name
        aggregate.subnet_description = self.description
        aggregate.cidr, aggregate.gateway, aggregate.dns = self.cidr, self.gateway, self.dns
        aggregate.pools = self.pools
        aggregate.lowest = lowest_of(self.pools)


class SubnetChanged(Event):
    """Some of what is known of the subnet is different now. Cards that have an address keep what they were told."""

    TOPIC: ClassVar[str] = "chronova.network.subnet-changed.v1"

    changes: dict[str, Any]

    def apply(self, aggregate: Network) -> None:
        """It is as it was changed."""
        for name, value in self.changes.items():
            setattr(aggregate, CHANGEABLE[name], value)
        if "pools" in self.changes:
            aggregate.lowest = lowest_of(aggregate.pools)


class SubnetDeleted(Event):
    """The network has no subnet any more."""

    TOPIC: ClassVar[str] = "chronova.network.subnet-deleted.v1"

    def apply(self, aggregate: Network) -> None:
        """Nobody can be on it."""
        aggregate.subnet_id = aggregate.cidr = aggregate.gateway = None
        aggregate.subnet_name = aggregate.subnet_description = ""
        aggregate.dns, aggregate.pools, aggregate.subnet_tags = [], [], []


CHANGEABLE: Mapping[str, str] = {
    "name": "subnet_name",
    "description": "subnet_description",
    "tags": "subnet_tags",
    "dns": "dns",
    "gateway": "gateway",
    "pools": "pools",
}
"""What can be changed, and which attribute of the network has it."""


def create_subnet(
    network: Network,
    subnet_id: str,
    *,
    cidr: str,
    at: datetime,
    name: str = "",
    description: str = "",
    gateway: str | None = None,
    pools: Sequence[Mapping[str, str]] | None = None,
    dns: Sequence[str] = (),
) -> None:
    """Give the network its subnet: the gateway is its first address, and all others are given, unless something else is said.

    Raises NotFound when the network is deleted, SubnetExists when it has one, Invalid for one that cannot be.
    """
    require_living(network)
    if network.cidr is not None:
        raise SubnetExists(f"Network {network.id} has a subnet ({network.cidr}), and cannot have another one.")
    subnet = subnet_of(cidr)
    own = _gateway(subnet, gateway)
    network.record(
        SubnetCreated,
        subnet_id=subnet_id,
        name=name,
        description=description,
        cidr=str(subnet),
        gateway=str(own),
        pools=whole_range(subnet, own) if pools is None else _pools(subnet, own, pools),
        dns=list(dns),
        at=at,
    )


def change_subnet(network: Network, changes: Mapping[str, Any], *, at: datetime) -> None:
    """Give parts of it other values; nothing when they have them.

    Raises NotFound without a subnet, Invalid for what cannot be, SubnetInUse for another gateway while addresses are given.
    """
    require_subnet(network)
    if unknown := sorted(changes.keys() - CHANGEABLE.keys()):
        raise Invalid(f"Attribute '{unknown[0]}' of a subnet cannot be changed.")
    differing = {name: value for name, value in changes.items() if getattr(network, CHANGEABLE[name]) != value}
    if not differing:
        return
    subnet = subnet_of(str(network.cidr))
    gateway = _gateway(subnet, differing.get("gateway", network.gateway))
    if "gateway" in differing and network.taken:
        raise SubnetInUse(_in_use(network))
    if differing.keys() & {"gateway", "pools"}:
        _pools(subnet, gateway, differing.get("pools", network.pools))
    network.record(SubnetChanged, changes=differing, at=at)


def delete_subnet(network: Network, *, at: datetime) -> None:
    """Take the network its subnet. Raises NotFound without one, SubnetInUse while ports have addresses of it."""
    require_subnet(network)
    if network.taken:
        raise SubnetInUse(_in_use(network))
    network.record(SubnetDeleted, at=at)


def require_subnet(network: Network) -> None:
    """Pass when it is there and has a subnet. Raises NotFound."""
    require_living(network)
    if network.cidr is None:
        raise NotFound(f"Network {network.id} has no subnet.")


def _in_use(network: Network) -> str:
    return (
        f"Unable to complete operation on subnet {network.subnet_id}: One or more ports have an IP allocation from this "
        "subnet."
    )


def _address(text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except ValueError:
        raise Invalid(f"'{text}' is not a valid IPv4 address.") from None


def _gateway(subnet: IPv4Network, asked: str | None) -> IPv4Address:
    gateway = subnet[1] if asked is None else _address(asked)
    if not subnet[1] <= gateway <= subnet[-2]:
        raise Invalid(f"Gateway {gateway} is not an address that a device of the subnet {subnet} can have.")
    return gateway


def _pools(subnet: IPv4Network, gateway: IPv4Address, asked: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """The pools, sorted. Raises Invalid where they leave the subnet, overlap each other, or hold the gateway."""
    ranges = sorted((_address(pool["start"]), _address(pool["end"])) for pool in asked)
    if not ranges:
        raise Invalid(f"The subnet {subnet} needs an allocation pool.")
    before = subnet[0]
    for start, end in ranges:
        if start > end:
            raise Invalid(f"The allocation pool {start}-{end} is not valid.")
        if not (subnet[1] <= start and end <= subnet[-2]):
            raise Invalid(f"The allocation pool {start}-{end} spans beyond the subnet cidr {subnet}.")
        if start <= before:
            raise Invalid(f"Found overlapping allocation pools for subnet {subnet}.")
        if start <= gateway <= end:
            raise Invalid(f"Gateway ip {gateway} conflicts with allocation pool {start}-{end}.")
        before = end
    return [{"start": str(start), "end": str(end)} for start, end in ranges]
