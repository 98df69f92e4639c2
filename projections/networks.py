"""The tables of networks: the networks themselves, their subnets and ports, and security groups with their rules."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import cast

from domain.network.addresses import AddressesAllocated, AddressesReleased
from domain.network.binding import PortsBound, PortsUnbound
from domain.network.network import EmptyNetworkCreated, Network, NetworkChanged, NetworkCreated, NetworkDeleted
from domain.network.port import PortChanged, PortCreated, PortDeleted
from domain.network.subnet import SubnetChanged, SubnetCreated, SubnetDeleted
from domain.security_group.group import SecurityGroup
from journal.envelope import Recorded
from projections.fold import Folded
from projections.tables import networks, ports, security_group_rules, security_groups, subnets
from projections.writes import Writes

OF_THE_NETWORK = (NetworkCreated, EmptyNetworkCreated, NetworkChanged, NetworkDeleted, SubnetCreated, SubnetDeleted)


def network_row(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a network, also the deleted ones; allocations change only its ports."""
    if not isinstance(recorded.event, OF_THE_NETWORK):
        return
    network = cast("Network", folded.aggregate)
    writes.put(
        networks,
        {
            "id": network.id,
            "project_id": network.project_id,
            "name": network.name,
            "description": network.description,
            "subnet_id": network.subnet_id,
            "shared": network.shared,
            "mtu": network.mtu,
            "tags": network.tags,
            "deleted": network.is_deleted,
            "created_at": network.created_on,
            "updated_at": recorded.time,
            "created_position": folded.created_position,
        },
    )


def subnet_row(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a subnet that is there."""
    network, event = cast("Network", folded.aggregate), recorded.event
    if isinstance(event, NetworkCreated | SubnetCreated):
        folded.notes["subnet"] = (event.subnet_id, recorded.time, recorded.position)
    if not isinstance(event, NetworkCreated | SubnetCreated | SubnetChanged | SubnetDeleted | NetworkDeleted):
        return
    if "subnet" not in folded.notes:
        return
    subnet_id, created_at, created_position = folded.notes["subnet"]
    if network.subnet_id is None or network.is_deleted:
        writes.remove(subnets, subnet_id)
        return
    writes.put(
        subnets,
        {
            "id": subnet_id,
            "network_id": network.id,
            "project_id": network.project_id,
            "name": network.subnet_name,
            "description": network.subnet_description,
            "cidr": network.cidr,
            "gateway": network.gateway,
            "pools": network.pools,
            "dns": network.dns,
            "tags": network.subnet_tags,
            "created_at": created_at,
            "updated_at": recorded.time,
            "created_position": created_position,
        },
    )


def port_rows(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a port: those that instances have, and those that users made."""
    match recorded.event:
        case AddressesAllocated(ports=allocated):
            _put(folded, recorded, writes, allocated)
        case PortCreated(port_id=port_id) | PortChanged(port_id=port_id):
            _put(folded, recorded, writes, [port_id])
        case PortsBound(ports=bound):
            _put(folded, recorded, writes, bound)
        case PortsUnbound(port_ids=unbound):
            _put(folded, recorded, writes, unbound)
        case AddressesReleased(port_ids=released):
            for port_id in released:
                _remove(folded, writes, port_id)
        case PortDeleted(port_id=port_id):
            _remove(folded, writes, port_id)
        case _:
            pass


def _put(folded: Folded, recorded: Recorded, writes: Writes, port_ids: Iterable[str]) -> None:
    network = cast("Network", folded.aggregate)
    for port_id in port_ids:
        held = network.ports[port_id]
        writes.put(
            ports,
            {
                "id": port_id,
                "network_id": network.id,
                "subnet_id": None if held["address"] is None else network.subnet_id,
                "instance_id": held["instance_id"],
                "address": held["address"],
                "mac": held["mac"],
                "kept": held.get("kept", False),
                "project_id": held.get("project_id"),
                "name": held.get("name", ""),
                "description": held.get("description", ""),
                "device_id": held.get("device_id", held["instance_id"]),
                "device_owner": held.get("device_owner", "compute:nova"),
                "security_groups": held.get("security_groups"),
                "tags": held.get("tags", []),
                "created_at": folded.notes.setdefault(f"port {port_id}", recorded.time),
                "updated_at": recorded.time,
            },
        )


def _remove(folded: Folded, writes: Writes, port_id: str) -> None:
    folded.notes.pop(f"port {port_id}", None)
    writes.remove(ports, port_id)


def security_group_rows(folded: Folded, recorded: Recorded, writes: Writes) -> None:
    """One row a group that is there, and one for each of its rules."""
    group = cast("SecurityGroup", folded.aggregate)
    known = folded.notes.setdefault("rules", set())
    for rule_id in set(known) if group.is_deleted else known - group.rules.keys():
        writes.remove(security_group_rules, rule_id)
        known.discard(rule_id)
    if group.is_deleted:
        writes.remove(security_groups, group.id)
        return
    for rule_id in group.rules.keys() - known:
        rule = group.rules[rule_id]
        row = {"group_id": group.id, "project_id": group.project_id, "created_at": recorded.time}
        writes.put(security_group_rules, {**asdict(rule), **row, "created_position": recorded.position})
        known.add(rule_id)
    writes.put(
        security_groups,
        {
            "id": group.id,
            "project_id": group.project_id,
            "name": group.name,
            "description": group.description,
            "tags": group.tags,
            "created_at": group.created_on,
            "updated_at": recorded.time,
            "created_position": folded.created_position,
        },
    )
