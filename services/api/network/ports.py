"""Ports: those that instances have, and those that users make for instances to come.

Source: networking API reference v2.0, "Ports".
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import RowMapping
from starlette.responses import Response

from domain.network.network import Network
from domain.network.port import change_port, create_port, delete_port
from domain.security_group.group import default_group_id
from services.api.answers import answer, empty
from services.api.call import Call
from services.api.errors import NotAllowed, Refusal
from services.api.network import rows
from services.api.network.asked import OWNED, Resource, only, project_of
from services.api.network.default_group import ensure_default_group
from services.api.network.lists import listing, one
from services.api.network.resources import port_body

FIXED_IP = {
    "type": "object",
    "properties": {"subnet_id": {"type": "string"}, "ip_address": {"type": "string", "format": "ipv4"}},
    "additionalProperties": False,
}
DEVICE = {"type": "string", "maxLength": 255}
PORT = Resource(
    "port",
    {
        **OWNED,
        "network_id": {"type": "string"},
        "fixed_ips": {"type": "array", "items": FIXED_IP},
        "mac_address": {"type": "string", "maxLength": 17},
        "device_id": DEVICE,
        "device_owner": DEVICE,
        "security_groups": {"type": ["array", "null"], "items": {"type": "string"}, "maxItems": 64},
        "admin_state_up": only(True),
        "port_security_enabled": only(False),
        "binding:vnic_type": only("normal"),
        "binding:host_id": only("", None),
        "binding:profile": only({}, None),
        "allowed_address_pairs": only([], None),
        "extra_dhcp_opts": only([], None),
        "qos_policy_id": only(None),
    },
    update=(
        "name",
        "description",
        "device_id",
        "device_owner",
        "security_groups",
        "admin_state_up",
        "fixed_ips",
        "port_security_enabled",
        "binding:vnic_type",
        "binding:profile",
        "allowed_address_pairs",
        "extra_dhcp_opts",
        "qos_policy_id",
    ),
    required=("network_id",),
)
CHANGEABLE = ("name", "description", "device_id", "device_owner", "security_groups")


async def list_ports(call: Call) -> Response:
    """200: those of the caller's project."""
    found = await rows.rows_of(call, rows.seen_ports(call))
    return listing(call, "ports", [port_body(row, admin=call.caller.is_admin) for row in found])


async def show_port(call: Call) -> Response:
    """200; 404."""
    return one(call, "port", await _shown(call, call.path["id"]))


async def create(call: Call) -> Response:
    """201; 400; 403; 404 without its network or groups; 409 when an address is taken, or none is left."""
    asked = await PORT.new(call)
    project_id = project_of(call, asked)
    row = await rows.network(call, asked["network_id"])
    groups = asked.get("security_groups")
    if groups is None:
        await ensure_default_group(call, project_id)
        groups = [default_group_id(project_id)]
    await _require_groups(call, groups)
    port_id = call.dependencies.new_id()
    decide = partial(
        create_port,
        port=port_id,
        project_id=project_id,
        name=asked.get("name", ""),
        description=asked.get("description", ""),
        fixed=_fixed(row, asked.get("fixed_ips", [])),
        mac=asked.get("mac_address"),
        device_id=asked.get("device_id", ""),
        device_owner=asked.get("device_owner", ""),
        security_groups=groups,
        at=call.dependencies.clock(),
    )
    saved = await call.dependencies.commands.execute(Network, row["id"], decide, call.author)
    return answer({"port": await _shown(call, port_id)}, 201, position=saved.position)


async def update(call: Call) -> Response:
    """200; 400; 403; 404; 409 for another device while an instance has it."""
    row = await _own(call, "update_port")
    asked = await PORT.changes(call)
    if "fixed_ips" in asked and asked["fixed_ips"] != port_body(row, admin=False)["fixed_ips"]:
        raise Refusal(400, "Invalid input for fixed_ips. Reason: in this cloud a port keeps its address.")
    changes = {name: asked[name] for name in CHANGEABLE if name in asked}
    if changes.get("security_groups", ()) is None:
        changes["security_groups"] = []
    await _require_groups(call, changes.get("security_groups", ()))
    decide = partial(change_port, port=row["id"], changes=changes, at=call.dependencies.clock())
    saved = await call.dependencies.commands.execute(Network, row["network_id"], decide, call.author)
    return answer({"port": await _shown(call, row["id"])}, position=saved.position)


async def delete(call: Call) -> Response:
    """204; 403; 404; 409 while an instance has it."""
    row = await _own(call, "delete_port")
    decide = partial(delete_port, port=row["id"], at=call.dependencies.clock())
    saved = await call.dependencies.commands.execute(Network, row["network_id"], decide, call.author)
    return empty(204, position=saved.position)


async def _shown(call: Call, port_id: str) -> dict[str, Any]:
    return port_body(await rows.port(call, port_id), admin=call.caller.is_admin)


async def _own(call: Call, policy: str) -> RowMapping:
    row = await rows.port(call, call.path["id"])
    if row["owner"] != call.project_id and not call.caller.is_admin:
        raise NotAllowed(policy)
    return row


async def _require_groups(call: Call, group_ids: Sequence[str]) -> None:
    for group_id in group_ids:
        await rows.group(call, group_id)


def _fixed(row: RowMapping, asked: Sequence[Mapping[str, str]]) -> str | None:
    """The address that was asked for by name. Raises Refusal 400."""
    if len(asked) > 1:
        raise Refusal(
            400, "Invalid input for operation: Exceeded maximum amount of fixed ips per port.", kind="InvalidInput"
        )
    for fixed in asked:
        if fixed.get("subnet_id", row["subnet_id"]) != row["subnet_id"]:
            raise Refusal(
                400,
                f"Invalid input for operation: Failed to create port on network {row['id']}, because fixed_ips included "
                f"invalid subnet {fixed['subnet_id']}.",
                kind="InvalidInput",
            )
    return next((fixed["ip_address"] for fixed in asked if "ip_address" in fixed), None)
