"""`GET /servers/{id}/os-security-groups`: the groups that a server's ports are in.

Source: compute API reference, "List Security Groups By Server".
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, RowMapping, select
from starlette.responses import Response

from domain.security_group.group import DEFAULT, default_group_id
from projections.tables import ports, security_group_rules, security_groups
from services.api.answers import answer
from services.api.call import Call
from services.api.compute.server_rows import visible


async def show_security_groups(call: Call) -> Response:
    """200; 404."""
    row = await visible(call, call.path["id"])
    return answer({"security_groups": await call.dependencies.reads.query(partial(_groups, row))})


def _groups(server: RowMapping, connection: Connection) -> list[dict[str, Any]]:
    default = default_group_id(server["project_id"])
    of_ports = select(ports.c.security_groups).where(ports.c.instance_id == server["id"])
    wanted = {group for groups in connection.execute(of_ports).scalars() for group in groups or (default,)}
    if not wanted and server["networks"]:
        wanted = {default}  # it will have ports
    kept = select(security_groups).where(security_groups.c.id.in_(wanted)).order_by(security_groups.c.name)
    found = [_group(row) for row in connection.execute(kept).mappings()]
    by_id = {group["id"]: group for group in found}
    incoming = select(security_group_rules).where(
        security_group_rules.c.group_id.in_(by_id), security_group_rules.c.direction == "ingress"
    )
    for rule in connection.execute(incoming.order_by(security_group_rules.c.created_position)).mappings():
        by_id[rule["group_id"]]["rules"].append(_rule(rule, by_id))
    if default in wanted - by_id.keys():  # nobody has looked at it yet, so that it was not made
        found.insert(0, _default(default, server["project_id"]))
    return found


def _group(row: RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "tenant_id": row["project_id"],
        "rules": [],
    }


def _default(group_id: str, project_id: str) -> dict[str, Any]:
    return {
        "id": group_id,
        "name": DEFAULT,
        "description": "Default security group",
        "tenant_id": project_id,
        "rules": [],
    }


def _rule(row: RowMapping, groups: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    remote = groups.get(row["remote_group"] or "")
    return {
        "id": row["id"],
        "parent_group_id": row["group_id"],
        "ip_protocol": row["protocol"],
        "from_port": row["port_min"],
        "to_port": row["port_max"],
        "group": {} if remote is None else {"name": remote["name"], "tenant_id": remote["tenant_id"]},
        "ip_range": {} if row["remote_prefix"] is None else {"cidr": row["remote_prefix"]},
    }
