"""Servers in the read model: which of them a caller can see."""

from functools import partial

from sqlalchemy import Connection, RowMapping, Select, and_, bindparam, case, func, select

from domain.placement.hosts import DEFAULT_ZONE
from projections.tables import host_zones, hosts, instances
from services.api.call import Call
from services.api.errors import Refusal

_OWN_ZONE = (
    select(func.min(host_zones.c.zone))
    .where(host_zones.c.host == instances.c.host)
    .correlate(instances)
    .scalar_subquery()
)
ZONE = case(
    (instances.c.host.is_not(None), func.coalesce(_OWN_ZONE, DEFAULT_ZONE)),
    else_=func.coalesce(instances.c.pinned_zone, ""),
)
"""The zone that a server's host is in; without a host, that which was asked for."""

SERVERS: Select[tuple[object, ...]] = select(
    instances,
    and_(hosts.c.up, ~hosts.c.forced_down).label("host_up"),
    hosts.c.enabled.label("host_enabled"),
    ZONE.label("zone"),
).select_from(instances.outerjoin(hosts, hosts.c.name == instances.c.host))
"""Instances with what is known of their hosts."""

ONE = SERVERS.where(instances.c.id == bindparam("server_id"))


def _one(server_id: str, connection: Connection) -> RowMapping | None:
    return connection.execute(ONE, {"server_id": server_id}).mappings().first()


async def visible(call: Call, server_id: str, *, also_deleted: bool = False) -> RowMapping:
    """The row of a server that the caller may know of. Raises Refusal 404: another project's server is not there."""
    row = await call.dependencies.reads.query(partial(_one, server_id))
    if (
        row is None
        or (row["deleted"] and not also_deleted)
        or (row["project_id"] != call.caller.project_id and not call.caller.is_admin)
    ):
        raise Refusal(404, f"Instance {server_id} could not be found.")
    return row
