"""The network card: a port as its instance and its host know it."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID, uuid5

from domain.network.network import Network

PORTS = UUID("4d9f0f0e-5d35-4c1c-8a5b-0d6c52f1a1f2")


def port_id(instance_id: str, index: int) -> str:
    """The id of an instance's nth port: the same whenever it is asked for, so that a repeated allocation finds the first."""
    return str(uuid5(PORTS, f"{instance_id}/{index}"))


def mac_of(port: str) -> str:
    """The port's hardware address, in QEMU's own range, from the port's id."""
    digits = UUID(port).hex[-6:]
    return f"52:54:00:{digits[0:2]}:{digits[2:4]}:{digits[4:6]}"


def free_mac(port: str, used: Collection[str]) -> str:
    """The port's hardware address, or, where another port of the network has that, one made from it."""
    mac, again = mac_of(port), port
    while mac in used:
        again = str(uuid5(PORTS, again))
        mac = mac_of(again)
    return mac


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
