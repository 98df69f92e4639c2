"""The handlers of the network API. Source: networking API reference v2.0."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import RowMapping, or_, select
from starlette.responses import Response

from projections.tables import instances, networks, ports, projects
from services.api.answers import answer
from services.api.call import Call
from services.api.errors import Refusal
from services.api.network.dialect import Missing
from services.api.network.lists import listing, one
from services.api.network.resources import (
    default_group_id,
    network_body,
    port_body,
    security_group_body,
    subnet_body,
)

EXTENSIONS: Mapping[str, str] = {
    "availability_zone": "Availability Zone",
    "net-mtu": "Network MTU",
    "port-security": "Port Security",
    "quotas": "Quota management support",
    "security-group": "security-group",
    "standard-attr-timestamp": "Resource timestamps",
}


async def list_versions(call: Call) -> Response:
    """200, without a token."""
    links = [{"rel": "self", "href": f"{call.dependencies.public_url}/network/v2.0/"}]
    return answer({"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]})


async def show_version(call: Call) -> Response:
    """200, without a token: what there is in v2.0."""
    base = f"{call.dependencies.public_url}/network/v2.0"
    kinds = ("network", "subnet", "port", "security-group")
    resources = [
        {"name": kind, "collection": f"{kind}s", "links": [{"rel": "self", "href": f"{base}/{kind}s"}]}
        for kind in kinds
    ]
    return answer({"resources": resources})


async def list_networks(call: Call) -> Response:
    """200: the caller's project's and the shared ones; every field is a filter."""
    return listing(call, "networks", [network_body(row) for row in await _networks(call)])


async def show_network(call: Call) -> Response:
    """200; 404."""
    for row in await _networks(call):
        if row["id"] == call.path["id"]:
            return one(call, "network", network_body(row))
    raise Missing("Network", call.path["id"])


async def list_subnets(call: Call) -> Response:
    """200."""
    return listing(call, "subnets", [subnet_body(row) for row in await _networks(call)])


async def show_subnet(call: Call) -> Response:
    """200; 404."""
    for row in await _networks(call):
        if row["subnet_id"] == call.path["id"]:
            return one(call, "subnet", subnet_body(row))
    raise Missing("Subnet", call.path["id"])


async def list_ports(call: Call) -> Response:
    """200: those of the caller's project's instances."""
    admin = call.caller.is_admin
    return listing(call, "ports", [port_body(row, admin=admin) for row in await _ports(call)])


async def show_port(call: Call) -> Response:
    """200; 404."""
    rows = await _ports(call, port_id=call.path["id"])
    if not rows:
        raise Missing("Port", call.path["id"])
    return one(call, "port", port_body(rows[0], admin=call.caller.is_admin))


async def list_security_groups(call: Call) -> Response:
    """200: one for each project that the caller sees."""
    return listing(call, "security_groups", [security_group_body(each) for each in await _projects(call)])


async def show_security_group(call: Call) -> Response:
    """200; 404."""
    for project_id in await _projects(call):
        if default_group_id(project_id) == call.path["id"]:
            return one(call, "security_group", security_group_body(project_id))
    raise Missing("Security group", call.path["id"])


async def show_quota(call: Call) -> Response:  # noqa: ARG001 -- a handler
    """200: there are no quotas yet, everything is unlimited (-1)."""
    names = ("floatingip", "network", "port", "router", "security_group", "security_group_rule", "subnet", "subnetpool")
    return answer({"quota": dict.fromkeys(names, -1)})


async def show_quota_details(call: Call) -> Response:
    """200: the same with what is in use of networks, subnets and ports."""
    project_id = call.path["project"]
    own = [row for row in await _networks(call) if row["project_id"] == project_id]
    held = [row for row in await _ports(call) if row["project_id"] == project_id]
    used = {"network": len(own), "subnet": len(own), "port": len(held), "security_group": 1}
    names = ("floatingip", "network", "port", "router", "security_group", "security_group_rule", "subnet", "subnetpool")
    details = {name: {"limit": -1, "used": used.get(name, 0), "reserved": 0} for name in names}
    return answer({"quota": details})


def _extension(alias: str) -> dict[str, Any]:
    return {
        "alias": alias,
        "name": EXTENSIONS[alias],
        "description": EXTENSIONS[alias],
        "links": [],
        "updated": "2016-09-12T10:00:00-00:00",
    }


async def list_extensions(call: Call) -> Response:
    """200."""
    return listing(call, "extensions", [_extension(alias) for alias in EXTENSIONS])


async def show_extension(call: Call) -> Response:
    """200; 404."""
    alias = call.path["alias"]
    if alias not in EXTENSIONS:
        raise Refusal(404, f"Extension with alias {alias} does not exist")
    return one(call, "extension", _extension(alias))


async def list_zones(call: Call) -> Response:
    """200."""
    return listing(call, "availability_zones", [{"name": "nova", "resource": "network", "state": "available"}])


async def list_agents(call: Call) -> Response:
    """200: none; hosts' agents are compute services."""
    return listing(call, "agents", [])


async def list_floating_ips(call: Call) -> Response:
    """200: there are none."""
    return listing(call, "floatingips", [])


async def list_routers(call: Call) -> Response:
    """200: there are none."""
    return listing(call, "routers", [])


async def list_rules(call: Call) -> Response:
    """200: traffic is not filtered yet."""
    return listing(call, "security_group_rules", [])


async def not_built(call: Call) -> Response:  # noqa: ARG001 -- a handler
    """501."""
    raise Refusal(501, "Networks, subnets, ports and what belongs to them cannot be changed through the API yet.")


async def _networks(call: Call) -> Sequence[RowMapping]:
    query = select(networks).where(networks.c.deleted.is_(False)).order_by(networks.c.created_position)
    if not call.caller.is_admin:
        query = query.where(or_(networks.c.shared.is_(True), networks.c.project_id == call.project_id))
    return await call.dependencies.reads.query(lambda connection: connection.execute(query).mappings().all())


PORT_FILTERS = {"device_id": ports.c.instance_id, "network_id": ports.c.network_id, "id": ports.c.id}
"""Asked of the database, because there may be very many ports; the other filters follow in `listing`."""


async def _ports(call: Call, *, port_id: str | None = None) -> Sequence[RowMapping]:
    query = (
        select(ports, instances.c.project_id, instances.c.host)
        .outerjoin(instances, instances.c.id == ports.c.instance_id)
        .order_by(ports.c.created_at, ports.c.id)
    )
    if not call.caller.is_admin:
        query = query.where(instances.c.project_id == call.project_id)
    if port_id is not None:
        query = query.where(ports.c.id == port_id)
    for name, column in PORT_FILTERS.items():
        values = call.request.query_params.getlist(name)
        if values:
            query = query.where(column.in_(values))
    return await call.dependencies.reads.query(lambda connection: connection.execute(query).mappings().all())


async def _projects(call: Call) -> Sequence[str]:
    if not call.caller.is_admin:
        return [call.project_id]
    query = select(projects.c.id).order_by(projects.c.name)
    return await call.dependencies.reads.query(lambda connection: connection.execute(query).scalars().all())
