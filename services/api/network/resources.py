"""Networks, their subnets and ports, and security groups, as the network API shows them. Source: networking API reference v2.0."""

from collections.abc import Mapping, Sequence
from typing import Any

from domain.security_group.group import default_group_id


def _dates(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        "created_at": row["created_at"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "updated_at": row["updated_at"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        "revision_number": 1,
    }


def network_body(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A network."""
    return {
        "id": row["id"],
        "name": row["name"],
        "tenant_id": row["project_id"],
        "project_id": row["project_id"],
        "admin_state_up": True,
        "status": "ACTIVE",
        "subnets": [] if row["subnet_id"] is None else [row["subnet_id"]],
        "shared": row["shared"],
        "router:external": False,
        "is_default": False,
        "mtu": row["mtu"],
        "port_security_enabled": False,
        "availability_zone_hints": [],
        "availability_zones": ["nova"],
        "ipv4_address_scope": None,
        "ipv6_address_scope": None,
        "description": row["description"],
        "tags": row["tags"],
        **_dates(row),
    }


def subnet_body(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A network's subnet."""
    return {
        "id": row["id"],
        "name": row["name"],
        "network_id": row["network_id"],
        "tenant_id": row["project_id"],
        "project_id": row["project_id"],
        "ip_version": 4,
        "cidr": row["cidr"],
        "gateway_ip": row["gateway"],
        "allocation_pools": row["pools"],
        "dns_nameservers": row["dns"],
        "host_routes": [],
        "enable_dhcp": True,
        "ipv6_address_mode": None,
        "ipv6_ra_mode": None,
        "subnetpool_id": None,
        "service_types": [],
        "segment_id": None,
        "description": row["description"],
        "tags": row["tags"],
        **_dates(row),
    }


def port_body(row: Mapping[Any, Any], *, admin: bool) -> dict[str, Any]:
    """A port; `row` has its owner and its instance's host, and administrators see the host."""
    project_id, bound = row["owner"] or "", row["instance_id"] is not None
    groups = row["security_groups"]
    address = {"subnet_id": row["subnet_id"], "ip_address": row["address"]}
    body = {
        "id": row["id"],
        "name": row["name"],
        "network_id": row["network_id"],
        "tenant_id": project_id,
        "project_id": project_id,
        "mac_address": row["mac"],
        "admin_state_up": True,
        "status": "ACTIVE" if bound else "DOWN",
        "device_id": row["device_id"],
        "device_owner": row["device_owner"],
        "fixed_ips": [] if row["address"] is None else [address],
        "security_groups": [default_group_id(project_id)] if groups is None else groups,
        "allowed_address_pairs": [],
        "extra_dhcp_opts": [],
        "port_security_enabled": False,
        "binding:vnic_type": "normal",
        "description": row["description"],
        "tags": row["tags"],
        **_dates(row),
    }
    if admin:
        body |= {
            "binding:host_id": row["host"] or "",
            "binding:vif_type": "bridge" if bound else "unbound",
            "binding:vif_details": {},
            "binding:profile": {},
        }
    return body


def security_group_body(row: Mapping[Any, Any], rules: Sequence[Mapping[Any, Any]]) -> dict[str, Any]:
    """A security group, with its rules."""
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "tenant_id": row["project_id"],
        "project_id": row["project_id"],
        "stateful": True,
        "shared": False,
        "security_group_rules": [rule_body(rule) for rule in rules],
        "tags": row["tags"],
        **_dates(row),
    }


def rule_body(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A rule of a security group."""
    return {
        "id": row["id"],
        "security_group_id": row["group_id"],
        "tenant_id": row["project_id"],
        "project_id": row["project_id"],
        "direction": row["direction"],
        "ethertype": row["ethertype"],
        "protocol": row["protocol"],
        "port_range_min": row["port_min"],
        "port_range_max": row["port_max"],
        "remote_ip_prefix": row["remote_prefix"],
        "remote_group_id": row["remote_group"],
        "remote_address_group_id": None,
        "normalized_cidr": row["remote_prefix"],
        "description": row["description"],
        "tags": [],
        **_dates({"created_at": row["created_at"], "updated_at": row["created_at"]}),
    }
