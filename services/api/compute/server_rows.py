"""Servers in the read model: which of them a caller can see."""

from functools import partial

from sqlalchemy import Connection, RowMapping, Select, bindparam, select

from projections.tables import hosts, instances
from services.api.call import Call
from services.api.errors import Refusal

SERVERS: Select[tuple[object, ...]] = select(
    instances, hosts.c.up.label("host_up"), hosts.c.enabled.label("host_enabled")
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
