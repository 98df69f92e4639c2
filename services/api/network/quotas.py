"""Network quotas, and how many addresses are given. Nothing is limited yet: every quota is -1, which is Neutron's word for it."""

from collections import Counter
from ipaddress import IPv4Address

from sqlalchemy import func, select
from starlette.responses import Response

from projections.tables import networks, ports, security_group_rules, security_groups, subnets
from services.api.answers import answer
from services.api.call import Call
from services.api.errors import NotAllowed, Refusal
from services.api.network import rows
from services.api.network.dialect import Missing
from services.api.network.lists import listing, one

UNLIMITED = -1
NAMES = ("floatingip", "network", "port", "router", "security_group", "security_group_rule", "subnet", "subnetpool")
COUNTED = {
    "network": select(func.count()).select_from(networks).where(rows.LIVING),
    "subnet": select(func.count()).select_from(subnets),
    "security_group": select(func.count()).select_from(security_groups),
    "security_group_rule": select(func.count()).select_from(security_group_rules),
}
OWNERS = {
    "network": networks.c.project_id,
    "subnet": subnets.c.project_id,
    "security_group": security_groups.c.project_id,
    "security_group_rule": security_group_rules.c.project_id,
}


def _project(call: Call) -> str:
    project_id = call.path["project"]
    if project_id != call.project_id and not call.caller.is_admin:
        raise NotAllowed("get_quota")
    return project_id


async def show_quota(call: Call) -> Response:
    """200; 403 for another project's."""
    _project(call)
    return answer({"quota": dict.fromkeys(NAMES, UNLIMITED)})


async def list_quotas(call: Call) -> Response:  # noqa: ARG001 -- a handler
    """200: projects whose quotas are not the usual ones, of which there are none."""
    return answer({"quotas": []})


async def show_details(call: Call) -> Response:
    """200; 403 for another project's: the same with what is in use."""
    project_id = _project(call)
    used = dict.fromkeys(NAMES, 0)
    for name, query in COUNTED.items():
        (row,) = await rows.rows_of(call, query.where(OWNERS[name] == project_id))
        used[name] = row["count"]
    held = rows.PORTS.with_only_columns(func.count().label("count")).order_by(None)
    (row,) = await rows.rows_of(call, held.where(rows.port_project == project_id))
    used["port"] = row["count"]
    return answer({"quota": {name: {"limit": UNLIMITED, "used": used[name], "reserved": 0} for name in NAMES}})


async def cannot_limit(call: Call) -> Response:  # noqa: ARG001 -- a handler
    """501."""
    raise Refusal(501, "Network quotas cannot be changed in this cloud yet: nothing is limited.")


async def list_availabilities(call: Call) -> Response:
    """200: how many addresses each network has, and how many are given."""
    return listing(call, "network_ip_availabilities", await _availabilities(call))


async def show_availability(call: Call) -> Response:
    """200; 404."""
    for body in await _availabilities(call):
        if body["network_id"] == call.path["id"]:
            return one(call, "network_ip_availability", body)
    raise Missing("Network", call.path["id"])


async def _availabilities(call: Call) -> list[dict[str, object]]:
    given = Counter[str]()
    query = select(ports.c.network_id, func.count().label("count")).where(ports.c.address.is_not(None))
    for row in await rows.rows_of(call, query.group_by(ports.c.network_id)):
        given[row["network_id"]] = row["count"]
    ranges = {row["network_id"]: row for row in await rows.rows_of(call, rows.SUBNETS)}
    found: list[dict[str, object]] = []
    for row in await rows.rows_of(call, rows.seen_networks(call)):
        subnet = ranges.get(row["id"])
        total = 0 if subnet is None else sum(_size(pool) for pool in subnet["pools"])
        in_subnet = (
            []
            if subnet is None
            else [
                {
                    "subnet_id": subnet["id"],
                    "subnet_name": subnet["name"],
                    "cidr": subnet["cidr"],
                    "ip_version": 4,
                    "total_ips": total,
                    "used_ips": given[row["id"]],
                }
            ]
        )
        found.append(
            {
                "network_id": row["id"],
                "network_name": row["name"],
                "tenant_id": row["project_id"],
                "project_id": row["project_id"],
                "total_ips": total,
                "used_ips": given[row["id"]],
                "subnet_ip_availability": in_subnet,
            }
        )
    return found


def _size(pool: dict[str, str]) -> int:
    return int(IPv4Address(pool["end"])) - int(IPv4Address(pool["start"])) + 1
