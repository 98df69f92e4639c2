"""Networks, subnets, ports and security groups in the read model: which of them a caller sees, and which it may change."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, String, and_, cast, func, or_, select

from domain.security_group.group import default_group_id
from projections.tables import instances, networks, ports, security_group_rules, security_groups, subnets
from services.api.call import Call
from services.api.errors import NotAllowed
from services.api.network.dialect import Missing

Rows = Sequence[RowMapping]

LIVING = networks.c.deleted.is_(False)
NETWORKS: Select[Any] = select(networks).where(LIVING).order_by(networks.c.created_position)
SUBNETS: Select[Any] = (
    select(subnets, networks.c.shared)
    .join(networks, and_(networks.c.id == subnets.c.network_id, LIVING))
    .order_by(subnets.c.created_position)
)
port_project = func.coalesce(ports.c.project_id, instances.c.project_id)
PORTS: Select[Any] = (
    select(ports, port_project.label("owner"), instances.c.host)
    .outerjoin(instances, instances.c.id == ports.c.instance_id)
    .order_by(ports.c.created_at, ports.c.id)
)
GROUPS: Select[Any] = select(security_groups).order_by(security_groups.c.created_position)
RULES: Select[Any] = select(security_group_rules).order_by(
    security_group_rules.c.created_position, security_group_rules.c.id
)

PORT_FILTERS = {"device_id": ports.c.device_id, "network_id": ports.c.network_id, "id": ports.c.id}
"""Asked of the database, because there may be very many ports; the other filters follow in `listing`."""


async def rows_of(call: Call, query: Select[Any]) -> Rows:
    """All rows of a question."""
    return await call.dependencies.reads.query(lambda connection: connection.execute(query).mappings().all())


def seen_networks(call: Call) -> Select[Any]:
    """The caller's project's networks and the shared ones; all for administrators."""
    return NETWORKS if call.caller.is_admin else NETWORKS.where(_shared_or_own(call))


def seen_subnets(call: Call) -> Select[Any]:
    """The subnets of the networks that the caller sees."""
    return SUBNETS if call.caller.is_admin else SUBNETS.where(_shared_or_own(call))


def seen_ports(call: Call) -> Select[Any]:
    """The caller's project's ports, those of its instances and those that it made; all for administrators."""
    query = PORTS if call.caller.is_admin else PORTS.where(port_project == call.project_id)
    for name, column in PORT_FILTERS.items():
        if values := call.request.query_params.getlist(name):
            query = query.where(column.in_(values))
    return query


def seen_groups(call: Call) -> Select[Any]:
    """The caller's project's groups; all for administrators."""
    return GROUPS if call.caller.is_admin else GROUPS.where(security_groups.c.project_id == call.project_id)


def seen_rules(call: Call) -> Select[Any]:
    """The rules of the groups that the caller sees."""
    return RULES if call.caller.is_admin else RULES.where(security_group_rules.c.project_id == call.project_id)


def _shared_or_own(call: Call) -> ColumnElement[bool]:
    return or_(networks.c.shared.is_(True), networks.c.project_id == call.project_id)


async def network(call: Call, network_id: str) -> RowMapping:
    """A network that the caller sees. Raises Missing."""
    return await _one(call, seen_networks(call).where(networks.c.id == network_id), "Network", network_id)


async def subnet(call: Call, subnet_id: str) -> RowMapping:
    """A subnet that the caller sees. Raises Missing."""
    return await _one(call, seen_subnets(call).where(subnets.c.id == subnet_id), "Subnet", subnet_id)


async def port(call: Call, port_id: str) -> RowMapping:
    """A port that the caller sees. Raises Missing."""
    query = PORTS if call.caller.is_admin else PORTS.where(port_project == call.project_id)
    return await _one(call, query.where(ports.c.id == port_id), "Port", port_id)


async def group(call: Call, group_id: str) -> RowMapping:
    """A security group that the caller sees. Raises Missing."""
    return await _one(call, seen_groups(call).where(security_groups.c.id == group_id), "Security group", group_id)


async def rule(call: Call, rule_id: str) -> RowMapping:
    """A rule that the caller sees. Raises Missing."""
    query = seen_rules(call).where(security_group_rules.c.id == rule_id)
    return await _one(call, query, "Security group rule", rule_id)


async def rules_by_group(call: Call, group_ids: Sequence[str]) -> dict[str, list[RowMapping]]:
    """The rules of groups, by group."""
    found: dict[str, list[RowMapping]] = {group_id: [] for group_id in group_ids}
    for row in await rows_of(call, RULES.where(security_group_rules.c.group_id.in_(group_ids))):
        found[row["group_id"]].append(row)
    return found


def require_own(call: Call, row: RowMapping, policy: str) -> RowMapping:
    """Pass when what the caller sees is its project's, or it is an administrator. Raises NotAllowed."""
    if row["project_id"] != call.project_id and not call.caller.is_admin:
        raise NotAllowed(policy)
    return row


async def group_is_used(call: Call, group_row: RowMapping) -> bool:
    """Whether a port is in a group; those that name none are in their project's default one."""
    group_id, project_id = group_row["id"], group_row["project_id"]
    used = cast(ports.c.security_groups, String).contains(f'"{group_id}"')
    if group_id == default_group_id(project_id):
        used = or_(used, and_(_names_no_group(), port_project == project_id))
    query = PORTS.with_only_columns(ports.c.id).where(used).limit(1)

    def ask(connection: Connection) -> bool:
        return connection.execute(query).first() is not None

    return await call.dependencies.reads.query(ask)


def _names_no_group() -> ColumnElement[bool]:
    # A JSON column keeps None as JSON's null.
    return or_(ports.c.security_groups.is_(None), cast(ports.c.security_groups, String) == "null")


async def _one(call: Call, query: Select[Any], kind: str, resource_id: str) -> RowMapping:
    found = await rows_of(call, query)
    if not found:
        raise Missing(kind, resource_id)
    return found[0]
