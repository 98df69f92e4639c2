"""Networks, their subnets and ports, as the network API shows them. Source: networking API reference v2.0."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid5

_GROUPS = UUID("b2f6f3c4-0d8b-4d70-8f6e-6a4cf7f0a1de")


def default_group_id(project_id: str) -> str:
    """The id of a project's one security group."""
    return str(uuid5(_GROUPS, project_id))


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
        "subnets": [row["subnet_id"]],
        "shared": row["shared"],
        "router:external": False,
        "is_default": False,
        "mtu": row["mtu"],
        "port_security_enabled": False,
        "availability_zone_hints": [],
        "availability_zones": ["nova"],
        "ipv4_address_scope": None,
        "ipv6_address_scope": None,
        "description": "",
        "tags": [],
        **_dates(row),
    }


def subnet_body(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A network's subnet."""
    return {
        "id": row["subnet_id"],
        "name": row["name"],
        "network_id": row["id"],
        "tenant_id": row["project_id"],
        "project_id": row["project_id"],
        "ip_version": 4,
        "cidr": row["cidr"],
        "gateway_ip": row["gateway"],
        "allocation_pools": [{"start": row["pool_start"], "end": row["pool_end"]}],
        "dns_nameservers": row["dns"],
        "host_routes": [],
        "enable_dhcp": True,
        "ipv6_address_mode": None,
        "ipv6_ra_mode": None,
        "subnetpool_id": None,
        "service_types": [],
        "segment_id": None,
        "description": "",
        "tags": [],
        **_dates(row),
    }


def port_body(row: Mapping[Any, Any], *, admin: bool) -> dict[str, Any]:
    """An instance's port; `row` has the instance's project and host, and administrators see the host."""
    project_id = row["project_id"] or ""
    body = {
        "id": row["id"],
        "name": "",
        "network_id": row["network_id"],
        "tenant_id": project_id,
        "project_id": project_id,
        "mac_address": row["mac"],
        "admin_state_up": True,
        "status": "ACTIVE",
        "device_id": row["instance_id"],
        "device_owner": "compute:nova",
        "fixed_ips": [{"subnet_id": row["subnet_id"], "ip_address": row["address"]}],
        "security_groups": [default_group_id(project_id)],
        "allowed_address_pairs": [],
        "extra_dhcp_opts": [],
        "port_security_enabled": False,
        "binding:vnic_type": "normal",
        "description": "",
        "tags": [],
        **_dates({"created_at": row["created_at"], "updated_at": row["created_at"]}),
    }
    if admin:
        body |= {
            "binding:host_id": row["host"] or "",
            "binding:vif_type": "bridge",
            "binding:vif_details": {},
            "binding:profile": {},
        }
    return body


def security_group_body(project_id: str) -> dict[str, Any]:
    """A project's default group. Traffic is not filtered yet, so it has no rules to show."""
    return {
        "id": default_group_id(project_id),
        "name": "default",
        "description": "Default security group",
        "tenant_id": project_id,
        "project_id": project_id,
        "stateful": True,
        "shared": False,
        "security_group_rules": [],
        "tags": [],
    }
